"""What a bridge that was killed leaves behind: the private folder of each kernel that it had started, and the kernel.

A bridge keeps a file in each such folder locked as long as it lives. The system lets go of the lock when the process
ends, however it ends, so a lock that can be had proves that the bridge is dead; a pid would not, as it is used again.
The file tells which process the kernel was, with its start time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cokernel.shares.processes import Presence, presence, start_time
from cokernel.state_folder import short_folder

LOCK = "bridge.lock"
_MAX_NOTE_BYTES = 100
_FILES = {LOCK, "kernel.json", "stderr", *(f"k-{number}" for number in range(1, 6))}


class Claim:
    """The mark of a living bridge in the folder of one of its kernels."""

    def __init__(self, folder: Path) -> None:
        self._fd = -1
        if sys.platform != "win32":
            import fcntl

            self._fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def note_kernel(self, pid: int) -> None:
        """This process is the kernel from now on."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{pid} {start_time(pid)}".encode(), 0)

    def release(self) -> None:
        """The folder is about to be removed. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def sweep(prefix: str) -> int:
    """Remove what dead bridges of this user left where their folders lie, and end their kernels; how many folders.

    Only folders whose name begins with `prefix`, of mode 0700 and ours, never through a symbolic link, and in them only
    files that a bridge makes.
    Reads the temporary and the short folder: call it in a thread. Does nothing on Windows.
    """
    if sys.platform == "win32":
        return 0
    return sum(_sweep_one(path) for path in _candidates(prefix))


def _candidates(prefix: str) -> list[str]:
    found = []
    for folder in (tempfile.gettempdir(), short_folder()):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            found += [entry.path for entry in entries if entry.name.startswith(prefix)]
    return found


def _sweep_one(path: str) -> bool:
    try:
        with _opened(path, os.O_RDONLY | os.O_DIRECTORY) as folder:
            if not _is_ours(os.fstat(folder), stat.S_IFDIR | 0o700):
                return False
            with _opened(LOCK, os.O_RDWR | os.O_NONBLOCK, folder) as lock:
                if not _is_ours(os.fstat(lock), stat.S_IFREG | 0o600) or not _had(lock):
                    return False
                _end_kernel(os.pread(lock, _MAX_NOTE_BYTES, 0))
                for name in os.listdir(folder):
                    if name in _FILES:
                        os.unlink(name, dir_fd=folder)
        os.rmdir(path)
    except OSError:
        return False  # another sweeper was faster, or something else is in it: then it stays
    return True


@contextlib.contextmanager
def _opened(name: str, flags: int, folder: int | None = None) -> Iterator[int]:
    fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


def _is_ours(status: os.stat_result, mode: int) -> bool:
    return status.st_uid == os.geteuid() and status.st_mode == mode


def _had(lock: int) -> bool:
    """Whether the lock could be had: nobody holds it."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_kernel(note: bytes) -> None:
    """End a kernel that outlived its bridge, with what it started: only if it is certainly that process."""
    pid_text, _, started_text = note.decode("ascii", "replace").partition(" ")
    try:
        pid, started = int(pid_text), float(started_text)
    except ValueError:
        return  # it never started
    if sys.platform == "win32" or started <= 0 or presence(pid, started) is not Presence.ALIVE:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
