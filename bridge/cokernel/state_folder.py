"""Where records and sockets are. A module of its own, because the front looks there before it imports anything else."""

from __future__ import annotations

import os
import sys

MAX_SOCKET_PATH = 100
"""Bytes. Linux takes 107, macOS 103."""


def state_folder() -> str:
    """The folder by `COKERNEL_STATE_DIR` or the system's custom. Not made, not checked."""
    if chosen := os.environ.get("COKERNEL_STATE_DIR"):
        return os.path.abspath(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Application Support")
    else:
        # The specification of XDG tells to ignore relative paths.
        named = os.environ.get("XDG_STATE_HOME", "")
        base = named if os.path.isabs(named) else os.path.expanduser("~/.local/state")
    return os.path.join(base, "cokernel")


def records_folder() -> str:
    """Where the share records are, one file `<share>.json` each."""
    return os.path.join(state_folder(), "shares")


def short_folder() -> str:
    """Where sockets go if the path of their usual folder is too long for the system. Empty on Windows."""
    return "" if sys.platform == "win32" else f"/tmp/cokernel-{os.geteuid()}"
