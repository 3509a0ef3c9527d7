"""Which command starts a kernel: this interpreter, another one, a virtual environment, or an installed kernelspec."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cokernel.errors import StartFailed, Unknown

PROBE_TIMEOUT_S = 10.0

# A kernel must not outlive a bridge that is killed. ipykernel 6 looks whether its parent has become process 1, which it
# never does under `systemd --user`, and kernels of other languages do not look at all.
_HAS_LEASH = sys.platform == "linux"
_LEASH = "import ctypes; ctypes.CDLL(None).prctl(1, 9)"
"""Python that has the system kill this process (9) once its parent has ended (PR_SET_PDEATHSIG); kept by `exec`."""
_RUN_IPYKERNEL = (
    "import runpy; runpy.run_module('ipykernel_launcher', run_name='__main__', alter_sys=True)"
)
_RUN_ANYTHING = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class KernelCommand:
    """How to start one kernel."""

    name: str
    """What people call it: `python`, `analysis (venv)`, `R`."""
    argv: tuple[str, ...]
    """`{connection_file}` stands for the path of the connection file."""
    language: str = "python"
    env: tuple[tuple[str, str], ...] = ()
    supports_encryption: bool = False
    """Whether a kernel that listens on TCP takes CurveZMQ keys (JEP 145)."""


def python_command(python: str = sys.executable, name: str = "python") -> KernelCommand:
    """The IPython kernel of an interpreter that has `ipykernel`."""
    how = ("-c", f"{_LEASH}; {_RUN_IPYKERNEL}") if _HAS_LEASH else ("-m", "ipykernel_launcher")
    return KernelCommand(name, (python, *how, "-f", "{connection_file}"))


def find_command(environment: str | None) -> KernelCommand:
    """What `start_kernel(environment=…)` names: nothing, a path (interpreter or virtual environment), a kernelspec.

    It may run the interpreter to ask for `ipykernel`: call it in a thread.

    Raises
    ------
    Unknown
        no such path and no such kernelspec; the message lists what there is.
    StartFailed
        the interpreter has no `ipykernel`.
    """
    if not environment:
        return python_command()
    # os.path, not pathlib: it finds nothing where pathlib raises (an unknown user, a name that is too long).
    path = Path(os.path.expanduser(environment))
    if os.sep in environment or os.path.exists(path):
        python = interpreter_in(path)
        _check_has_ipykernel(python)
        return python_command(str(python), name=_name_of(path))
    return _kernelspec(environment)


def interpreter_in(path: Path) -> Path:
    """The interpreter that a path names: itself, or the one of the virtual environment there.

    The path is not resolved: a virtual environment's interpreter is a link to another one, and following it would
    leave the environment.

    Raises
    ------
    Unknown
        there is none.
    """
    candidates = [path] if os.path.isfile(path) else []
    candidates += [path / "bin" / "python", path / "Scripts" / "python.exe"]
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate.absolute()
    raise Unknown(
        f"There is no Python interpreter at {str(path)[:200]}.",
        "Name an interpreter or a virtual environment.",
    )


def _name_of(path: Path) -> str:
    inside_environment = path.parent.name in ("bin", "Scripts") and path.is_file()
    return (path.parent.parent if inside_environment else path).name


def _check_has_ipykernel(python: Path) -> None:
    try:
        probe = subprocess.run(
            [str(python), "-c", "import ipykernel"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StartFailed(f"{python} did not start in {PROBE_TIMEOUT_S:g} s.") from None
    except OSError as error:
        raise StartFailed(f"{python} cannot be run: {error.strerror}.") from error
    if probe.returncode != 0:
        raise StartFailed(
            f"{python} has no ipykernel.", f"Install it there: {python} -m pip install ipykernel"
        )


def _leashed(argv: tuple[str, ...]) -> tuple[str, ...]:
    return (
        (sys.executable, "-I", "-S", "-c", f"{_LEASH}; {_RUN_ANYTHING}", *argv)
        if _HAS_LEASH
        else argv
    )


def _kernelspec(name: str) -> KernelCommand:
    # Imported late: it costs more than the rest of the start, and the usual kernel does not need it.
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel:
        known = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise Unknown(
            f"There is no kernelspec named {name[:200]!r}; installed: {known}.",
            "Name one of them, or the path of an interpreter or virtual environment.",
        ) from None
    encryption = spec.metadata.get("supported_encryption") if spec.metadata else None
    return KernelCommand(
        name=spec.display_name or name,
        argv=_leashed(tuple(spec.argv)),
        language=spec.language,
        env=tuple(spec.env.items()),
        supports_encryption=encryption == "curve",
    )
