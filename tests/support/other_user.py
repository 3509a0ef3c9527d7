"""Do something as another Unix user. Only root can; where a test cannot, it says so, and fails in CI."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
_IS_ROOT = os.name == "posix" and os.geteuid() == 0
needs_root = pytest.mark.skipif(
    not _IS_ROOT and not os.environ.get("CI"),
    reason="only root can act as another user: NOT TESTED HERE",
)


_BECOME_NOBODY = f"""
import os, socket
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
os.chdir("/")
"""


def run_as_nobody(code: str, timeout_s: float = 30.0) -> str:
    """What a small Python program printed that ran as the user nobody. It has `os` and `socket`.

    It changes user only once it runs: nobody may not even enter the folder of this interpreter.
    """
    done = subprocess.run(
        [sys.executable, "-c", _BECOME_NOBODY + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user can enter, as a home often is; pytest's own are closed, which would prove nothing."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path
