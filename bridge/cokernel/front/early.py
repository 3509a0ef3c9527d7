"""The stand-alone bridge as a process, started before the rest of the front is imported if nothing is shared.

The first result waits for the bridge's imports, and those wait for us. This is a guess that saves time and decides
nothing: where the client belongs says `home`, and a bridge that was started for nothing is ended again.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cokernel.state_folder import records_folder

if TYPE_CHECKING:
    from subprocess import Popen

COMMAND = (sys.executable, "-m", "cokernel", "serve", "--stdio")


def spawn() -> Popen[bytes]:
    """Start it, with its stdin and stdout as raw pipes. Raises OSError if that cannot be done."""
    import subprocess  # 1 MB, and where there is a share there is no child

    return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def spawn_if_nothing_is_shared() -> Popen[bytes] | None:
    """The process; None if a share is asked for or there may be one, or if the process could not be started."""
    if os.environ.get("COKERNEL_SHARE") or _has_records():
        return None
    try:
        return spawn()
    except OSError:
        return None  # the usual way fails likewise, where it can be said to the client


def _has_records() -> bool:
    try:
        return any(name.endswith(".json") for name in os.listdir(records_folder()))
    except OSError:
        return False
