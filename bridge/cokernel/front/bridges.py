"""Which bridge is in use, which ones only finish, and why there is none: connecting, switching, coming back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cokernel.errors import CokernelError, StartFailed
from cokernel.front import messages, texts
from cokernel.front.home import Lost, Wish, find, find_again
from cokernel.front.lines import Line
from cokernel.front.log import Log
from cokernel.front.memory import ClientMemory
from cokernel.front.messages import Message
from cokernel.front.upstream import Pending, Upstream, connect
from cokernel.shares import ShareRecord

if TYPE_CHECKING:
    from subprocess import Popen

RETURN_S = 2.0
"""How long the first call after a crash waits for the share to be published again."""
REPLAY_S = 30.0
"""For a bridge's answer to `initialize`: a stand-alone one has to import first."""
_LOOK_AGAIN_S = 0.1
_REPLAY_ID = "cokernel-front"


class Receiver(Protocol):
    """Who is told what happens to the connections."""

    def from_bridge(self, upstream: Upstream, line: Line) -> None:
        """A line came; in the thread of that connection."""

    def bridge_ended(self, upstream: Upstream) -> None:
        """Nothing more will come; in the thread of that connection."""

    def bridge_is_new(self) -> None:
        """Another bridge is in use now."""


class Aftermath(NamedTuple):
    """What has to be said when a bridge is gone."""

    lost: Lost
    unanswered: tuple[Message, ...]
    """Requests of the client."""
    unasked: tuple[str, ...]
    """Keys of the bridge's own requests that nobody waits for any more."""


