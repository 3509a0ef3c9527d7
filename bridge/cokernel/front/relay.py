"""What becomes of every message: handed on, answered here, or refused because the kernel is lost.

Two kinds of threads come in: the client's lines in one (`from_client`), each bridge's lines in one of its own.
What must never be: code in a kernel that the agent did not choose, code run twice, a call without an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cokernel import handshake
from cokernel.errors import CokernelError, StartFailed
from cokernel.front import messages, texts
from cokernel.front.bridges import Bridges
from cokernel.front.home import PRIVATE, Lost, Wish, describe_kernels
from cokernel.front.lines import Line
from cokernel.front.log import Log
from cokernel.front.messages import Kind, Message, MessageError
from cokernel.front.upstream import Pending, Upstream
from cokernel.shares import ShareRecord, list_shares, match

if TYPE_CHECKING:
    from subprocess import Popen


class Relay:
    """Between one client and whichever bridge it belongs to."""

    def __init__(
        self,
        wish: Wish,
        to_client: Callable[[Line], None],
        log: Log,
        early: Popen[bytes] | None = None,
    ) -> None:
        self._bridges = Bridges(wish, self, log, early)
        self._lock = self._bridges.lock
        self._memory = self._bridges.memory
        self._to_client = to_client
        self._log = log

    def start(self) -> None:
        """Connect to where this client belongs, before it says anything."""
        self._bridges.begin()

    def close(self, *, hurried: bool) -> None:
        """End every connection, and the child. `hurried`: whoever started us is about to kill us."""
        self._bridges.close(hurried=hurried)

    # From the client

    def from_client(self, line: Line | None) -> None:
        """One line; None in place of one that was too long."""
        if line is None:
            self._emit(messages.error_line("", messages.INVALID_REQUEST, "A line is too long."))
            return
        if len(line) < 3 and not bytes(line).strip():
            return
        try:
            message = messages.read(line)
        except MessageError as error:
            self._emit(messages.error_line(error.key, error.code, str(error)))
            return
        if message.kind is Kind.REQUEST:
            self._request(message)
        elif message.kind is Kind.NOTIFICATION:
            self._notification(message)
        else:
            self._answer_to_bridge(message)

    def _answer_to_bridge(self, message: Message) -> None:
        """Whoever asked may be gone; another bridge must not take the answer for one to its own question."""
        with self._lock:
            asker = next((u for u in self._bridges.all() if message.key in u.asked), None)
            if asker is not None:
                asker.asked.discard(message.key)
        if asker is not None:
            self._send_quietly(asker, message.line)

    def _notification(self, message: Message) -> None:
        upstream = self._bridges.current
        if message.method == "notifications/cancelled":
            upstream = self._cancelled(messages.key_of(message.params.get("requestId")))
        elif message.method == "notifications/initialized":
            self._memory.initialized = True
        if upstream is not None:
            self._send_quietly(upstream, message.line)

    def _cancelled(self, key: str) -> Upstream | None:
        """Which bridge works on that request; it will not answer it any more."""
        with self._lock:
            self._memory.forget_listen(key)
            return next((u for u in self._bridges.all() if u.pending.pop(key, None)), None)

    def _request(self, message: Message) -> None:
        for _ in range(2):
            if not self._may_go_on(message) or self._forwarded(message):
                return
            # The bridge was gone before it saw the request: nothing ran, so once more is not twice.
        self._refuse(message, self._bridges.lost)

    def _may_go_on(self, message: Message) -> bool:
        """Whether there is a bridge to send it to; if not, it is answered."""
        if message.method == "tools/call":
            return self._tool_call(message)
        lost = self._bridges.lost
        if self._bridges.current is not None or lost is None or self._bridges.come_back(lost):
            return True
        return self._lookup_without_kernel(message, lost)

    def _tool_call(self, message: Message) -> bool:
        self._bridges.take_share_that_appeared()
        lost = self._bridges.lost
        if lost is None or self._bridges.come_back(lost):
            wants_private = message.arguments.get("kernel") == texts.PRIVATE_TITLE
            if message.tool == "use_kernel" and wants_private and self._bridges.keeps_private():
                return self._go_to(message, None)
            return True
        if message.tool == "use_kernel":
            return self._use_kernel(message)
        lost = self._bridges.lost or lost
        is_list = message.tool == "list_kernels"
        text = describe_kernels(lost) if is_list else lost.refusal
        self._emit(messages.text_line(message, text, is_error=not is_list))
        return False

    def _use_kernel(self, message: Message) -> bool:
        """The agent chooses while it has no kernel: go there and ask; its answer settles it."""
        name = str(message.arguments.get("kernel") or "")
        found = match(list_shares(), name) if name != PRIVATE else []
        if len(found) > 1:
            self._emit(messages.text_line(message, texts.several(name, found), is_error=True))
            return False
        return self._go_to(message, found[0] if found else None)

    def _go_to(self, message: Message, record: ShareRecord | None) -> bool:
        try:
            self._bridges.go_to(record, still_lost=True)
        except CokernelError as error:
            self._emit(messages.text_line(message, f"{error} {texts.NOTHING_RAN}", is_error=True))
            return False
        return True

    def _lookup_without_kernel(self, message: Message, lost: Lost) -> bool:
        """Lists and the like while a kernel is lost: what was known before, else any bridge may say."""
        with self._lock:
            known = self._memory.known_answer(message)
        if known is not None:
            self._emit(known)
            return False
        if message.method not in self._memory.LOOKUPS:
            self._refuse(message, lost)
            return False
        try:
            self._bridges.go_to(None, still_lost=True)
        except CokernelError as error:
            self._refuse(message, Lost(lost.what, str(error)))
            return False
        return True

    def _forwarded(self, message: Message) -> bool:
        """Send a request to the bridge in use; False if that bridge was gone before it saw the request."""
        with self._lock:
            upstream = self._bridges.current
            if upstream is None or upstream.ended:
                return False
            settles = message.tool == "use_kernel" and self._bridges.lost is not None
            self._memory.note_request(message)
            upstream.pending[message.key] = Pending(message, settles)
            upstream.settled |= texts.may_run_code(message) and not settles
        try:
            upstream.send(message.line)
        except OSError as error:
            self._log.info("sending to %s failed: %s", upstream.name, error)
            with self._lock:
                unseen = upstream.pending.pop(message.key, None) is not None
            upstream.hear_out()
            self.bridge_ended(upstream)
            return not unseen  # else the reading thread was first and has answered
        return True

    def _refuse(self, message: Message, lost: Lost | None) -> None:
        """Answer a request that no bridge has seen."""
        lost = lost or Lost("The bridge is gone.", texts.TRY_AGAIN)
        if message.method == "tools/call":
            self._emit(messages.text_line(message, lost.refusal, is_error=True))
        else:
            self._emit(messages.error_line(message.key, messages.SERVER_ERROR, lost.text))

    # From a bridge

    def from_bridge(self, upstream: Upstream, line: Line) -> None:
        """One line of a bridge, in that connection's thread."""
        try:
            if line[: len(handshake.ASIDE_START)] == handshake.ASIDE_START:
                self._aside(upstream, bytes(line))
                return
            message = messages.read_from_bridge(line)
        except (MessageError, CokernelError) as error:
            self._log.warning("%s sent a line that is none: %s", upstream.name, error)
            return
        if message.kind is Kind.ANSWER:
            self._answer_to_client(upstream, message)
        elif message.kind is Kind.REQUEST:
            with self._lock:
                upstream.asked.add(message.key)
            self._emit(line)
        elif not self._acknowledges_a_replay(upstream, message):
            self._emit(line)

    def _aside(self, upstream: Upstream, line: bytes) -> None:
        aside = handshake.read_aside(line)
        if isinstance(aside, handshake.Switch):
            upstream.switch_to = aside.share
        elif isinstance(aside, handshake.Lost):
            upstream.ending = aside

    def _acknowledges_a_replay(self, upstream: Upstream, message: Message) -> bool:
        key = messages.acknowledged_key(message)
        if not key or key not in upstream.acknowledgements:
            return False
        upstream.acknowledgements.discard(key)
        return True

    def _answer_to_client(self, upstream: Upstream, message: Message) -> None:
        replay = upstream.replays.pop(message.key, None)
        if replay is not None:
            replay.set()
            return
        with self._lock:
            pending = upstream.pending.pop(message.key, None)
            if self._memory.is_listen(message.key):
                if upstream.retired or upstream.ending:
                    return  # the next bridge has that subscription, or will have it
                self._memory.forget_listen(message.key)
        self._emit(self._settled(upstream, pending, message.line) if pending else message.line)
        if upstream.retired:
            self._bridges.close_if_done(upstream)

    def _settled(self, upstream: Upstream, pending: Pending, line: Line) -> Line:
        """Take note of an answer; the line that the client gets."""
        with self._lock:
            self._memory.note_answer(pending.request, line)
            if pending.settles and messages.succeeded(line):
                upstream.settled = True
                self._bridges.lost = None
        if upstream.switch_to and pending.request.tool == "use_kernel":
            share, upstream.switch_to = upstream.switch_to, None
            return self._switched(upstream, share, pending.request, line)
        return line

    def _switched(self, upstream: Upstream, share: str, request: Message, line: Line) -> Line:
        found = match(list_shares(), share)
        try:
            if not found:
                raise StartFailed("That kernel is not shared any more.")
            self._bridges.go_to(found[0])
        except CokernelError as error:
            return messages.text_line(request, f"{error} {texts.NOT_SWITCHED}", is_error=True)
        stays = upstream.private and upstream.settled
        return messages.with_text(line, texts.PRIVATE_STAYS) if stays else line

    def bridge_ended(self, upstream: Upstream) -> None:
        """Its connection is at its end: answer whatever waited for it. May come twice."""
        aftermath = self._bridges.ended(upstream)
        for key in aftermath.unasked:
            self._emit(messages.cancelled_line(key, aftermath.lost.what))
        for request in aftermath.unanswered:
            self._emit(texts.cut_off(request, aftermath.lost))
        upstream.close()

    def bridge_is_new(self) -> None:
        """Let the client ask for its lists again."""
        with self._lock:
            lines = self._memory.lists_changed()
        for line in lines:
            self._emit(line)

    # To either

    def _emit(self, line: Line) -> None:
        try:
            self._to_client(line)
        except OSError as error:
            self._log.info("the client does not read any more: %s", error)

    def _send_quietly(self, upstream: Upstream, line: Line) -> None:
        """For what needs no answer: if it cannot be sent, the reading thread says so soon enough."""
        try:
            upstream.send(line)
        except OSError as error:
            self._log.info("sending to %s failed: %s", upstream.name, error)
