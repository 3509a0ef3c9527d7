"""`ZmqLink`: any kernel, by its connection file, over ZeroMQ.

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
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import psutil
import zmq
import zmq.asyncio

from cokernel.errors import LinkDown, NoAnswer, Untrusted
from cokernel.kernel.heartbeat import Heartbeat
from cokernel.kernel.link import Channel, KernelInfo, LinkObserver, LinkState, Message
from cokernel.kernel.process import ProcessWatch
from cokernel.kernel.sockets import connect_channel
from cokernel.kernel.wire import Codec

log = logging.getLogger(__name__)

PROBE_EVERY_S = 0.3
IOPUB_GRACE_S = 1.0
"""How long `connect` waits for the subscription to take effect once the kernel has answered."""
BATCH = 200
"""Messages handled before other tasks get a turn."""

_WHY_DOWN = {
    LinkState.CONNECTING: ("The connection to the kernel is being made.", "Try again in a moment."),
    LinkState.RESTARTING: (
        "The kernel is being restarted.",
        "Try again in a moment; its variables are gone.",
    ),
    LinkState.SILENT: (
        "The kernel does not answer; its process may be stopped.",
        "Nothing was sent.",
    ),
    LinkState.DEAD: ("The kernel is dead.", "Ask for it to be restarted, or use another kernel."),
    LinkState.CLOSED: (
        "The connection to the kernel was closed.",
        "Choose a kernel with use_kernel.",
    ),
}


class ZmqLink:
    """A `KernelLink` over ZeroMQ. Owns its sockets and pumps, nothing of the kernel."""

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        connection_file: str | None = None,
        pid: int | None = None,
    ) -> None:
        """`connection` is the content of a connection file; `pid` the kernel's process, if it is known."""
        self.connection_file = connection_file
        self._connection = dict(connection)
        self._codec = Codec(
            str(connection.get("key", "")).encode(),
            str(connection.get("signature_scheme", "hmac-sha256")),
        )
        self._pid = pid
        self._state = LinkState.CONNECTING
        self._info: KernelInfo | None = None
        self._observers: list[LinkObserver] = []
        self._pending: dict[str, tuple[Channel, asyncio.Future[Message]]] = {}
        self._context: zmq.asyncio.Context | None = None
        self._sockets: dict[Channel, zmq.asyncio.Socket] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._heartbeat: Heartbeat | None = None
        self._process: ProcessWatch | None = None
        self._probe: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._untrusted = 0

    # -- what callers see

    @property
    def session_id(self) -> str:
        return self._codec.session_id

    @property
    def state(self) -> LinkState:
        return self._state

    @property
    def info(self) -> KernelInfo:
        if self._info is None:
            raise LinkDown(*_WHY_DOWN[LinkState.CONNECTING])
        return self._info

    def observe(self, observer: LinkObserver) -> None:
        self._observers.append(observer)

    async def connect(self, timeout_s: float) -> KernelInfo:
        self._open_sockets()
        try:
            self._info = await asyncio.wait_for(self._prove(), timeout_s)
        except asyncio.TimeoutError:
            await self.close()
            raise self._nobody_there(timeout_s) from None
        self._watch(self._info.pid)
        self._heartbeat = Heartbeat(self._connection, self._heartbeat_changed)
        self._set_state(LinkState.UP, "")
        return self._info

    def send(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        header: Mapping[str, Any] | None = None,
        parent: Mapping[str, Any] | None = None,
    ) -> str:
        if self._state is not LinkState.UP:
            raise LinkDown(*_WHY_DOWN[self._state])
        return self._send(channel, msg_type, content, header=header, parent=parent)

    async def request(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        timeout_s: float | None,
    ) -> Message:
        if self._state is not LinkState.UP:
            raise LinkDown(*_WHY_DOWN[self._state])
        return await self._request(channel, msg_type, content, timeout_s=timeout_s)

    async def close(self) -> None:
        if self._state is LinkState.CLOSED:
            return
        self._set_state(LinkState.CLOSED, "")
        for task in [*self._tasks, *([self._probe] if self._probe else [])]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._heartbeat is not None:
            await self._heartbeat.close()
        if self._process is not None:
            self._process.close()
        if self._context is not None:
            self._context.destroy(linger=0)

    # -- sockets

    def _open_sockets(self) -> None:
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._context.setsockopt(zmq.IMMEDIATE, 1)
        identity = self.session_id.encode()
        for channel in Channel:
            zsocket = connect_channel(
                self._context,
                self._connection,
                channel.value,
                None if channel is Channel.IOPUB else identity,
            )
            self._sockets[channel] = zsocket
            self._tasks.append(
                asyncio.create_task(self._pump(channel, zsocket), name=f"pump {channel.value}")
            )

    def _send(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        header: Mapping[str, Any] | None = None,
        parent: Mapping[str, Any] | None = None,
    ) -> str:
        msg_id, frames = self._codec.encode(msg_type, content, header=header, parent=parent)
        # With NOBLOCK the future is done when it is returned: sent, or zmq.Again because nobody is connected.
        sent = _done(self._sockets[channel].send_multipart(frames, flags=zmq.NOBLOCK))
        if (error := sent.exception()) is not None:
            raise LinkDown("The kernel cannot be reached.", "Nothing was sent.") from error
        return msg_id

    async def _request(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        timeout_s: float | None,
    ) -> Message:
        msg_id = self._send(channel, msg_type, content)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending[msg_id] = (channel, answer)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except asyncio.TimeoutError:
            raise NoAnswer(f"The kernel did not answer {msg_type} in {timeout_s:g} s.") from None
        finally:
            self._pending.pop(msg_id, None)

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
            self._untrusted += 1
            if self._untrusted in (1, 10, 100) or self._untrusted % 1000 == 0:
                log.warning(
                    "Dropped message number %d on %s: %s", self._untrusted, channel.value, error
                )
            return
        waiting = self._pending.get(message.parent_id)
        if waiting is not None and waiting[0] is channel and not waiting[1].done():
            waiting[1].set_result(message)
        if channel is Channel.IOPUB:
            self._subscribed.set()
            self._notice_life_cycle(message)
        for observer in self._observers:
            observer.message_arrived(message)

    # -- proof

    async def _prove(self) -> KernelInfo:
        """Ask on control (answers while the kernel is busy) and on shell (older kernels) until one answer is signed."""
        answer = None
        while answer is None:
            await self._wait_for_peer()
            answer = await self._ask_who()
        await self._wait_for_subscription()
        return _kernel_info(answer.content, await self._find_pid())

    async def _wait_for_peer(self) -> None:
        """With IMMEDIATE a socket can be written to only once it is connected."""
        for channel in (Channel.CONTROL, Channel.SHELL):
            zsocket: Any = self._sockets[channel]  # upstream's stub forgets the flags of poll
            await zsocket.poll(None, zmq.POLLOUT)

    async def _ask_who(self) -> Message | None:
        asked = [
            asyncio.create_task(self._request(channel, "kernel_info_request", {}, timeout_s=None))
            for channel in (Channel.CONTROL, Channel.SHELL)
        ]
        done, late = await asyncio.wait(
            asked, timeout=PROBE_EVERY_S, return_when=asyncio.FIRST_COMPLETED
        )
        for request in late:
            request.cancel()
        return next((request.result() for request in done if request.exception() is None), None)

    async def _wait_for_subscription(self) -> None:
        try:
            await asyncio.wait_for(self._subscribed.wait(), IOPUB_GRACE_S)
        except asyncio.TimeoutError:
            log.info("The kernel answers but publishes nothing yet.")

    async def _find_pid(self) -> int | None:
        """The kernel's process, if it runs on this machine: what it says must fit what we see."""
        if self._pid is not None:
            return self._pid if psutil.pid_exists(self._pid) else None
        try:
            answer = await self._request(Channel.CONTROL, "usage_request", {}, timeout_s=1.0)
        except (NoAnswer, LinkDown):
            return None
        pid, host = answer.content.get("pid"), answer.content.get("hostname")
        if isinstance(pid, int) and host == socket.gethostname() and psutil.pid_exists(pid):
            return pid
        return None

    def _nobody_there(self, timeout_s: float) -> NoAnswer | Untrusted:
        if self._untrusted:
            return Untrusted(
                "Something answers on the kernel's ports that does not hold its key.",
                "The connection file is stale, or another program took the ports; start the kernel anew.",
            )
        return NoAnswer(
            f"No kernel answered in {timeout_s:g} s.",
            "The connection file may be stale; start the kernel anew.",
        )

    # -- life cycle

    def _notice_life_cycle(self, message: Message) -> None:
        if self._state not in (LinkState.UP, LinkState.SILENT):
            return
        if message.msg_type == "shutdown_reply":
            if message.content.get("restart"):
                self._begin_again("The kernel was restarted by its owner.")
            else:
                self._set_state(LinkState.DEAD, "The kernel was shut down by its owner.")
                self._probe_until_up()
        elif message.msg_type == "status" and message.content.get("execution_state") in (
            "starting",
            "restarting",
        ):
            self._begin_again("The kernel was restarted.")

    def _begin_again(self, detail: str) -> None:
        self._set_state(LinkState.RESTARTING, detail)
        self._probe_until_up()

    def _process_ended(self) -> None:
        self._process = None
        if self._state in (LinkState.UP, LinkState.SILENT):
            self._set_state(LinkState.DEAD, "The kernel's process ended.")
            self._probe_until_up()

    def _heartbeat_changed(self, beating: bool) -> None:
        if not beating and self._state is LinkState.UP:
            stopped = self._process is not None and self._process.is_stopped()
            why = "its process is stopped" if stopped else "its heartbeat stopped"
            self._set_state(LinkState.SILENT, f"The kernel does not answer: {why}.")
        elif beating and self._state is LinkState.SILENT:
            self._set_state(LinkState.UP, "The kernel answers again.")

    def _probe_until_up(self) -> None:
        """A restarted kernel comes back on the same ports with the same key; prove it anew before anything is sent."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._come_back(), name="prove the restarted kernel")

    async def _come_back(self) -> None:
        self._pid = None
        gone = self._info.pid if self._info else None
        while True:
            info = await self._prove()
            if info.pid is None or info.pid != gone or self._state is LinkState.RESTARTING:
                break
            await asyncio.sleep(PROBE_EVERY_S)  # the old process still answers while it shuts down
        if info.pid == gone and gone is not None:
            await asyncio.sleep(PROBE_EVERY_S)
            info = await self._prove()
        self._info = replace(info)
        if self._state is LinkState.DEAD:
            self._set_state(LinkState.RESTARTING, "The kernel was started again.")
        self._watch(info.pid)
        self._set_state(LinkState.UP, "The kernel was restarted; its variables are gone.")

    def _watch(self, pid: int | None) -> None:
        if self._process is not None:
            self._process.close()
        self._process = ProcessWatch(pid, self._process_ended) if pid is not None else None

    def _set_state(self, state: LinkState, detail: str) -> None:
        if state is self._state:
            return
        self._state = state
        if state is not LinkState.UP:
            self._fail_pending(detail)
        for observer in self._observers:
            observer.state_changed(state, detail)

    def _fail_pending(self, detail: str) -> None:
        what, next_step = _WHY_DOWN[self._state]
        for _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(LinkDown(detail or what, next_step))


def _done(result: Any) -> asyncio.Future[Any]:
    """With NOBLOCK, zmq.asyncio returns a future that is done already; its annotation says only Awaitable."""
    return cast("asyncio.Future[Any]", result)


def _kernel_info(content: Mapping[str, Any], pid: int | None) -> KernelInfo:
    language = content.get("language_info")
    language = language if isinstance(language, dict) else {}
    return KernelInfo(
        language=str(language.get("name", "")),
        implementation=str(content.get("implementation", "")),
        implementation_version=str(content.get("implementation_version", "")),
        language_version=str(language.get("version", "")),
        protocol_version=str(content.get("protocol_version", "")),
        pid=pid,
    )
