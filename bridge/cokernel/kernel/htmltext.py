"""HTML as plain text, for displays that come as nothing else.

The words of a display are wanted, not its structure, and they come from code that anyone may have written. Python's
own parser, and all that stand on it, took minutes for 90 kB of `<a <a <a` (it is quadratic before 3.13.6); markdownify
recurses until it fails; html2text is GPL. So tags are found by one expression that reads each character once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

_READ_CHARS = 200_000
_TAG = re.compile(r"<!--|<(?P<close>/?)(?P<name>[a-zA-Z][\w:-]*)(?P<rest>[^<>]*)>|<[!?/][^<>]*>")
_COMMENT_END = re.compile("-->")
_RAW_END = re.compile(r"(?=</(?:script|style)\b)", re.IGNORECASE)
_ALT = re.compile(r"""\balt=(?:"([^"]*)"|'([^']*)')""")
_SKIPPED = frozenset({"script", "style", "head", "template", "noscript", "svg", "iframe", "object"})
_RAW = frozenset({"script", "style"})
"""What follows is no HTML until they are closed."""
_PARAGRAPHS = frozenset(
    {"p", "div", "section", "article", "ul", "ol", "dl", "pre", "table", "blockquote", "figure"}
    | {f"h{level}" for level in range(1, 7)}
)
_LINES = frozenset({"br", "li", "tr", "dt", "dd", "hr", "summary", "caption"})
_CELLS = frozenset({"td", "th"})
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_MANY_NEWLINES = re.compile(r"\n{3,}")


def html_text(html: str) -> str:
    """The words of an HTML fragment: scripts, styles and comments left out, a line for each table row."""
    words = _Words()
    for name, is_close, text in _pieces(html[:_READ_CHARS]):
        if not name:
            words.add_text(unescape(text))
        elif is_close:
            words.close(name)
        else:
            words.open(name, text)
    if len(html) > _READ_CHARS:
        return f"{words.text}\n[… {len(html) - _READ_CHARS:,} more characters of HTML …]"
    return words.text


def _pieces(html: str) -> Iterator[tuple[str, bool, str]]:
    """Tags as (name, whether it closes, attributes) and the text between them as ("", False, text)."""
    position = 0
    while found := _TAG.search(html, position):
        yield "", False, html[position : found.start()]
        name = (found["name"] or "").lower()
        if name:
            yield name, bool(found["close"]), found["rest"]
        position = found.end()
        if found[0] == "<!--":
            position = _end_of(_COMMENT_END, html, position)
        elif name in _RAW and not found["close"]:
            position = _end_of(_RAW_END, html, position)
    yield "", False, html[position:]


def _end_of(mark: re.Pattern[str], html: str, position: int) -> int:
    found = mark.search(html, position)
    return found.end() if found else len(html)


class _Words:
    """Text with line breaks where the tags ask for them."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._skipping = ""
        self._skip_depth = 0
        self._preformatted = 0
        self._in_row = False

    @property
    def text(self) -> str:
        lines = "".join(self._pieces).split("\n")
        return _MANY_NEWLINES.sub("\n\n", "\n".join(map(str.rstrip, lines))).strip("\n")

    def open(self, tag: str, attributes: str) -> None:
        if self._skipping:
            self._skip_depth += tag == self._skipping
        elif tag in _SKIPPED:
            self._skipping, self._skip_depth = tag, 1
        elif tag in _CELLS:
            self._pieces.append(" | " if self._in_row else "")
            self._in_row = True
        elif tag == "li":
            self._pieces.append("\n- ")
        elif tag == "img":
            alt = _ALT.search(attributes)
            self._pieces.append(f"[{unescape(alt[1] or alt[2] or 'image') if alt else 'image'}]")
        else:
            self._break_line(tag)
            self._preformatted += tag == "pre"

    def close(self, tag: str) -> None:
        if self._skipping:
            self._skip_depth -= tag == self._skipping
            if not self._skip_depth:
                self._skipping = ""
            return
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        if tag in _PARAGRAPHS:
            self._break_line(tag)

    def add_text(self, text: str) -> None:
        if self._skipping or not text:
            return
        if self._preformatted:
            self._pieces.append(text)
            return
        words = _BLANKS.sub(" ", text)
        at_start = not self._pieces or self._pieces[-1][-1:] in ("\n", " ", "")
        self._pieces.append(words.lstrip(" ") if at_start else words)

    def _break_line(self, tag: str) -> None:
        if tag == "tr":
            self._in_row = False
        at_start = not self._pieces or self._pieces[-1][-1:] == "\n"
        if tag in _LINES or (tag in _PARAGRAPHS and not at_start):
            self._pieces.append("\n")
