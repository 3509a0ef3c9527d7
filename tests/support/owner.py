"""The program that owns a kernel, as an IDE does: jupyter_client starts, restarts and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec

from tests.support.kernels import MODULES, interpreter

START_TIMEOUT_S = 60.0


class Owner:
    """Owns one kernel. `async with owner_of(name, folder) as owner:` has it started."""

    def __init__(self, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        argv = [
            str(interpreter(name)),
            "-m",
            MODULES.get(name, "ipykernel_launcher"),
            "-f",
            "{connection_file}",
        ]
        self._manager = AsyncKernelManager(connection_file=str(folder / "kernel.json"))
        self._manager._kernel_spec = KernelSpec(argv=argv, language="python", display_name=name)
        self._folder = folder

    @property
    def connection_file(self) -> Path:
        return Path(self._manager.connection_file)

    @property
    def pid(self) -> int:
        pid = self._manager.provisioner.pid
        assert pid is not None
        return int(pid)

    async def start(self) -> None:
        await self._manager.start_kernel(
            cwd=str(self._folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "IPYTHONDIR": str(self._folder / "ipython")},
        )
        await asyncio.wait_for(self._listens(), START_TIMEOUT_S)

    async def _listens(self) -> None:
        """A busy machine may take long to start a kernel, which is no part of what is tested. Its last port tells."""
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._manager.hb_port)
            except OSError:
                await asyncio.sleep(0.05)  # there is no event to wait for
            else:
                writer.close()
                return

    async def restart(self, *, now: bool = False) -> None:
        """Restart it; `now` kills it instead of asking it to end."""
        await self._manager.restart_kernel(now=now)

    async def shut_down(self, *, now: bool = False) -> None:
        await self._manager.shutdown_kernel(now=now)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


@contextlib.asynccontextmanager
async def owner_of(name: str, folder: Path) -> AsyncIterator[Owner]:
    owner = Owner(name, folder)
    await owner.start()
    try:
        yield owner
    finally:
        with contextlib.suppress(ProcessLookupError, AssertionError, AttributeError):
            owner.send(signal.SIGCONT)
        await owner.shut_down(now=True)
