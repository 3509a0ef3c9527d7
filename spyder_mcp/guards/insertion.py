"""Lines go into the console together, not one by one.

For each newline qtconsole asks whether the document ends with the prompt, and reads the whole of it for the answer
(console_widget.py, `_insert_plain_text`, its 'newline' action): fifty lines into a console of ten thousand take a sixth
of a second. The answer is the same for all of them as long as the text moves the cursor nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qtpy.QtGui import QTextCursor

from spyder_mcp.backend.consoles import ShellWidget

METHOD = "_insert_plain_text"
Insert = Callable[..., None]
_MOVES = re.compile(r"[\r\b\a\f]|\x1b(?!\[[0-9;]*m)")
"""All but text, newlines and colours."""


@contextmanager
def lines_together(shellwidget: ShellWidget) -> Iterator[None]:
    """While this goes on."""
    original: Insert = getattr(shellwidget, METHOD)

    def insert(cursor: Any, text: str, flush: bool = False) -> None:
        text = text.replace("\r\n", "\n")
        plain = "\n" in text and not _MOVES.search(text) and not shellwidget._executing
        if plain and _is_before_prompt(shellwidget, cursor):
            _insert(shellwidget, cursor, text)
        else:
            original(cursor, text, flush)

    setattr(shellwidget, METHOD, insert)
    try:
        yield
    finally:
        delattr(shellwidget, METHOD)


def _is_before_prompt(shellwidget: ShellWidget, cursor: Any) -> bool:
    """Whether each newline makes a line, and no text is written over."""
    if not (cursor.atBlockEnd() or getattr(cursor, "_insert_mode", False)):
        return False
    if cursor.block() == cursor.document().lastBlock():
        return True
    prompt = shellwidget._prompt
    end = QTextCursor(cursor.document())
    end.movePosition(QTextCursor.MoveOperation.End)
    end.setPosition(max(end.position() - len(prompt), 0), QTextCursor.MoveMode.KeepAnchor)
    return bool(prompt == end.selection().toPlainText())


def _insert(shellwidget: ShellWidget, cursor: Any, text: str) -> None:
    """In the colours that the escape codes ask for."""
    processor = shellwidget._ansi_processor
    cursor.beginEditBlock()
    for part in processor.split_string(text):
        for action in processor.actions:
            if action.action == "newline":
                cursor.insertText("\n")
        if part is not None:
            cursor.insertText(part, processor.get_format())
    cursor.endEditBlock()
