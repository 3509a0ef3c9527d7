"""The environments that development needs, made once and left alone while what they want stays the same.

`.venv` has cokernel (editable) and the tools; each of `.venvs/*` is a home for kernels of one sort, or for the Spyder
application. Each carries a stamp: a hash of everything that was asked for. Standard library only: this runs first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "bridge" / "requirements"
_STAMP = "cokernel-setup.stamp"


@dataclass(frozen=True)
class Environment:
    """One virtual environment: where it is and what belongs in it."""

    folder: Path
    requirements: tuple[str, ...]
    """Names of files in `bridge/requirements`, without `.txt`."""
    editable: tuple[Path, ...] = ()
    """Our own distributions that it runs from the working tree."""

    @property
    def python(self) -> Path:
        return _executable(self.folder, "python")

    def tool(self, name: str) -> Path:
        """A command that a package has put into this environment."""
        return _executable(self.folder, name)


DEVELOPMENT = Environment(ROOT / ".venv", ("development",), (ROOT / "bridge",))
KERNELS = tuple(
    Environment(ROOT / ".venvs" / name, (name, "science"))
    for name in ("ipykernel6", "ipykernel7", "spyder")
)
SPYDER_APP = Environment(ROOT / ".venvs" / "spyder-app", ("spyder-app",), (ROOT / "bridge", ROOT))


class Installer:
    """`uv` where it can be had, because it is many times faster; else `venv` and `pip`."""

    def __init__(self) -> None:
        self._uv = _find_uv()

    def create(self, folder: Path) -> None:
        """A fresh environment with pip in it, in place of whatever is at `folder`."""
        base = getattr(sys, "_base_executable", sys.executable)
        if self._uv:
            _run([self._uv, "venv", "--quiet", "--seed", "--clear", "--python", base, str(folder)])
        else:
            _run([base, "-m", "venv", "--clear", str(folder)])

    def install(self, python: Path, arguments: Sequence[str]) -> None:
        if self._uv:
            _run([self._uv, "pip", "install", "--quiet", "--python", str(python), *arguments])
        else:
            _run([str(python), "-m", "pip", "install", "--quiet", *arguments])


def ensure(environments: Sequence[Environment]) -> None:
    """Make or bring up to date those that are not as wanted; nothing is started for those that are."""
    stale = [environment for environment in environments if not is_current(environment)]
    if not stale:
        return
    installer = Installer()
    for environment in stale:
        print(f"setup: {environment.folder.relative_to(ROOT)}", flush=True)
        _make(environment, installer)


def is_current(environment: Environment) -> bool:
    stamp = environment.folder / _STAMP
    return (
        environment.python.exists()
        and stamp.is_file()
        and stamp.read_text(encoding="ascii") == _wanted(environment)
    )


def digest(files: Sequence[Path]) -> str:
    """One hash over the names and contents of files."""
    total = hashlib.sha256()
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def _make(environment: Environment, installer: Installer) -> None:
    stamp = environment.folder / _STAMP
    stamp.unlink(missing_ok=True)
    if not environment.python.exists():
        installer.create(environment.folder)
    arguments: list[str] = []
    for path in environment.editable:
        arguments += ["--editable", str(path)]
    for name in environment.requirements:
        arguments += ["--requirement", str(_requirements_file(name))]
    installer.install(environment.python, arguments)
    stamp.write_text(_wanted(environment), encoding="ascii")


def _wanted(environment: Environment) -> str:
    files = [_requirements_file(name) for name in environment.requirements]
    return digest(files + [path / "pyproject.toml" for path in environment.editable])


def _requirements_file(name: str) -> Path:
    return REQUIREMENTS / f"{name}.txt"


def _executable(folder: Path, name: str) -> Path:
    if os.name == "nt":
        return folder / "Scripts" / f"{name}.exe"
    return folder / "bin" / name


def _find_uv() -> str | None:
    """The user's own uv, else one in an environment of its own; None where it cannot be had."""
    found = shutil.which("uv")
    if found:
        return found
    boot = ROOT / ".cache" / "uv"
    uv = _executable(boot, "uv")
    if not uv.exists():
        _run([sys.executable, "-m", "venv", str(boot)])
        python = str(_executable(boot, "python"))
        command = [python, "-m", "pip", "install", "--quiet", "uv"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            print("setup: uv cannot be had here; going on with pip, which takes longer", flush=True)
            return None
    return str(uv)


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True)
