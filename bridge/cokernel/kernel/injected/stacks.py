"""Where the kernel's main thread is: the user's frames, and whether it waits for input."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from types import CodeType, FrameType
from typing import Any

from .texts import clip, one_line

MAX_FRAMES = 12
MAX_DEPTH = 2_000


def frames_of(thread: int) -> list[FrameType]:
    """The frames of a thread, innermost first, bounded."""
    frame = sys._current_frames().get(thread)
    found: list[FrameType] = []
    while frame is not None and len(found) < MAX_DEPTH:
        found.append(frame)
        frame = frame.f_back
    return found


def waits_for_input(frames: list[FrameType]) -> bool:
    """Whether ipykernel is waiting for the answer to an `input_request`."""
    return any(
        frame.f_code.co_name == "_input_request" and "kernelbase" in frame.f_code.co_filename
        for frame in frames[:40]
    )


def runs_code(frames: list[FrameType], entry: CodeType) -> bool:
    """Whether the thread is inside `entry` (IPython's `run_code`), so between start and end of a cell's own code."""
    return any(frame.f_code is entry for frame in frames)


def user_frames(frames: list[FrameType], entry: CodeType) -> list[dict[str, Any]]:
    """Frames of the running cell, outermost first: the user's own, and the innermost one whosever it is."""
    inside: list[FrameType] = []
    for frame in frames:
        if frame.f_code is entry:
            break
        inside.append(frame)
    if not inside or len(inside) == len(frames):
        return []
    own = [frame for frame in inside[1:] if not _is_library(frame.f_code.co_filename)]
    shown = [inside[0], *own]
    if len(shown) > MAX_FRAMES:
        shown = shown[: MAX_FRAMES - 2] + shown[-2:]
    return [_frame(frame) for frame in reversed(shown)]


def _is_library(filename: str) -> bool:
    if filename.startswith("<frozen") or "site-packages" in filename:
        return True
    standard = (sysconfig.get_path("stdlib"), os.path.dirname(os.__file__))
    return any(folder and filename.startswith(folder + os.sep) for folder in standard)


def _frame(frame: FrameType) -> dict[str, Any]:
    code, line = frame.f_code, frame.f_lineno or 0
    return {
        "file": clip(_place(code.co_filename), 200),
        "line": line,
        "function": clip(code.co_name, 80),
        "source": one_line(linecache.getline(code.co_filename, line).strip()[:400], 200),
    }


def _place(filename: str) -> str:
    """`cell` for code of a cell, whose file name means nothing to a reader."""
    is_cell = filename.startswith("<ipython-input") or f"ipykernel_{os.getpid()}" in filename
    return "cell" if is_cell else filename
