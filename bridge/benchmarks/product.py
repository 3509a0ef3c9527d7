"""cokernel as its users run it: a kernel, a `cokernel share` beside it, and `cokernel` as a client starts it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import psutil
from kernel_process import KernelProcess
from raw_kernel import RawClient
from stdio_client import StdioClient

FRONT = (sys.executable, "-c", "import sys; from cokernel.front import main; sys.exit(main())")
FLOOR = (sys.executable, str(Path(__file__).with_name("floor_server.py")))
START_TIMEOUT_S = 60.0

T = TypeVar("T")


class Raw:
    """The raw client, for callers that are not asynchronous."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._client = self._run(_made(connection))

    def execute(self, code: str) -> list[str]:
        return self._run(self._client.execute(code))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self._client.close()
        self._loop.close()


async def _made(connection: dict[str, Any]) -> RawClient:
    client = RawClient(connection)
    await client.ready()
    return client


@dataclass(frozen=True)
class SharedKernel:
    """A kernel with a person's client in it, and the bridge that shares it."""

    kernel: KernelProcess
    user: Raw
    bridge: psutil.Process
    env: dict[str, str]
    """For fronts, so that they find this share and no other."""

    def front(self) -> StdioClient:
        return StdioClient(FRONT, self.env)

    def floor(self) -> StdioClient:
        return StdioClient((*FLOOR, str(self.kernel.connection_file)), self.env)


@contextlib.contextmanager
def scratch() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder for one measurement, and an environment in which nothing is shared yet."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        env = {k: v for k, v in os.environ.items() if not k.startswith("COKERNEL_")}
        env |= {"COKERNEL_STATE_DIR": str(folder / "s"), "IPYTHONDIR": str(folder / "ipython")}
        yield folder, env


@contextlib.contextmanager
def shared_kernel() -> Iterator[SharedKernel]:
    with scratch() as (folder, env):
        kernel = KernelProcess(folder)
        try:
            user = Raw(kernel.connection)
            with _share(kernel, env) as bridge:
                yield SharedKernel(kernel, user, psutil.Process(bridge), env)
            user.close()
        finally:
            kernel.end()


@contextlib.contextmanager
def _share(kernel: KernelProcess, env: dict[str, str]) -> Iterator[int]:
    options = ("--no-ui", "--mode", "free", "--connection-file", str(kernel.connection_file))
    process = subprocess.Popen(
        (sys.executable, "-m", "cokernel", "share", *options),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        next(line for line in process.stdout if b'"state": "up"' in line)
        # The events go on; somebody has to read them, as an IDE does.
        threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
        yield process.pid
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)


def _drain(stream: IO[bytes]) -> None:
    for _ in stream:
        pass


def rss_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def settled_rss_mb(process: psutil.Process, within_s: float = 5.0) -> float:
    """Resident memory once it has stopped to fall."""
    least = rss_mb(process)
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        time.sleep(0.25)
        least = min(least, rss_mb(process))
    return least
