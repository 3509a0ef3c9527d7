"""What every command needs to speak with a person in a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def say(text: str = "") -> None:
    """One line to stdout."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """One line to stderr, with our name before it."""
    sys.stderr.write(f"cokernel: {text}\n")


def someone_is_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def agrees(question: str) -> bool:
    """Ask for yes or no; whatever is not yes is no."""
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows with their columns lined up; the last one runs free."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(
        indent
        + "  ".join(
            [*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    )


def short_path(path: str) -> str:
    """A path as people write it: `~/project`."""
    home = os.path.expanduser("~")
    if path == home or path.startswith(home + os.sep):
        return "~" + path[len(home) :]
    return path
