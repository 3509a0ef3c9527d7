"""Connection files: where they lie, which one a person means, and what may be believed of one.

Apart from `discovery`, which looks at processes: a bridge that starts reads at most one file and needs no psutil.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cokernel.errors import Unknown, Untrusted
from cokernel.shares import open_trusted_json

PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
_NOT_KERNELS = ("jpserver-", "nbserver-")


def read_connection_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a connection file that only this user can have written.

    Others may be able to *read* it: some programs write their files so, and refusing them would not take the key back.

    Raises
    ------
    Untrusted
        it must not be believed, or it is not a connection file.
    OSError
        there is no such file, or it cannot be opened.
    """
    data = open_trusted_json(path, allow_readable=True).data
    if not all(type(data.get(port)) is int for port in PORTS):
        raise Untrusted(f"{os.fspath(path)} is not a connection file.")
    return data


def identity_of(connection: Mapping[str, Any]) -> tuple[object, ...]:
    """What two connection files of one kernel have in common, wherever they lie and whatever they are called.

    The address is no part of it for TCP: the same machine has many. The key is what the kernel itself knows.
    """
    transport = connection.get("transport", "tcp")
    address = "" if transport == "tcp" else connection.get("ip")
    return transport, address, connection["shell_port"], connection.get("key", "")


def find_connection_file(name: str) -> str:
    """The path that a person means by a path, a file's name or a part of it (`4711`), as `jupyter --existing` takes it.

    Raises
    ------
    Unknown
        no such file, or several.
    """
    if os.path.isfile(name):
        return os.path.abspath(name)
    files = connection_files(runtime_folders())
    meant = [file for file in files if name in (file.name, file.stem)]
    meant = meant or [file for file in files if name and name in file.stem]
    if len(meant) > 1:
        listing = ", ".join(sorted(file.name for file in meant))
        raise Unknown(f"{name!r} can mean several connection files: {listing}.", "Name one.")
    if not meant:
        raise Unknown(
            f"There is no connection file {name!r}.",
            "Without one, `cokernel share` lists the kernels that run.",
        )
    return str(meant[0])


def runtime_folders() -> list[Path]:
    """Every folder in which programs of this user keep connection files, those that exist."""
    home = Path.home()
    named = [
        os.environ.get("JUPYTER_RUNTIME_DIR"),
        _under(os.environ.get("JUPYTER_DATA_DIR"), "runtime"),
        *_platform_folders(home),
    ]
    existing = (Path(folder) for folder in named if folder and os.path.isdir(folder))
    return list(dict.fromkeys(folder.resolve() for folder in existing))


def _platform_folders(home: Path) -> list[str | Path | None]:
    if sys.platform == "darwin":
        return [home / "Library" / "Jupyter" / "runtime"]
    if os.name == "nt":
        return [_under(os.environ.get("APPDATA"), "jupyter", "runtime")]
    data = os.environ.get("XDG_DATA_HOME") or home / ".local" / "share"
    # jupyter_core gave up XDG_RUNTIME_DIR years ago; VS Code still writes there. It is not set over ssh or in cron.
    session = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return [_under(data, "jupyter", "runtime"), _under(session, "jupyter", "runtime")]


def _under(folder: str | Path | None, *parts: str) -> Path | None:
    return Path(folder, *parts) if folder else None


def connection_files(folders: Iterable[Path]) -> list[Path]:
    """The files in these folders that may be one, the youngest first."""
    found: dict[Path, float] = {}
    for folder in folders:
        for name in _names(folder):
            if name.endswith(".json") and not name.startswith(_NOT_KERNELS):
                with contextlib.suppress(OSError):  # it has gone since: its kernel ended
                    found[folder / name] = (folder / name).lstat().st_mtime
    return sorted(found, key=lambda file: -found[file])


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []
