"""The text of a stream as a terminal would show it, in linear time and bounded memory.

Two parts, used one after the other for each chunk that arrives:

* `EscapeFilter` removes escape sequences and control characters that show nothing (colours, titles, links), also
  when one is split over two chunks. What moves the cursor stays in.
* `TerminalRows` applies what is left: carriage returns, backspaces, cursor moves and erasures. Only the last rows can
  still change; older ones are handed over as settled text.

Both work on text of any origin and never raise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ROWS = 100
"""Rows that the cursor can reach. Progress bars and live tables use a screen's height at most."""
_LIVE_CHARS = 64_000
"""Characters in those rows, so that many long rows settle early."""
_ROW_CHARS = 64_000
"""A longer row is wrapped: all but its end settles; a carriage return goes back to the wrap only, as on a screen."""
_WRAP_KEEPS = 1_000
_CHECK_CHARS = 8_000
"""How much may arrive before the rows are measured again: measuring costs more than adding a line."""
_FAR_COLUMN = 240
"""How far right a cursor move alone can go: the width of a wide terminal."""

_SILENT_BYTES = bytes(code for code in range(32) if code not in b"\t\n") + b"\x7f"
_SILENT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_STRING_BODY = "[^\x07\x18\x1a\x1b\x9c\n]*"
"""A title or link ends at its terminator; it never swallows more than the rest of a line."""
_STRING_END = "(?:\x07|\x9c|\x18|\x1a|\x1b\\\\)"
_CURSOR = "\\[[0-9;]{0,16}[A-GJK]"

# Each alternative scans a character at most once before it gives up, so that no input makes it quadratic. The 8-bit
# forms are strict: U+009B or U+009D in mis-decoded text must not eat the characters that follow.
_INVISIBLE = re.compile(
    "|".join(
        (
            f"\x1b(?!{_CURSOR})\\[[0-?]{{0,64}}[ -/]{{0,8}}[@-~]",
            f"\x1b[\\]PX^_]{_STRING_BODY}{_STRING_END}?",
            "\x1b(?![\\[\\]PX^_])[ -/]{0,8}[0-~]",
            "\x9b[0-?]{1,64}[ -/]{0,8}[@-~]",
            "[\x90\x98\x9d-\x9f][^\x07\x18\x1a\x1b\x9c\n\x90\x98\x9d-\x9f]*(?:\x07|\x9c|\x1b\\\\)",
            f"\x1b(?!{_CURSOR})(?:\\[[0-?]{{0,64}})?",
            "[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]",
        )
    )
)
_UNFINISHED = re.compile("\x1b(?:\\[[0-?]{0,64}[ -/]{0,8}|[ -/]{0,8})|\x9b[0-?]{0,64}[ -/]{0,8}")
_UNFINISHED_CHARS = 80
_OPEN_STRING = re.compile(f"\x1b[\\]PX^_]{_STRING_BODY}")
_REST_OF_STRING = re.compile(f"{_STRING_BODY}({_STRING_END})?")
_MOVE = re.compile(f"(\x1b{_CURSOR}|\x08+)")


def has_controls(text: str) -> bool:
    """Whether there is any control character besides tab and newline."""
    if text.isascii():
        # Ten times as fast as the expression below, and most output is plain ASCII.
        raw = text.encode("ascii")
        return len(raw.translate(None, _SILENT_BYTES)) != len(raw)
    return _SILENT.search(text) is not None


