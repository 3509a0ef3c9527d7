"""Tracebacks as agents read them: about 1 kB, with the frames of the user's own code and the exception.

IPython's frames look like this, and each has lines of code with their numbers below::

    Cell In[2], line 4, in load(n)
    File ~/lib/python3.12/site-packages/pandas/core/frame.py:4102, in DataFrame.__getitem__(self, key)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from cokernel.kernel.outputtypes import ErrorOutput

_FIRST_FRAMES = 3
_LAST_FRAMES = 5
_CODE_CHARS = 200
_EVALUE_CHARS = 1_000
_OTHER_CHARS = 1_500
"""Of a traceback that is not IPython's: another language, or a syntax error."""

_HEADER = re.compile(r"(?:Cell |Input |File |<ipython)\S.*")
_CODE = re.compile(r"\s*(-+>)?\s*\d+(?: (.*))?|\s+\(\.\.\.\)")
_CHAINED = re.compile(
    r"^(?:The above exception was the direct (cause) of the following exception:"
    r"|During handling of the above exception, another exception occurred:)$",
    re.MULTILINE,
)
_LIBRARY = re.compile(
    r"(?:site-packages|dist-packages)[/\\](?P<package>[^/\\]+)"
    r"|(?:[/\\]lib(?:64)?[/\\]python3[^/\\]*[/\\]|\\Lib\\)(?!site-packages|dist-packages)(?P<standard>[^/\\:]+)"
    r"|File (?P<compiled>[^/\\<~]+)[/\\].*\.p(?:yx|xi)\b"
    r"|File <frozen (?P<frozen>[\w.]+)"
)


class _Frame(NamedTuple):
    where: str
    code: str
    library: str
    """The package it belongs to; empty for the user's own code."""


def error_text(error: ErrorOutput) -> str:
    """The exception, where in the user's code it came from, and what caused it; library frames are counted only."""
    said = f"{error.ename}: {_shortened(error.evalue, _EVALUE_CHARS)}".rstrip(": ")
    # Parts of the chain, oldest first, and between them what links each to the next.
    *chain, last = _CHAINED.split(error.traceback)
    frames = list(_frames(last))
    if not frames:
        return _other(error, said)
    causes = [
        f"{'caused by' if link else 'while handling'} {cause}"
        for part, link in zip(chain[-2::-2], chain[::-2], strict=True)
        if (cause := _cause(part))
    ]
    return "\n".join(["Traceback (most recent call last):", *_told(frames), said, *causes[:3]])


def _other(error: ErrorOutput, said: str) -> str:
    text = _shortened(error.traceback.strip("\n"), _OTHER_CHARS)
    last_line = text.rpartition("\n")[2]
    return text if error.ename and last_line.startswith(error.ename) else f"{text}\n{said}".strip()


def _frames(part: str) -> Iterator[_Frame]:
    where, code = "", ""
    for line in part.split("\n"):
        if _HEADER.fullmatch(line):
            if where:
                yield _Frame(where, code, _library(where))
            where, code = line, ""
        elif (found := _CODE.fullmatch(line)) and found[1]:
            code = _failing_line(found[2] or "")
    if where:
        yield _Frame(where, code, _library(where))


def _failing_line(code: str) -> str:
    return "" if code.startswith("'Could not get source") else code.strip()[:_CODE_CHARS]


def _library(where: str) -> str:
    found = _LIBRARY.search(where)
    if not found:
        return ""
    return next(name for name in found.groups() if name).removesuffix(".py")


def _told(frames: list[_Frame]) -> Iterator[str]:
    """The user's frames, and one line for each run of library frames between them."""
    runs = [(own, list(run)) for own, run in groupby(frames, key=lambda frame: not frame.library)]
    for own, run in runs:
        if not own:
            packages = ", ".join(list(dict.fromkeys(frame.library for frame in run))[:3])
            yield f"  … {len(run)} frame{'s' if len(run) > 1 else ''} in {packages} …"
            continue
        hidden = len(run) - _FIRST_FRAMES - _LAST_FRAMES
        for index, frame in enumerate(run):
            if hidden <= 1 or index < _FIRST_FRAMES or index >= len(run) - _LAST_FRAMES:
                yield from _told_frame(frame)
            elif index == _FIRST_FRAMES:
                yield f"  … {hidden} more frames …"


def _told_frame(frame: _Frame) -> Iterator[str]:
    yield f"  {frame.where[:_CODE_CHARS]}"
    if frame.code:
        yield f"    {frame.code}"


def _cause(part: str) -> str:
    """An earlier exception of the chain in one line, with the user's last frame that led to it."""
    said = [line for line in part.strip().split("\n") if line][-1:]
    own = [frame for frame in _frames(part) if not frame.library]
    where = f"  ({own[-1].where}: {own[-1].code})" if own and own[-1].code else ""
    return f"{said[0][:_CODE_CHARS]}{where}" if said else ""


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = limit // 4
    return f"{text[: limit - tail]} [… {len(text) - limit:,} characters …] {text[-tail:]}"
