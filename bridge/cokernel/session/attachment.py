"""Our way into one kernel, and out of it again.

A kernel that is attached to may be at a cell of the user already, unseen: iopub tells only what begins from now on. So
nothing is sent to run before its shell channel has answered once, which it does at the first idle moment. In a Python
kernel the request that asks for it brings the helper in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from cokernel.errors import CokernelError, LinkDown, Unsupported
from cokernel.kernel.inkernel import Helper
from cokernel.kernel.link import Channel, KernelLink, LinkState

log = logging.getLogger(__name__)


class Attachment:
    """Owned by one `Session`."""

    def __init__(self, link: KernelLink, on_settled: Callable[[], None]) -> None:
        self.helper = Helper(link)
        self.is_settled = False
        """Whether the shell channel has answered since we came, or came back."""
        self.refusal = ""
        """Why the kernel would not have the helper; empty if it has not said so."""
        self._link = link
        self._on_settled = on_settled
        self._settling: asyncio.Task[None] | None = None

    def settle(self) -> None:
        """Wait for the first idle moment, anew."""
        self.is_settled = False
        self.refusal = ""
        self._stop_settling()
        self._settling = asyncio.create_task(self._settle(), name="settle in")

    async def settled_within(self, timeout_s: float) -> None:
        """Wait so long for the first idle moment: it comes at once, unless a cell of the user runs."""
        if self._settling is not None:
            await asyncio.wait({self._settling}, timeout=timeout_s)

    def lose(self) -> None:
        """The process has gone, and the helper with it."""
        self.is_settled = False
        self.helper.forget()

    @property
    def is_on_its_way_in(self) -> bool:
        """Whether the helper waits in the kernel's queue, behind a cell of the user: it cannot be taken back there."""
        return self._settling is not None and not self._settling.done()

    async def leave(self, timeout_s: float) -> None:
        """Take the helper out, unless other bridges use it too."""
        self._stop_settling()
        with contextlib.suppress(CokernelError, asyncio.TimeoutError):
            await asyncio.wait_for(self.helper.remove(), timeout_s)

    async def leave_after_arrival(self, timeout_s: float) -> None:
        """The same once the helper is in, however long that takes; at once if the kernel goes away."""
        if self._settling is not None:
            await asyncio.wait({self._settling})
        await self.leave(timeout_s)

    def _stop_settling(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    async def _settle(self) -> None:
        try:
            if self._link.info.is_ipython:
                await self.helper.install()
            else:
                await self._link.request(Channel.SHELL, "kernel_info_request", {}, timeout_s=None)
        except LinkDown:
            return  # The link comes UP again with a new kernel, or never.
        except Unsupported as error:
            log.warning("No looks into a kernel: %s", error)
            self.refusal = error.what
        self.is_settled = True
        self._on_settled()


def unreachable(title: str, state: LinkState, owned_id: str) -> LinkDown:
    """Why no call reaches a kernel in this state, and the way back; `owned_id` is its id if agents may restart it."""
    way_back = (
        f"stop_kernel({owned_id!r}, restart=true) restarts it."
        if owned_id
        else "It may be on its way back: try again in a moment, ask the user to restart it,"
        " or use another kernel."
    )
    return LinkDown(f"{title} cannot be reached ({state.value}).", f"Nothing was run. {way_back}")
