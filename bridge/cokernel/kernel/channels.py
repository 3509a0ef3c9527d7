"""The four channels to one kernel: sockets, one pump each, and the answers that are waited for.

One pump per channel reads all there is and hands it on at once. It is our own and not one of `jupyter_client`'s, which
throw away each other's messages when used concurrently and drop output under load. The socket options, each for a
measured fault:

* ``RCVHWM=0``: with the default of 1,000 a burst of displays loses messages, the reply's `idle` among them.
* ``IMMEDIATE=1``, sending with NOBLOCK: the default queues for a dead kernel, and the restarted one executes it.
* ``LINGER=0``: a closed link leaves nothing behind in a queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

import zmq
import zmq.asyncio

from cokernel.errors import LinkDown, NoAnswer, Untrusted
from cokernel.kernel.link import Channel, Message
from cokernel.kernel.sockets import connect_channel
from cokernel.kernel.wire import Codec

log = logging.getLogger(__name__)

BATCH = 200
"""Messages handled before other tasks get a turn."""


class Channels:
    """Owned by one `ZmqLink`. It knows nothing of the kernel's life."""

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        on_message: Callable[[Message], None],
        on_broken: Callable[[], None],
    ) -> None:
        """`on_broken` is called when the connection of the shell channel breaks: what was under way may be lost.

        Raises
        ------
        Untrusted
            the connection has no key, or asks for a signature that is not known.
        """
        self._connection = connection
        self._on_message = on_message
        self._on_broken = on_broken
        self._codec = Codec(
            str(connection.get("key", "")).encode(errors="surrogatepass"),
            str(connection.get("signature_scheme", "hmac-sha256")),
        )
        self._context: zmq.asyncio.Context | None = None
        self._sockets: dict[Channel, zmq.asyncio.Socket] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._pending: dict[str, tuple[Channel, asyncio.Future[Message]]] = {}
        self.subscribed = asyncio.Event()
        """Set once iopub has brought anything: the subscription has taken effect."""
        self.untrusted = 0
        """Messages that were dropped because they were not signed with the kernel's key, or malformed."""

    @property
    def session_id(self) -> str:
        return self._codec.session_id

    def open(self) -> None:
        """Connect all channels; raises `Untrusted` if the connection does not say where they are."""
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._context.setsockopt(zmq.IMMEDIATE, 1)
        for channel in Channel:
            self._open(self._context, channel)
        self._begin(self._watch_shell(), "watch the shell channel")

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._context is not None:
            self._context.destroy(linger=0)

    async def reachable(self) -> None:
        """Wait until somebody is connected: with IMMEDIATE a socket can be written to only then."""
        for channel in (Channel.CONTROL, Channel.SHELL):
            zsocket: Any = self._sockets[channel]  # upstream's stub forgets the flags of poll
            await zsocket.poll(None, zmq.POLLOUT)

    def send(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        header: Mapping[str, Any] | None = None,
        parent: Mapping[str, Any] | None = None,
    ) -> str:
        """Send at once and return the `msg_id`.

        Raises
        ------
        LinkDown
            nobody is connected; nothing was sent.
        """
        msg_id, frames = self._codec.encode(msg_type, content, header=header, parent=parent)
        # With NOBLOCK the future is done when it is returned: sent, or zmq.Again because nobody is connected.
        sent = _done(self._sockets[channel].send_multipart(frames, flags=zmq.NOBLOCK))
        if (error := sent.exception()) is not None:
            raise LinkDown("The kernel cannot be reached.", "Nothing was sent.") from error
        return msg_id

    async def request(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        timeout_s: float | None,
    ) -> Message:
        """Send and await the reply; raises like `KernelLink.request`."""
        msg_id = self.send(channel, msg_type, content)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending[msg_id] = (channel, answer)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except asyncio.TimeoutError:
            raise NoAnswer(f"The kernel did not answer {msg_type} in {timeout_s:g} s.") from None
        finally:
            self._pending.pop(msg_id, None)

    def fail_pending(self, what: str, next_step: str) -> None:
        """The kernel went away: whoever waits for an answer gets `LinkDown`."""
        for _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(LinkDown(what, next_step))

    # -- inside

    def _open(self, context: zmq.asyncio.Context, channel: Channel) -> None:
        identity = None if channel is Channel.IOPUB else self.session_id.encode()
        zsocket = connect_channel(context, self._connection, channel.value, identity)
        self._sockets[channel] = zsocket
        self._begin(self._pump(channel, zsocket), f"pump {channel.value}")

    def _begin(self, work: Any, name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _pump(self, channel: Channel, zsocket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await zsocket.recv_multipart()
            for _ in range(BATCH):
                self._arrived(channel, frames)
                more = _done(zsocket.recv_multipart(flags=zmq.NOBLOCK))
                if more.exception() is not None:
                    break
                frames = more.result()
            else:
                self._arrived(channel, frames)
                await asyncio.sleep(0)

    def _arrived(self, channel: Channel, frames: list[bytes]) -> None:
        try:
            message = self._codec.decode(channel, frames)
        except Untrusted as error:
            self._count_untrusted(channel, error)
            return
        waiting = self._pending.get(message.parent_id)
        if waiting is not None and waiting[0] is channel and not waiting[1].done():
            waiting[1].set_result(message)
        if channel is Channel.IOPUB:
            self.subscribed.set()
        try:
            self._on_message(message)
        except Exception:
            # The outermost handler of what a kernel says: one message that nobody expected must not end the pump, and
            # with it every later call.
            log.exception("a %s of the kernel could not be handled", message.msg_type[:80])

    def _count_untrusted(self, channel: Channel, error: Untrusted) -> None:
        self.untrusted += 1
        if self.untrusted in (1, 10, 100) or self.untrusted % 1000 == 0:
            log.warning("Dropped message number %d on %s: %s", self.untrusted, channel.value, error)

    async def _watch_shell(self) -> None:
        monitor = self._sockets[Channel.SHELL].get_monitor_socket(zmq.EVENT_DISCONNECTED)
        while True:
            await monitor.recv_multipart()
            self._on_broken()


def _done(result: Any) -> asyncio.Future[Any]:
    """With NOBLOCK, zmq.asyncio returns a future that is done already; its annotation says only Awaitable."""
    return cast("asyncio.Future[Any]", result)
