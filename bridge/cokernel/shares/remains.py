"""Sockets and half-written records of bridges that were killed, where no record tells of them any more."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import time

from cokernel.shares.store import scan_shares, socket_folders
from cokernel.state_folder import records_folder

SOCKET_AGE_S = 60.0
"""A younger one may be about to be listened on."""
UNFINISHED_AGE_S = 3600.0


def sweep() -> int:
    """Remove them; how many. Reads folders and knocks at sockets: call it in a thread. Does nothing on Windows."""
    if sys.platform == "win32":
        return 0
    known = {record.endpoint.address for record in scan_shares().records}
    return sum(
        _remove_if(_is_dead_socket(path) and path not in known, path)
        for folder in socket_folders()
        for path in _files(folder)
    ) + sum(_remove_if(_is_unfinished(path), path) for path in _files(records_folder()))


def _files(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    return []


def _remove_if(wanted: bool, path: str) -> bool:
    if wanted:
        with contextlib.suppress(OSError):
            os.unlink(path)
            return True
    return False


def _is_ours(path: str, kind: int, age_s: float) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    old = time.time() - status.st_mtime > age_s
    return old and stat.S_IFMT(status.st_mode) == kind and status.st_uid == os.geteuid()


def _is_dead_socket(path: str) -> bool:
    if not _is_ours(path, stat.S_IFSOCK, SOCKET_AGE_S):
        return False
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.setblocking(False)
        try:
            knocking.connect(path)
        except ConnectionRefusedError:
            return True  # nobody will ever listen there again: a name is bound once
        except OSError:
            return False
    return False


def _is_unfinished(path: str) -> bool:
    return path.endswith(".tmp") and _is_ours(path, stat.S_IFREG, UNFINISHED_AGE_S)
