"""Kernels that people have stopped sharing: no agent enters one of them by its connection file afterwards.

One small file for each, named by the kernel's process; it counts for that very process only, and goes with it.
"""

from __future__ import annotations

import contextlib
import os

from cokernel.errors import Untrusted
from cokernel.shares.files import replace_file
from cokernel.shares.folders import private_folder
from cokernel.shares.processes import Presence, boot_id, presence, start_time
from cokernel.state_folder import state_folder

_MAX_BYTES = 300


def note(pid: int) -> None:
    """Its person has stopped sharing the kernel that is this process.

    Raises
    ------
    OSError, Untrusted
        it could not be written down.
    """
    started = start_time(pid)
    if started > 0:
        private_folder(state_folder())
        folder = private_folder(_folder())
        replace_file(os.path.join(folder, str(pid)), f"{started} {boot_id()}".encode())


def forget(pid: int) -> None:
    """It is shared again."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(_folder(), str(pid)))


def is_noted(pid: int) -> bool:
    """Whether the kernel that is this process was shared, and is not any more."""
    try:
        with open(os.path.join(_folder(), str(pid)), "rb") as file:
            started, _, boot = file.read(_MAX_BYTES).decode("ascii", "replace").partition(" ")
        return boot == boot_id() and presence(pid, float(started)) is Presence.ALIVE
    except (OSError, ValueError):
        return False


def sweep() -> int:
    """Remove the notes of processes that have ended; how many."""
    with contextlib.suppress(OSError, Untrusted):
        gone = [name for name in os.listdir(_folder()) if _is_gone(name)]
        for name in gone:
            os.unlink(os.path.join(_folder(), name))
        return len(gone)
    return 0


def _is_gone(name: str) -> bool:
    return name.isdecimal() and not is_noted(int(name))


def _folder() -> str:
    return os.path.join(state_folder(), "unshared")
