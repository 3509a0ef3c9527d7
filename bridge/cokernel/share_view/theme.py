"""Dark and light, and which of them the terminal is."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import time
from collections.abc import Iterator

from textual.theme import Theme

DARK = Theme(
    name="cokernel-dark",
    primary="#7aa2d8",
    secondary="#8fb4a8",
    accent="#d9a066",
    warning="#d9a066",
    error="#e07a72",
    success="#86b98a",
    foreground="#d7d9dd",
    background="#15171b",
    surface="#1b1e23",
    panel="#24282f",
    dark=True,
    variables={"quiet": "#8d949f", "rule": "#343a43"},
)
LIGHT = Theme(
    name="cokernel-light",
    primary="#2a5d9f",
    secondary="#3a7463",
    accent="#9a5b12",
    warning="#9a5b12",
    error="#b3332b",
    success="#2f7d39",
    foreground="#202328",
    background="#fcfcfb",
    surface="#f4f4f2",
    panel="#e8e9e6",
    dark=False,
    variables={"quiet": "#666c75", "rule": "#cfd1cd"},
)

ANSWER_S = 0.15
"""Terminals answer in a few milliseconds; over a slow line we go on with dark."""
_BACKGROUND = re.compile(rb"\x1b\]11;rgb:([0-9a-f]+)/([0-9a-f]+)/([0-9a-f]+)", re.I)
_ATTRIBUTES = re.compile(rb"\x1b\[\?[\d;]*c")


def terminal_is_dark() -> bool:
    """Ask the terminal for its background; dark if it does not say."""
    answer = _ask_terminal()
    found = _BACKGROUND.search(answer)
    if found:
        return _brightness(found) < 0.5
    # rxvt and Konsole: "15;0" is white on black.
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background not in {"7", "15"}


def _brightness(found: re.Match[bytes]) -> float:
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return float(0.3 * red + 0.59 * green + 0.11 * blue)


def _ask_terminal() -> bytes:
    """The answer to OSC 11. A question that every terminal answers comes after it, so that nothing arrives late."""
    if os.name != "posix" or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return b""
    answer = b""
    with _raw_mode() as fd:
        os.write(sys.stdout.fileno(), b"\x1b]11;?\x1b\\\x1b[c")
        deadline = time.monotonic() + ANSWER_S
        while not _ATTRIBUTES.search(answer):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                break
            answer += os.read(fd, 256)
    return answer


@contextlib.contextmanager
def _raw_mode() -> Iterator[int]:
    import termios  # not there on Windows
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