class Bridges:
    """The owner of every connection. Any thread may call; `lock` is never held while something is waited for."""

    def __init__(
        self, wish: Wish, receiver: Receiver, log: Log, early: Popen[bytes] | None = None
    ) -> None:
        self.lock = threading.Lock()
        """Guards everything here and in `memory`, and the collections of each `Upstream`."""
        self.memory = ClientMemory()
        self.current: Upstream | None = None
        self.lost: Lost | None = None
        """Set: no code runs anywhere. `current` may be there nevertheless, for everything but code."""
        self._wish = wish
        self._receiver = receiver
        self._log = log
        self._retired: list[Upstream] = []
        self._kept: Upstream | None = None
        """One of the retired: the stand-alone bridge, if its kernel holds variables of the agent."""
        self._early = early
        """The process of a stand-alone bridge, until it is known whether that is where the client belongs."""
        self._wait_until = 0.0
        """Until when a call waits for the lost share to come back (time.monotonic)."""
        self._closed = False

    def close(self, *, hurried: bool) -> None:
        """End every connection, and the child."""
        with self.lock:
            self._closed = True
            upstreams = self.all()
        for upstream in upstreams:
            upstream.close(hurried=hurried)

    def all(self) -> list[Upstream]:
        """The one in use first. Call it with the lock held."""
        return [*([self.current] if self.current else []), *self._retired]

    # Where to go

    def begin(self) -> None:
        """Settle in for the first time."""
        try:
            self.settle_in()
        finally:
            early, self._early = self._early, None
            if early is not None:
                self._end(early)

    def settle_in(self) -> bool:
        """Connect to where this client belongs; whether code may run now."""
        found = find(self._wish)
        if isinstance(found, Lost):
            self._lose(found)
            return False
        try:
            upstream = self._private() if found is None else connect(found, self._wish.cwd)
            # A kernel that was asked for by name is not left for one that happens to be shared later.
            upstream.settled |= bool(self._wish.share or self._wish.connection_file)
            self._adopt(upstream)
        except CokernelError as error:
            self._lose(Lost(str(error), texts.TRY_AGAIN, fresh=True))
            return False
        return True

    def take_share_that_appeared(self) -> None:
        """As long as nothing has run in the private kernel, a share is the better place."""
        current = self.current
        if self.lost or current is None or not current.private or current.settled:
            return
        found = find(self._wish)
        if isinstance(found, ShareRecord):
            self._connected(found)

    def come_back(self, lost: Lost) -> bool:
        """Go on in the kernel that was lost, if it can be had again; whether that is so."""
        if lost.fresh:
            return self.settle_in()
        if lost.record is None:
            return False
        while True:
            record = find_again(lost.record)
            if record is not None and self._connected(record):
                return True
            if time.monotonic() >= self._wait_until:
                return False
            # The standard library cannot watch a folder; RETURN_S bounds this, once for each loss.
            time.sleep(_LOOK_AGAIN_S)

    def go_to(self, record: ShareRecord | None, *, still_lost: bool = False) -> None:
        """Connect to this share, or for None to the stand-alone bridge.

        `still_lost`: until the bridge has agreed, no code runs there.

        Raises
        ------
        CokernelError
            it cannot be had; everything is as before.
        """
        upstream = self._private() if record is None else connect(record, self._wish.cwd)
        self._adopt(upstream, still_lost=still_lost)

    def keeps_private(self) -> bool:
        """Whether there is a private kernel that the agent has left and can go back to."""
        return self._kept is not None

    def _lose(self, lost: Lost) -> None:
        self._log.info("lost: %s", lost.what)
        with self.lock:
            self.lost = lost

    def _private(self) -> Upstream:
        with self.lock:
            for upstream in (self.current, self._kept):
                if upstream is not None and upstream.private:
                    return upstream
        # Here, because with a share there is no need for it, and `subprocess` takes 1 MB.
        from cokernel.front import standalone

        self._log.info("starting a stand-alone bridge")
        early, self._early = self._early, None
        return standalone.start(early)

    def _end(self, early: Popen[bytes]) -> None:
        """Somebody has begun to share meanwhile."""
        from cokernel.front import standalone

        transport = standalone.ChildTransport(early)
        threading.Thread(target=transport.close, kwargs={"hurried": True}, daemon=True).start()

    def _connected(self, record: ShareRecord) -> bool:
        try:
            self.go_to(record)
        except CokernelError as error:
            self._log.info("no way to %s: %s", record.name, error)
            return False
        return True

    # The change from one to another

    def _adopt(self, upstream: Upstream, *, still_lost: bool = False) -> None:
        """Make it the bridge in use, once it knows what the client has told the last one."""
        if upstream not in (self.current, self._kept):
            upstream.start_reading(self._receiver.from_bridge, self._receiver.bridge_ended)
            self._replay(upstream)
        with self.lock:
            if upstream.ended:
                raise StartFailed(f"{upstream.name} went away at once.")
            if upstream is self._kept:
                self._kept, upstream.retired = None, False
                self._retired.remove(upstream)
            previous, self.current = self.current, upstream
            if not still_lost:
                self.lost = None
        if previous is upstream:
            return
        self._log.info("connected to %s", upstream.name)
        if previous is not None:
            self._retire(previous)
        self._receiver.bridge_is_new()

    def _replay(self, upstream: Upstream) -> None:
        with self.lock:
            listens = self.memory.listens()
            upstream.acknowledgements.update(listen.key for listen in listens)
            initialize = self.memory.initialize
        try:
            if initialize is not None:
                self._replay_initialize(upstream, initialize)
            for listen in listens:
                upstream.send(listen.line)
        except OSError as error:
            upstream.close()
            raise StartFailed(f"{upstream.name} did not take up the session ({error}).") from error

    def _replay_initialize(self, upstream: Upstream, initialize: Message) -> None:
        answered = threading.Event()
        upstream.replays[messages.key_of(_REPLAY_ID)] = answered
        upstream.send(messages.with_id(initialize.line, _REPLAY_ID))
        if not answered.wait(REPLAY_S) or upstream.ended:
            raise TimeoutError("no answer to initialize")
        if self.memory.initialized:
            upstream.send(messages.initialized_line())

    def _retire(self, upstream: Upstream) -> None:
        with self.lock:
            upstream.retired = True
            self._retired.append(upstream)
            if upstream.private and upstream.settled:
                self._kept = upstream
        self.close_if_done(upstream)

    def close_if_done(self, upstream: Upstream) -> None:
        """End a connection that is not in use once everything it was asked is answered."""
        with self.lock:
            waiting = [key for key in upstream.pending if not self.memory.is_listen(key)]
            done = upstream.retired and upstream is not self._kept and not waiting
        if done:
            # In a thread, because a child takes its time to end and the agent's call must not wait for that.
            threading.Thread(target=upstream.close, daemon=True).start()

    def ended(self, upstream: Upstream) -> Aftermath:
        """A connection is at its end. The second time for the same one there is nothing left to say."""
        with self.lock:
            upstream.ended = True
            pending, upstream.pending = upstream.pending, {}
            asked, upstream.asked = upstream.asked, set()
            if upstream in self._retired:
                self._retired.remove(upstream)
            if upstream is self._kept:
                self._kept = None
            lost = texts.why_lost(upstream)
            if upstream is self.current:
                self.current = None
                self.lost = self.lost or lost
                self._wait_until = 0.0 if upstream.ending else time.monotonic() + RETURN_S
            silent = self._closed
            unanswered = tuple(p.request for p in pending.values() if self._waits(p))
        for answered in list(upstream.replays.values()):
            answered.set()
        return Aftermath(lost, () if silent else unanswered, () if silent else tuple(asked))

    def _waits(self, pending: Pending) -> bool:
        """A subscription does not: the next bridge takes it over."""
        return not self.memory.is_listen(pending.request.key)
