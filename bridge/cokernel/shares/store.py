"""The folder of share records: publish, find, expire.

Only the bridge that made a record changes it. Every reader may remove one whose bridge is dead.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import stat
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from cokernel.errors import BadRequest, Unsupported, Untrusted
from cokernel.shares.files import open_trusted_json, replace_file
from cokernel.shares.folders import private_folder
from cokernel.shares.processes import Presence, boot_id, presence, start_time
from cokernel.shares.record import Endpoint, Secret, ShareRecord, decode, encode, is_share_id
from cokernel.state_folder import MAX_SOCKET_PATH, records_folder, short_folder, state_folder


class Refused(NamedTuple):
    """A file or folder that was not believed."""

    path: str
    reason: str


class Scan(NamedTuple):
    """What a look through the folder found."""

    records: tuple[ShareRecord, ...]
    """Of living bridges on this machine, most recently used first."""
    refused: tuple[Refused, ...]
    elsewhere: int
    """Records of another host, boot or pid namespace."""
    removed: int
    """Records of dead bridges."""


def new_share_id(ide: str) -> str:
    """A fresh id that still tells where it comes from: `spyder-7f3a91c2`."""
    stem = re.sub(r"[^a-z0-9]+", "-", ide.lower()).strip("-")[:24] or "share"
    return f"{stem}-{os.urandom(4).hex()}"


def new_token() -> Secret:
    """256 random bits."""
    return Secret(os.urandom(32).hex())


def describe(
    share: str,
    *,
    ide: str,
    title: str,
    mode: str,
    endpoint: Endpoint,
    token: Secret,
    connection_file: str,
    kernel_pid: int | None = None,
    workspaces: Sequence[str] = (),
) -> ShareRecord:
    """The record of a share that this process serves, from now on."""
    now = time.time()
    return ShareRecord(
        share=share,
        ide=ide,
        title=title,
        mode=mode,
        endpoint=endpoint,
        token=token,
        connection_file=connection_file,
        kernel_pid=kernel_pid,
        workspaces=tuple(os.path.realpath(folder) for folder in workspaces),
        bridge_pid=os.getpid(),
        bridge_started=max(start_time(os.getpid()), 0.0),
        host=socket.gethostname(),
        boot=boot_id(),
        created=now,
        used=now,
    )


def publish(record: ShareRecord) -> str:
    """Write the record, new or changed; the path of its file.

    Raises
    ------
    BadRequest
        a field is not what readers take.
    Untrusted
        the folder is not ours alone.
    OSError
        it could not be written; an older record stands.
    """
    path = _path(record.share)
    data = encode(_as_readers_take_it(record))
    try:
        decode(json.loads(data))
    except Untrusted as error:
        raise BadRequest(str(error)) from error
    private_folder(state_folder())
    private_folder(os.path.dirname(path))
    replace_file(path, data)
    return path


def _as_readers_take_it(record: ShareRecord) -> ShareRecord:
    """With names that they can show, and the name that this machine has now."""
    return record._replace(
        ide=_shown(record.ide), title=_shown(record.title), host=socket.gethostname()
    )


def _shown(text: str) -> str:
    """Without control characters, which readers refuse; on one line, and not too long for one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def withdraw(share: str) -> None:
    """Remove the record, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(share))


def list_shares() -> list[ShareRecord]:
    """The shares that can be used from here, most recently used first."""
    return list(scan_shares().records)


def scan_shares() -> Scan:
    """Look at every record; refuse, skip or remove what must be."""
    records: list[ShareRecord] = []
    refused: list[Refused] = []
    elsewhere = removed = 0
    for path in _record_files(records_folder(), refused):
        try:
            trusted = open_trusted_json(path)
            record = decode(trusted.data)
            if os.path.basename(path) != f"{record.share}.json":
                raise Untrusted(f"{path} holds the record of another share.")
        except FileNotFoundError:
            continue  # withdrawn just now
        except (Untrusted, OSError) as error:
            refused.append(Refused(path, str(error)))
            continue
        if not _is_here(record):
            elsewhere += 1
        elif presence(record.bridge_pid, record.bridge_started) is Presence.GONE:
            removed += _remove_dead(path, trusted.identity, record)
        else:
            records.append(record)
    records.sort(key=lambda record: record.used, reverse=True)
    return Scan(tuple(records), tuple(refused), elsewhere, removed)


def _record_files(folder: str, refused: list[Refused]) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []  # nothing has been shared yet
    except OSError as error:
        refused.append(Refused(folder, str(error)))
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".json")]


def _is_here(record: ShareRecord) -> bool:
    """Whether its pids are those of this machine.

    A boot is known by its id alone: the name of a laptop changes with the network that it is in.
    """
    boot = boot_id()
    if record.boot and boot:
        return record.boot == boot
    return record.boot == boot and record.host == socket.gethostname()


def _remove_dead(path: str, identity: tuple[int, int], record: ShareRecord) -> bool:
    """Remove what a dead bridge left, unless a living one has replaced it since it was read."""
    try:
        now = os.lstat(path)
        if (now.st_dev, now.st_ino) != identity:
            return False
        os.unlink(path)
    except OSError:
        return False  # someone else was faster, or the disk is read-only; it stays dead either way
    _remove_socket(record.endpoint)
    return True


def _remove_socket(endpoint: Endpoint) -> None:
    """Remove the socket of a dead bridge, if it lies where our sockets lie."""
    if endpoint.kind != "unix" or os.path.dirname(endpoint.address) not in socket_folders():
        return
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.lstat(endpoint.address).st_mode):
            os.unlink(endpoint.address)


def new_socket_path() -> str:
    """A free path for a Unix socket, short enough for the system, in a folder that only this user can enter.

    Raises
    ------
    Unsupported
        no folder is short enough.
    Untrusted
        the folder is not ours alone.
    """
    name = os.urandom(4).hex()
    folder = os.path.join(state_folder(), "s")
    if len(os.fsencode(os.path.join(folder, name))) <= MAX_SOCKET_PATH:
        private_folder(state_folder())
        return os.path.join(private_folder(folder), name)
    if sys.platform == "win32":
        raise Unsupported(f"{folder} is too long for a socket.", "Set COKERNEL_STATE_DIR.")
    return os.path.join(private_folder(short_folder()), name)


def socket_folders() -> tuple[str, str]:
    """Where sockets of bridges lie."""
    return os.path.join(state_folder(), "s"), short_folder()


def _path(share: str) -> str:
    if not is_share_id(share):
        raise BadRequest(f"{share[:80]!r} is not a share id.", "Use what `cokernel shares` shows.")
    return os.path.join(records_folder(), f"{share}.json")
