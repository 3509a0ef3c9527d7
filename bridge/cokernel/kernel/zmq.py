"""`ZmqLink`: any kernel, by its connection file, over ZeroMQ.

The link's state follows what can be known of the kernel's life: what it publishes, the end of its process, its
heartbeat, and whether its connection holds. Nothing is sent to a kernel that has not proven itself by a signed answer,
also not to one that comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping
from typing import Any

from cokernel.errors import LinkDown, NoAnswer, Untrusted
from cokernel.kernel.channels import Channels
from cokernel.kernel.heartbeat import Heartbeat
from cokernel.kernel.link import Channel, KernelInfo, LinkObserver, LinkState, Message
from cokernel.kernel.process import ProcessWatch, exists

log = logging.getLogger(__name__)

PROBE_EVERY_S = 0.3
IOPUB_GRACE_S = 1.0
"""How long `connect` waits for the subscription to take effect once the kernel has answered."""
SAY_MORE_EVERY_S = 0.05
BROKEN_GRACE_S = 0.5
"""How long a broken connection waits for a better explanation: a restart, or the end of the process."""
RESTART_TIMEOUT_S = 60.0

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
    """A `KernelLink` over ZeroMQ. Owns its connection, nothing of the kernel."""

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
        self._channels = Channels(
            self._connection, on_message=self._arrived, on_broken=self._connection_broke
        )
        self._pid = pid
        self._state = LinkState.CONNECTING
        self._info: KernelInfo | None = None
        self._observers: list[LinkObserver] = []
        self._heartbeat: Heartbeat | None = None
        self._process: ProcessWatch | None = None
        self._probe: asyncio.Task[None] | None = None

    # -- what callers see

    @property
    def session_id(self) -> str:
        return self._channels.session_id

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
        try:
            self._channels.open()
            self._info = await asyncio.wait_for(self._prove(), timeout_s)
            self._watch(self._info.pid)
            self._heartbeat = Heartbeat(self._connection, self._heartbeat_changed)
        except asyncio.TimeoutError:
            await self.close()
            raise self._nobody_there(timeout_s) from None
        except BaseException:
            await self.close()
            raise
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
        self._check_up()
        return self._channels.send(channel, msg_type, content, header=header, parent=parent)

    async def request(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        timeout_s: float | None,
    ) -> Message:
        self._check_up()
        return await self._channels.request(channel, msg_type, content, timeout_s=timeout_s)

    async def close(self) -> None:
        if self._state is LinkState.CLOSED:
            return
        self._set_state(LinkState.CLOSED, "")
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        if self._process is not None:
            self._process.close()
        if self._heartbeat is not None:
            await self._heartbeat.close()
        await self._channels.close()

    def _check_up(self) -> None:
        if self._state is not LinkState.UP:
            raise LinkDown(*_WHY_DOWN[self._state])

    def _arrived(self, message: Message) -> None:
        if message.channel is Channel.IOPUB:
            self._notice_life_cycle(message)
        for observer in self._observers:
            observer.message_arrived(message)

    # -- proof

    async def _prove(self) -> KernelInfo:
        """Ask on control (answers while the kernel is busy) and on shell (older kernels) until one answer is signed."""
        answer = None
        while answer is None:
            await self._channels.reachable()
            answer = await self._ask_who()
        await self._wait_for_subscription()
        return _kernel_info(answer.content, await self._find_pid())

    async def _ask_who(self) -> Message | None:
        asked = [
            asyncio.create_task(
                self._channels.request(channel, "kernel_info_request", {}, timeout_s=None)
            )
            for channel in (Channel.CONTROL, Channel.SHELL)
        ]
        try:
            done, _ = await asyncio.wait(
                asked, timeout=PROBE_EVERY_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for request in asked:
                request.cancel()
        return next((request.result() for request in done if request.exception() is None), None)

    async def _wait_for_subscription(self) -> None:
        """What the kernel published before our subscription took effect has passed us by: make it say more."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + IOPUB_GRACE_S
        while not self._channels.subscribed.is_set():
            if loop.time() > give_up_at:
                log.info("The kernel answers but publishes nothing yet.")
                return
            with contextlib.suppress(LinkDown):
                self._channels.send(Channel.CONTROL, "kernel_info_request", {})
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._channels.subscribed.wait(), SAY_MORE_EVERY_S)

    async def _find_pid(self) -> int | None:
        """The kernel's process, if it runs on this machine: what it says must fit what we see."""
        if self._pid is not None:
            return self._pid if exists(self._pid) else None
        try:
            answer = await self._channels.request(
                Channel.CONTROL, "usage_request", {}, timeout_s=1.0
            )
        except (NoAnswer, LinkDown):
            return None
        pid, host = answer.content.get("pid"), answer.content.get("hostname")
        if isinstance(pid, int) and host == socket.gethostname() and exists(pid):
            return pid
        return None

    def _nobody_there(self, timeout_s: float) -> NoAnswer | Untrusted:
        if self._channels.untrusted:
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
        if message.msg_type == "shutdown_reply":
            if message.content.get("restart"):
                self._go_down(LinkState.RESTARTING, "The kernel was restarted by its owner.")
            else:
                self._go_down(LinkState.DEAD, "The kernel was shut down by its owner.")
        elif self._process is None and _says_it_starts(message):
            # A process that is watched tells by its end; its own first `starting` may be published after we connected.
            self._go_down(LinkState.RESTARTING, "The kernel was restarted.")

    def _process_ended(self) -> None:
        self._process = None
        self._go_down(LinkState.DEAD, "The kernel's process ended.")

    def _heartbeat_changed(self, beating: bool) -> None:
        if not beating and self._state is LinkState.UP:
            stopped = self._process is not None and self._process.is_stopped()
            why = "its process is stopped" if stopped else "its heartbeat stopped"
            self._go_down(LinkState.SILENT, f"The kernel does not answer: {why}.")

    def _connection_broke(self) -> None:
        if self._state is LinkState.UP:
            loop = asyncio.get_running_loop()
            loop.call_later(BROKEN_GRACE_S, self._still_broken, self._info)

    def _still_broken(self, before: KernelInfo | None) -> None:
        if self._state is LinkState.UP and self._info is before:
            self._go_down(LinkState.SILENT, "The connection to the kernel broke.")

    def _go_down(self, state: LinkState, detail: str) -> None:
        if self._state not in (LinkState.UP, LinkState.SILENT):
            return
        self._set_state(state, detail)
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._come_back(), name="prove the kernel anew")

    async def _come_back(self) -> None:
        """A restarted kernel comes back on the same ports with the same key; a stopped one may go on."""
        old = self._info.pid if self._info else None
        self._pid = None
        self._channels.subscribed.clear()  # a connection that broke has lost its subscription, too
        info = self._known(old, await self._outlast(old, await self._next_proof()))
        if self._state is LinkState.SILENT and info.pid == old:
            detail = "The kernel answers again."
        else:
            if self._state is not LinkState.RESTARTING:
                self._set_state(LinkState.RESTARTING, "The kernel was started again.")
            detail = "The kernel was restarted; its variables are gone."
        self._info = info
        self._watch(info.pid)
        self._set_state(LinkState.UP, detail)
        if self._heartbeat is not None and not self._heartbeat.is_beating:
            self._heartbeat_changed(False)

    async def _next_proof(self) -> KernelInfo:
        # A stopped process would find all our questions in its queue when it goes on: let it beat first.
        if self._heartbeat is not None:
            await self._heartbeat.beats()
        try:
            return await asyncio.wait_for(self._prove(), RESTART_TIMEOUT_S)
        except asyncio.TimeoutError:
            if self._state is LinkState.RESTARTING:
                self._set_state(LinkState.DEAD, "The kernel did not come back from its restart.")
            return await self._prove()

    async def _outlast(self, old: int | None, info: KernelInfo) -> KernelInfo:
        """While it shuts down the old process still answers: wait for another one, unless it only seemed to restart."""
        while info.pid is not None and info.pid == old and self._state is not LinkState.SILENT:
            is_restart = self._state is LinkState.RESTARTING
            await asyncio.sleep(PROBE_EVERY_S)
            info = await self._prove()
            if is_restart:
                break
        return info

    def _known(self, old: int | None, info: KernelInfo) -> KernelInfo:
        """Not every kernel tells its process. One that was only silent is the one we watch, as long as that runs."""
        is_same = self._state is LinkState.SILENT and self._process is not None
        return info._replace(pid=old) if is_same and info.pid is None else info

    def _watch(self, pid: int | None) -> None:
        if self._process is not None:
            self._process.close()
        self._process = ProcessWatch(pid, self._process_ended) if pid is not None else None

    def _set_state(self, state: LinkState, detail: str) -> None:
        if state is self._state:
            return
        self._state = state
        if state is not LinkState.UP:
            what, next_step = _WHY_DOWN[state]
            self._channels.fail_pending(detail or what, next_step)
        for observer in self._observers:
            observer.state_changed(state, detail)


def _says_it_starts(message: Message) -> bool:
    state = message.content.get("execution_state")
    return message.msg_type == "status" and state in ("starting", "restarting")


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
