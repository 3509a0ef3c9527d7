"""HTML as plain text, for displays that come as nothing else.

The standard library's parser and a few rules do: html2text is GPL, markdownify recurses until it fails on deeply
nested input and is slow, and neither says more of what kernels display.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_READ_CHARS = 100_000
"""What of the HTML is read at most. Before Python 3.13.6 the parser is quadratic on hostile input."""
_SKIPPED = frozenset({"script", "style", "head", "template", "noscript", "svg", "iframe", "object"})
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
    parser = _TextParser()
    parser.feed(html[:_READ_CHARS])
    if len(html) > _READ_CHARS:
        return f"{parser.text}\n[… {len(html) - _READ_CHARS:,} more characters of HTML …]"
    parser.close()
    return parser.text


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._skipping = ""
        self._skip_depth = 0
        self._preformatted = 0
        self._in_row = False

    @property
    def text(self) -> str:
        lines = "".join(self._pieces).split("\n")
        return _MANY_NEWLINES.sub("\n\n", "\n".join(map(str.rstrip, lines))).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipping:
            self._skip_depth += tag == self._skipping
            return
        if tag in _SKIPPED:
            self._skipping, self._skip_depth = tag, 1
        elif tag in _CELLS:
            self._pieces.append(" | " if self._in_row else "")
            self._in_row = True
        elif tag == "li":
            self._pieces.append("\n- ")
        elif tag == "img":
            self._pieces.append(f"[{dict(attrs).get('alt') or 'image'}]")
        else:
            self._break_line(tag)
            self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skip_depth -= tag == self._skipping
            if not self._skip_depth:
                self._skipping = ""
            return
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        if tag in _PARAGRAPHS:
            self._break_line(tag)

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        if self._preformatted:
            self._pieces.append(data)
            return
        words = _BLANKS.sub(" ", data)
        at_start = not self._pieces or self._pieces[-1][-1:] in ("\n", " ", "")
        self._pieces.append(words.lstrip(" ") if at_start else words)

    def _break_line(self, tag: str) -> None:
        if tag == "tr":
            self._in_row = False
        at_start = not self._pieces or self._pieces[-1][-1:] == "\n"
        if tag in _LINES or (tag in _PARAGRAPHS and not at_start):
            self._pieces.append("\n")
