"""Long text as a reader takes it in: its beginning, its end, and what is between in one line.

Laying out 20,000 lines freezes the window for longer than anybody reads in them, and so does a word of 50,000 letters.
"""

from __future__ import annotations

import re

from spyder_mcp.translation import _

HEAD_LINES = 100
TAIL_LINES = 900
MAX_CHARS = 100_000
MAX_WORD_CHARS = 2000


def bounded(text: str) -> str:
    """The text itself if it is short."""
    text = _LONG_WORD.sub(lambda word: _ends(word[0], MAX_WORD_CHARS), _few_lines(text))
    return text if len(text) <= MAX_CHARS else _ends(text, MAX_CHARS)


_LONG_WORD = re.compile(rf"\S{{{MAX_WORD_CHARS + 1},}}")


def _ends(text: str, chars: int) -> str:
    note = _("… {} characters are not shown here; an exported notebook has them …")
    half = chars // 2
    return f"{text[:half]}\n{note.format(len(text) - chars)}\n{text[-half:]}"


def _few_lines(text: str) -> str:
    if text.count("\n") <= HEAD_LINES + TAIL_LINES:
        return text
    lines = text.split("\n")
    left_out = len(lines) - HEAD_LINES - TAIL_LINES
    note = _("… {} lines are not shown here; an exported notebook has them …").format(left_out)
    return "\n".join([*lines[:HEAD_LINES], note, *lines[-TAIL_LINES:]])
