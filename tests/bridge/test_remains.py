"""What a killed bridge leaves behind is swept up by another one; what anybody else has there stays."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cokernel.kernel.environments import KernelCommand, python_command
from cokernel.kernel.owned import FOLDER_PREFIX, OwnedKernel
from cokernel.kernel.remains import LOCK, Claim, sweep
from tests.support.kernels import KERNELS, interpreter

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.name == "nt", reason="there, nothing is left behind or swept"),
]
SLEEP = "import sys, time; print('up', file=sys.stderr, flush=True); time.sleep(600)"
BRIDGE = """
import os, sys, time
from cokernel.kernel import environments
from cokernel.kernel.environments import KernelCommand, python_command
from cokernel.kernel.owned import OwnedKernel
kernel = OwnedKernel({command})
kernel.start()
folder = os.path.dirname(kernel.connection_file)
while not os.path.exists(folder + "/k-1") and not os.path.getsize(folder + "/stderr"):
    time.sleep(0.05)
print(kernel.pid, kernel.connection_file, flush=True)
time.sleep(600)
"""
"""Prints its kernel's pid and file once that is at work."""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


class Bridge:
    """A process with one owned kernel."""

    def __init__(self, command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BRIDGE.format(command=command)], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        pid, file = self.process.stdout.readline().decode().split(maxsplit=1)
        self.kernel = psutil.Process(int(pid))
        self.folder = Path(file.strip()).parent

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def clean_up(self) -> None:
        self.kill()
        if self.kernel.is_running():
            self.kernel.kill()


@pytest.fixture
def unleashed() -> Iterator[Bridge]:
    """A bridge whose kernel does not notice its end."""
    bridge = Bridge(f"KernelCommand('stubborn', ({sys.executable!r}, '-c', {SLEEP!r}))")
    yield bridge
    bridge.clean_up()


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def ends(process: psutil.Process) -> bool:
    for _ in range(400):
        if has_ended(process):
            return True
        await asyncio.sleep(0.05)  # the end of a process that is not ours gives no event
    return False


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere an orphan's parent is process 1")
async def test_a_kernel_ends_with_a_killed_bridge_also_where_orphans_are_adopted(name: str):
    """As `systemd --user` adopts them: their parent never becomes process 1."""
    adopting = f"import ctypes; ctypes.CDLL(None).prctl(36, 1)\n{ADOPTER}"
    command = f"python_command({str(interpreter(name))!r})"
    code = BRIDGE.format(command=command)
    adopter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", adopting, code), stdout=asyncio.subprocess.PIPE
    )
    try:
        printed, _ = await asyncio.wait_for(adopter.communicate(), 60)
        assert printed.split()[-1] == b"ended"
    finally:
        if adopter.returncode is None:
            adopter.kill()
            await adopter.wait()


ADOPTER = """
import os, signal, subprocess, sys, time
bridge = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
kernel = int(bridge.stdout.readline().split()[0])
bridge.kill()
bridge.communicate()
for _ in range(200):
    if os.waitpid(kernel, os.WNOHANG)[0]:
        print("ended")
        break
    time.sleep(0.05)
else:
    os.kill(kernel, signal.SIGKILL)
    print("outlived its bridge")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")
async def test_a_kernel_of_another_language_ends_with_a_killed_bridge():
    argv = f"environments._leashed(({sys.executable!r}, '-c', {SLEEP!r}))"
    bridge = Bridge(f"KernelCommand('other', {argv}, language='other')")
    try:
        bridge.kill()
        assert await ends(bridge.kernel)
    finally:
        bridge.clean_up()


async def test_the_kernel_and_the_folder_of_a_killed_bridge_are_swept_up(unleashed: Bridge):
    unleashed.kill()
    assert not has_ended(unleashed.kernel)
    assert await asyncio.to_thread(sweep, FOLDER_PREFIX) == 1
    assert await ends(unleashed.kernel)
    assert not unleashed.folder.exists()
    assert await asyncio.to_thread(sweep, FOLDER_PREFIX) == 0


async def test_a_living_bridge_keeps_its_kernel_and_folder(unleashed: Bridge):
    assert await asyncio.to_thread(sweep, FOLDER_PREFIX) == 0
    assert unleashed.folder.exists()
    assert not has_ended(unleashed.kernel)


async def test_our_own_kernels_are_not_swept(temporary: Path):
    kernel = OwnedKernel(python_command())
    kernel.start()
    try:
        assert await asyncio.to_thread(sweep, FOLDER_PREFIX) == 0
        await kernel.restart()
        assert await asyncio.to_thread(sweep, FOLDER_PREFIX) == 0
        assert Path(kernel.connection_file).exists()
    finally:
        await kernel.end()
    assert list(temporary.iterdir()) == []


def left(folder: Path, note: str = "") -> Path:
    """The folder of a bridge that is dead."""
    folder.mkdir(mode=0o700)
    claim = Claim(folder)
    claim.release()
    (folder / LOCK).write_text(note)
    (folder / "kernel.json").write_text("{}")
    return folder


def test_a_pid_that_was_used_again_is_left_alone(temporary: Path):
    other = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    try:
        for number, started in enumerate(("1.0", "0.0", "soon", "")):
            left(temporary / f"cokernel-{number}", f"{other.pid} {started}")
        assert sweep(FOLDER_PREFIX) == 4
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_links_and_what_is_not_a_bridges_stay(temporary: Path, tmp_path: Path):
    precious = tmp_path / "precious"
    left(precious)
    (temporary / "cokernel-link").symlink_to(precious)
    open_to_others = left(temporary / "cokernel-open")
    open_to_others.chmod(0o755)
    without_lock = temporary / "cokernel-1000"
    without_lock.mkdir(mode=0o700)
    (without_lock / "7f3a91c2").touch()
    linked_lock = temporary / "cokernel-linked"
    linked_lock.mkdir(mode=0o700)
    (linked_lock / LOCK).symlink_to(precious / LOCK)
    with_more = left(temporary / "cokernel-more")
    (with_more / "thesis.txt").write_text("mine")
    (temporary / "cokernel-file").write_text("mine")
    assert sweep(FOLDER_PREFIX) == 0
    assert (precious / "kernel.json").exists()
    assert (open_to_others / "kernel.json").exists()
    assert (without_lock / "7f3a91c2").exists()
    assert (with_more / "thesis.txt").read_text() == "mine"
    assert (temporary / "cokernel-file").exists()


def test_a_lock_that_is_a_fifo_is_not_waited_for(temporary: Path):
    folder = temporary / "cokernel-fifo"
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / LOCK, 0o600)
    assert sweep(FOLDER_PREFIX) == 0


async def test_a_command_that_cannot_be_run_leaves_nothing(temporary: Path):
    kernel = OwnedKernel(KernelCommand("missing", ("/nowhere/python",)))
    with pytest.raises(Exception, match="did not start"):
        kernel.start()
    await kernel.end()
    assert list(temporary.iterdir()) == []


async def test_a_bridge_that_is_stopped_is_not_dead(unleashed: Bridge):
    os.kill(unleashed.process.pid, signal.SIGSTOP)
    assert await asyncio.to_thread(sweep, FOLDER_PREFIX) == 0
