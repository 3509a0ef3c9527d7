"""Running Jupyter kernels of this user on this machine: found by their connection files, proven alive by their ports.

Nothing is sent to any of them. A connection file outlives its kernel and its ports may be taken by others, so a
kernel counts as running only if one process listens on all five ports; who that is, is proven by a signed
`kernel_info` when a link connects.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from cokernel.errors import Untrusted
from cokernel.kernel.connection_files import PORTS, connection_files, runtime_folders
from cokernel.shares import open_trusted_json


class RunningKernel(NamedTuple):
    """A kernel that could be shared."""

    connection_file: str
    title: str
    """The notebook or script it belongs to, else what started it: `analysis.ipynb`, `fit.py`, `IPython 4711`."""
    pid: int
    started_at: float
    """Seconds since the epoch."""
    folder: str
    """Its working directory; empty if it cannot be read."""
    readable_by_others: bool
    """Other users of this machine can read its connection file, and so its key."""


class RefusedFile(NamedTuple):
    """A connection file that must not be believed."""

    path: str
    why: str


class Discovery(NamedTuple):
    """What one look around found."""

    kernels: tuple[RunningKernel, ...]
    """The one that started last comes first."""
    refused: tuple[RefusedFile, ...]
    stale: tuple[str, ...]
    """Connection files whose kernel has gone."""
    folders: tuple[str, ...]
    """Where it looked."""


def discover() -> Discovery:
    """Look around. Takes tens of milliseconds: call it in a worker thread where a loop runs."""
    folders = runtime_folders()
    listeners = _listeners()
    kernels: dict[int, RunningKernel] = {}
    refused, stale = [], []
    for file in connection_files(folders):
        try:
            found = _read(file, listeners)
        except (Untrusted, OSError) as error:
            refused.append(RefusedFile(str(file), str(error)))
            continue
        if found is None:
            stale.append(str(file))
        else:
            kernels.setdefault(found.pid, found)
    newest_first = sorted(kernels.values(), key=lambda kernel: -kernel.started_at)
    return Discovery(tuple(newest_first), tuple(refused), tuple(stale), tuple(map(str, folders)))


def _read(file: Path, listeners: Mapping[int, int]) -> RunningKernel | None:
    """The kernel of a connection file; None if it is not running."""
    opened = open_trusted_json(file, allow_readable=True)
    pid = _listener(opened.data, listeners)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        if not _is_ours(process):
            return None
        with process.oneshot():
            started = float(process.create_time())
            return RunningKernel(
                connection_file=str(file),
                title=_title(opened.data, process),
                pid=pid,
                started_at=started,
                folder=_folder(process),
                readable_by_others=opened.readable_by_others,
            )
    except psutil.Error:
        return None  # it ended while we looked, or it is not ours


def _listener(connection: Mapping[str, Any], listeners: Mapping[int, int]) -> int | None:
    """The one process that listens on all of a kernel's ports."""
    if connection.get("transport", "tcp") != "tcp":
        return None
    pids = {listeners.get(_port(connection, name)) for name in PORTS}
    return pids.pop() if len(pids) == 1 else None


def _port(connection: Mapping[str, Any], name: str) -> int:
    port = connection.get(name)
    return port if type(port) is int else -1


def _listeners() -> dict[int, int]:
    """TCP port → the process of this user that listens there."""
    try:
        connections: Iterable[Any] = psutil.net_connections(kind="tcp")
        found = [(entry, entry.pid) for entry in connections]
    except psutil.AccessDenied:  # macOS shows all of them to root only
        found = [(entry, pid) for pid in _own_pids() for entry in _connections_of(pid)]
    return {
        entry.laddr.port: pid
        for entry, pid in found
        if entry.status == psutil.CONN_LISTEN and pid is not None
    }


def _own_pids() -> list[int]:
    return [process.pid for process in psutil.process_iter() if _is_ours(process)]


def _is_ours(process: psutil.Process) -> bool:
    if os.name == "nt":
        return True  # nothing of another user's process can be read there
    try:
        return bool(process.uids().effective == os.geteuid())
    except psutil.Error:
        return False


def _connections_of(pid: int) -> list[Any]:
    try:
        return list(psutil.Process(pid).net_connections(kind="tcp"))
    except psutil.Error:
        return []


def _title(connection: Mapping[str, Any], process: psutil.Process) -> str:
    notebook = _environment(process).get("JPY_SESSION_NAME", "")  # Jupyter Server sets it
    if notebook.endswith(".ipynb"):
        return os.path.basename(notebook)
    command = process.cmdline()
    script = command[1] if len(command) > 1 else ""
    if script.endswith(".py") and "ipykernel_launcher" not in script:
        return os.path.basename(script)
    return f"{_kind(command, connection)} {process.pid}"


def _environment(process: psutil.Process) -> Mapping[str, str]:
    try:
        environment: Mapping[str, str] = process.environ()
        return environment
    except psutil.Error:
        return {}


def _kind(command: list[str], connection: Mapping[str, Any]) -> str:
    if any("spyder_kernels" in part for part in command):
        return "Spyder console"
    if any("ipykernel" in part or "ipython" in part for part in command):
        return "IPython"
    return str(connection.get("kernel_name") or "kernel")


def _folder(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except psutil.Error:
        return ""
