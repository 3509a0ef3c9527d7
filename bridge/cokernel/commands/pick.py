"""Which kernel a person means: the one they named, the only one, or the one they pick from a list."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cokernel import shares
from cokernel.commands.console import complain, say, short_path, someone_is_there, table
from cokernel.errors import BadRequest, Unknown
from cokernel.kernel.connection_files import find_connection_file
from cokernel.kernel.discovery import RunningKernel, discover
from cokernel.standalone import default_connection

A_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Target:
    """A kernel to work with."""

    connection_file: str
    title: str
    folder: str
    """Its working directory; empty if not known."""
    pid: int | None


def pick_kernel(option: str | None) -> Target:
    """The kernel to share.

    Raises
    ------
    Unknown
        no kernel runs here, or none of that name.
    BadRequest
        there are several, and nobody to ask.
    """
    named = option or default_connection()
    found = discover()
    if named:
        return _named(find_connection_file(named), found.kernels)
    if not found.kernels:
        looked = (
            ", ".join(short_path(folder) for folder in found.folders) or "no folder of Jupyter's"
        )
        raise Unknown(
            f"No IPython kernel of yours runs on this machine (looked in {looked}).",
            "Start one, for example with `ipython kernel` or `jupyter console`, or name its --connection-file.",
        )
    if len(found.kernels) == 1:
        return _target(found.kernels[0])
    return _target(_ask(found.kernels))


def _named(path: str, running: Sequence[RunningKernel]) -> Target:
    kernel = next(
        (k for k in running if os.path.realpath(k.connection_file) == os.path.realpath(path)), None
    )
    if kernel is not None:
        return _target(kernel)
    # Somewhere else than in Jupyter's folders: connecting to it proves it.
    return Target(path, os.path.basename(path).removesuffix(".json"), "", None)


def _target(kernel: RunningKernel) -> Target:
    if kernel.readable_by_others:
        complain(
            f"Other users of this machine can read {kernel.connection_file}, and so this kernel. "
            f"To close it: chmod 600 {kernel.connection_file}"
        )
    return Target(kernel.connection_file, kernel.title, kernel.folder, kernel.pid)


def _ask(kernels: Sequence[RunningKernel]) -> RunningKernel:
    listing = describe(kernels)
    if not someone_is_there():
        raise BadRequest(
            f"Several kernels run here:\n{listing}\n", "Name one with --connection-file."
        )
    say("Kernels that run here, newest first:")
    say(listing)
    while True:
        answer = input("Which one? [1] ").strip() or "1"
        if answer.isdecimal() and 1 <= int(answer) <= len(kernels):
            return kernels[int(answer) - 1]
        say(f"A number from 1 to {len(kernels)}, please; Ctrl-C leaves.")


def describe(kernels: Sequence[RunningKernel]) -> str:
    """A numbered list of kernels."""
    shared = {record.kernel_pid: record.ide for record in shares.list_shares()}
    rows = [_row(number, kernel, shared) for number, kernel in enumerate(kernels, 1)]
    return table(rows)


def _row(number: int, kernel: RunningKernel, shared: Mapping[int | None, str]) -> list[str]:
    by = shared.get(kernel.pid)
    return [
        str(number),
        kernel.title,
        short_path(kernel.folder),
        os.path.basename(kernel.connection_file),
        f"since {_since(kernel.started_at)}" + (f", shared by {by}" if by else ""),
    ]


def _since(started: float) -> str:
    pattern = "%H:%M" if time.time() - started < A_DAY_S else "%Y-%m-%d"
    return time.strftime(pattern, time.localtime(started))
