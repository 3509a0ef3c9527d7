"""The Node side of the tree: the VS Code extension's packages, installed from its lock file when that changes."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

from environments import ROOT, digest

EXTENSION = ROOT / "vscode-extension"
MINIMUM_NODE = 20
_STAMP = EXTENSION / "node_modules" / "cokernel-setup.stamp"


def lacking() -> str:
    """What this machine lacks for the extension, as a sentence; empty if nothing."""
    if not shutil.which("node") or not shutil.which("npm"):
        return f"needs node {MINIMUM_NODE} or newer, with npm"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    major = re.match(r"v(\d+)", said)
    if not major or int(major[1]) < MINIMUM_NODE:
        return f"needs node {MINIMUM_NODE} or newer; this is {said.strip()}"
    return ""


def is_current() -> bool:
    """Whether what the lock file names is installed."""
    return _STAMP.is_file() and _STAMP.read_text(encoding="ascii") == _wanted()


def ensure() -> None:
    """`npm ci`, unless the lock file is the one that was installed last."""
    if is_current():
        return
    print("setup: vscode-extension/node_modules", flush=True)
    subprocess.run(command(["npm", "ci", "--no-audit", "--no-fund"]), cwd=ROOT, check=True)
    _STAMP.write_text(_wanted(), encoding="ascii")


def _wanted() -> str:
    return digest([EXTENSION / "package.json", EXTENSION / "package-lock.json"])


def command(arguments: Sequence[str]) -> list[str]:
    """An npm command that runs in the extension's folder, from wherever it is called."""
    # On Windows npm is npm.cmd, which only its full name starts.
    program = shutil.which(arguments[0]) or arguments[0]
    return [program, "--prefix", str(EXTENSION), *arguments[1:]]
