"""Files that must be ours alone: read with suspicion, written so that nobody else ever sees them.

On POSIX ownership and mode are looked at, on Windows only kind and size (`folders` says why).
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from typing import Any, NamedTuple

from cokernel.errors import Untrusted
from cokernel.shares.folders import check_folders, others_may_write

MAX_BYTES = 65536
_OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # opening a fifo must not wait for its writer
    | getattr(os, "O_BINARY", 0)
)
_WRITE_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class TrustedJson(NamedTuple):
    """What a file said that passed every check."""

    data: dict[str, Any]
    readable_by_others: bool
    """Other users of this machine can read it: tell the user. Only with `allow_readable`."""
    identity: tuple[int, int]
    """Device and inode, to know the very same file again."""


def open_trusted_json(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, allow_readable: bool = False
) -> TrustedJson:
    """The JSON object in a file that only this user can have written (and, normally, read).

    `allow_readable` takes files that others may read, as some programs write their connection
    files; files that others may write are never taken.

    Raises
    ------
    Untrusted
        a symbolic link, not a regular file, another owner, a mode that lets others in, too
        large, in a folder that others may write, or not a JSON object.
    OSError
        there is no such file, or it cannot be opened.
    """
    name = os.fspath(path)
    if os.path.islink(name):
        raise Untrusted(f"{name} is a symbolic link.", "Name the file itself.")
    fd = os.open(name, _READ_FLAGS)
    try:
        status = os.fstat(fd)
        _check_file(name, status, max_bytes, allow_readable)
        check_folders(os.path.dirname(os.path.abspath(name)))
        data = _parse(name, _read_all(fd, max_bytes))
    finally:
        os.close(fd)
    readable = sys.platform != "win32" and bool(status.st_mode & _OTHERS_MAY_READ)
    return TrustedJson(data, readable, (status.st_dev, status.st_ino))


def _check_file(name: str, status: os.stat_result, max_bytes: int, allow_readable: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Untrusted(f"{name} is not a regular file.")
    if status.st_size > max_bytes:
        raise Untrusted(f"{name} is larger than {max_bytes} bytes.")
    if sys.platform == "win32":
        return
    if status.st_uid != os.geteuid():
        raise Untrusted(f"{name} belongs to another user (uid {status.st_uid}).")
    if others_may_write(name, status):
        raise Untrusted(f"Other users may write {name}.", f"chmod 600 {name}")
    if status.st_mode & 0o077 and not allow_readable:
        raise Untrusted(f"Other users may read {name}.", f"chmod 600 {name}")


def _read_all(fd: int, max_bytes: int) -> bytes:
    parts = []
    left = max_bytes + 1
    while left > 0 and (part := os.read(fd, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _parse(name: str, raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Untrusted(f"{name} is not JSON ({type(error).__name__}).") from error
    if not isinstance(data, dict):
        raise Untrusted(f"{name} is not a JSON object.")
    return data


def replace_file(path: str, data: bytes) -> None:
    """Write a file of mode 0600; a reader sees the old content or the new, even if the disk is full.

    Raises
    ------
    OSError
        it could not be written; the old file stands.
    """
    temporary = f"{path}.{os.urandom(6).hex()}.tmp"
    fd = os.open(temporary, _WRITE_FLAGS, 0o600)
    try:
        try:
            _write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