def well_formed(text: str) -> str:
    """The same text with lone surrogates (JSON can carry them) replaced, so that it can be encoded."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def plain_text(text: str) -> str:
    """A whole text at once, as a terminal would show it: no escapes, carriage returns applied."""
    text = well_formed(text)
    if not has_controls(text):
        return text
    rows = TerminalRows()
    rows.feed(EscapeFilter().feed(text))
    return rows.take_settled() + rows.text


class EscapeFilter:
    """Removes what a terminal would not show. One for each stream, because a sequence may be split over chunks."""

    def __init__(self) -> None:
        self._unfinished = ""
        self._in_string = False

    def feed(self, chunk: str) -> str:
        """The chunk with text, tabs, newlines, carriage returns, backspaces and cursor moves only."""
        if not self._unfinished and not self._in_string and not has_controls(chunk):
            return chunk
        text = self._after_string(self._unfinished + chunk)
        self._unfinished = ""
        return _INVISIBLE.sub("", self._hold_back_end(text))

    def _after_string(self, text: str) -> str:
        if not self._in_string:
            return text
        rest = _REST_OF_STRING.match(text)
        end = rest.end() if rest else 0
        self._in_string = end == len(text) and not (rest and rest[1])
        return text[end:]

    def _hold_back_end(self, text: str) -> str:
        last = max(text.rfind("\x1b"), text.rfind("\x9b", -_UNFINISHED_CHARS))
        if last < 0:
            return text
        if _UNFINISHED.fullmatch(text, last):
            self._unfinished = text[last:]
            return text[:last]
        if _OPEN_STRING.fullmatch(text, last):
            self._in_string = True
            return text[:last]
        return text


@dataclass(slots=True)
class _Row:
    text: str = ""
    overwritten: bool = False
    """Progress bars blank out what they wrote before; blanks at the end of such a row are nothing the user printed."""

    @property
    def shown(self) -> str:
        return self.text.rstrip(" ") if self.overwritten else self.text


class TerminalRows:
    """The last rows of a terminal and its cursor. Columns are characters."""

    def __init__(self) -> None:
        self._rows = [_Row()]
        self._row = 0
        self._column = 0
        self._settled: list[str] = []
        self._settled_chars = 0
        self._unchecked_chars = 0
        self._lowest_edit: int | None = None

    @property
    def text(self) -> str:
        """The rows that may still change."""
        return "\n".join(row.shown for row in self._rows)

    @property
    def last_line(self) -> str:
        """The last row with something in it; empty if there is none."""
        return next((row.shown for row in reversed(self._rows) if row.text.strip()), "")

    def feed(self, text: str) -> None:
        """Show text that came out of an `EscapeFilter`."""
        if "\x1b" not in text and "\x08" not in text:
            self._write(text)
        else:
            for index, part in enumerate(_MOVE.split(text)):
                if index % 2 == 0:
                    self._write(part)
                elif part[0] == "\x08":
                    self._column = max(0, self._column - len(part))
                else:
                    self._move(part[-1], part[2:-1])
        self._unchecked_chars += len(text)
        if len(self._rows) > _ROWS or self._unchecked_chars > _CHECK_CHARS:
            self._settle_excess()

    def take_settled(self) -> str:
        """Text that scrolled out of reach since the last call; it precedes `text`."""
        settled = "".join(self._settled)
        self._settled.clear()
        self._settled_chars = 0
        return settled

    def take_edit(self) -> int | None:
        """Where text that was shown before has been changed since the last call; None if text was only added.

        The position counts from the start of `text` as it was when settled text was last taken, and is the beginning
        of a row.
        """
        edit, self._lowest_edit = self._lowest_edit, None
        return edit

    def _write(self, text: str) -> None:
        if not text:
            return
        text = text.replace("\r\n", "\n")
        below = len(self._rows) - 1 - self._row
        *lines, rest = text.split("\n", below) if below else (text,)
        for line in lines:
            self._put(line)
            self._row += 1
            self._column = 0
        if self._row < len(self._rows) - 1:
            self._put(rest)
        else:
            self._write_at_bottom(rest)

    def _write_at_bottom(self, text: str) -> None:
        line, newline, rest = text.partition("\n")
        self._put(line)
        if not newline:
            return
        lines = rest.rsplit("\n", _ROWS)
        if len(lines) > _ROWS:
            self._settle_rows(len(self._rows))
            self._settle(_without_returns(lines.pop(0)) + "\n")
        for line in lines:
            self._rows.append(_Row())
            self._row = len(self._rows) - 1
            self._column = 0
            self._put(line)
        if len(self._rows) > 2 * _ROWS:
            self._settle_rows(len(self._rows) - _ROWS)

    def _put(self, line: str) -> None:
        """Write a text without newlines at the cursor."""
        if "\r" not in line:
            self._overwrite(line)
            return
        first, *later = line.split("\r")
        self._overwrite(first)
        self._column = 0
        self._overwrite_row(_overlay(later))
        self._column = len(later[-1])

    def _overwrite(self, text: str) -> None:
        row = self._rows[self._row]
        if not text:
            return
        if self._column >= len(row.text):
            self._change(row.text.ljust(self._column) + text, overwritten=row.overwritten)
        else:
            end = self._column + len(text)
            self._change(row.text[: self._column] + text + row.text[end:], overwritten=True)
        self._column += len(text)

    def _overwrite_row(self, over: _Row) -> None:
        self._overwrite(over.text)
        row = self._rows[self._row]
        row.overwritten = row.overwritten or over.overwritten

    def _change(self, after: str, *, overwritten: bool) -> None:
        row = self._rows[self._row]
        before = row.shown
        row.text, row.overwritten = after, overwritten
        shown = row.shown
        at_end = self._row == len(self._rows) - 1
        if not (shown.startswith(before) if at_end else shown == before):
            self._note_edit()

    def _note_edit(self) -> None:
        start = self._settled_chars + sum(len(row.shown) + 1 for row in self._rows[: self._row])
        if self._lowest_edit is None or start < self._lowest_edit:
            self._lowest_edit = start

    def _move(self, action: str, parameters: str) -> None:
        first = parameters.split(";", 1)[0]
        count = int(first) if first else 0
        if action == "K":
            self._erase_in_row(count)
        elif action == "J":
            self._erase_below(count)
        elif action in "AF":
            self._row = max(0, self._row - (count or 1))
        elif action in "BE":
            self._row = min(len(self._rows) - 1, self._row + (count or 1))
        elif action == "D":
            self._column = max(0, self._column - (count or 1))
        else:
            target = self._column + (count or 1) if action == "C" else max(0, count - 1)
            rightmost = max(self._column, len(self._rows[self._row].text), _FAR_COLUMN)
            self._column = min(target, rightmost)
        if action in "EF":
            self._column = 0

    def _erase_in_row(self, what: int) -> None:
        text = self._rows[self._row].text
        if what == 0 and self._column < len(text):
            self._change(text[: self._column], overwritten=True)
        elif what == 1:
            erased = min(self._column + 1, len(text))
            self._change(" " * erased + text[erased:], overwritten=True)
        elif what == 2:
            self._change("", overwritten=True)

    def _erase_below(self, what: int) -> None:
        """Erase from the cursor on. Whole-screen forms are left out: what was printed stays readable."""
        if what != 0:
            return
        self._erase_in_row(0)
        if self._row < len(self._rows) - 1:
            self._note_edit()
            del self._rows[self._row + 1 :]

    def _settle_excess(self) -> None:
        if len(self._rows) > _ROWS:
            self._settle_rows(len(self._rows) - _ROWS)
        self._unchecked_chars = 0
        if sum(len(row.text) for row in self._rows) > _LIVE_CHARS:
            self._settle_rows(self._row)
            self._wrap_long_row()

    def _settle_rows(self, count: int) -> None:
        for row in self._rows[:count]:
            self._settle(row.shown + "\n")
        del self._rows[:count]
        self._row = max(0, self._row - count)

    def _settle(self, text: str) -> None:
        self._settled.append(text)
        self._settled_chars += len(text)

    def _wrap_long_row(self) -> None:
        row = self._rows[self._row]
        if len(row.text) <= _ROW_CHARS:
            return
        cut = len(row.text) - _WRAP_KEEPS
        self._settle(row.text[:cut])
        row.text = row.text[cut:]
        self._column = max(0, self._column - cut)


def _overlay(parts: list[str]) -> _Row:
    """Texts written over one another from the same column, the last one on top."""
    shown = ""
    written = 0
    for part in reversed(parts):
        if part:
            written += 1
        if len(part) > len(shown):
            shown += part[len(shown) :]
    return _Row(shown, overwritten=written > 1)


def _without_returns(text: str) -> str:
    if "\r" not in text:
        return text
    return "\n".join(_overlay(line.split("\r")).shown for line in text.split("\n"))
