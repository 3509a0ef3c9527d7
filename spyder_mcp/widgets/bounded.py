"""Long text as a reader takes it in: its beginning, its end, and what is between in one line.

Laying out 20,000 lines freezes the window for longer than anybody reads in them.
"""

from __future__ import annotations

from spyder_mcp.translation import _

HEAD_LINES = 100
TAIL_LINES = 900
MAX_CHARS = 100_000


def bounded(text: str) -> str:
    """The text itself if it is short."""
    text = _few_lines(text)
    if len(text) <= MAX_CHARS:
        return text
    half = MAX_CHARS // 2
    note = _("… {} characters are not shown here; an exported notebook has them …")
    return f"{text[:half]}\n{note.format(len(text) - MAX_CHARS)}\n{text[-half:]}"


def _few_lines(text: str) -> str:
    if text.count("\n") <= HEAD_LINES + TAIL_LINES:
        return text
    lines = text.split("\n")
    left_out = len(lines) - HEAD_LINES - TAIL_LINES
    note = _("… {} lines are not shown here; an exported notebook has them …").format(left_out)
    return "\n".join([*lines[:HEAD_LINES], note, *lines[-TAIL_LINES:]])
