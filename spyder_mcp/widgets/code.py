"""Highlighted Python at a text cursor, in the colours of Spyder's editor."""

from __future__ import annotations

from pygments.lexers import PythonLexer
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    String,
    Token,
    _TokenType,
)
from qtpy.QtGui import QColor, QFont, QTextCharFormat, QTextCursor

from spyder_mcp.widgets.look import Look

MAX_HIGHLIGHTED_CHARS = 20_000
"""Longer code is shown plain: highlighting must not freeze the window."""


def insert_code(cursor: QTextCursor, code: str, look: Look) -> None:
    """Insert code at the cursor, without a newline at its end."""
    code = code.rstrip("\n")
    if len(code) > MAX_HIGHLIGHTED_CHARS:
        cursor.insertText(code, plain_format(look))
        return
    formats: dict[_TokenType, QTextCharFormat] = {}
    # `ensurenl` and `stripnl` would change what the reader copies.
    for token, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens(code):
        if token not in formats:
            formats[token] = _format(token, look)
        cursor.insertText(text, formats[token])


def plain_format(look: Look, color: str | None = None) -> QTextCharFormat:
    """Monospace text in one colour."""
    plain = QTextCharFormat()
    plain.setFont(look.mono)
    plain.setForeground(QColor(color or look.text))
    return plain


def _format(token: _TokenType, look: Look) -> QTextCharFormat:
    color, bold, italic = look.code_colors[_role(token)]
    chosen = plain_format(look, color)
    chosen.setFontWeight(QFont.Weight.Bold if bold else QFont.Weight.Normal)
    chosen.setFontItalic(italic)
    return chosen


def _role(token: _TokenType) -> str:
    while token is not Token:
        role = _TOKEN_ROLES.get(token)
        if role is not None:
            return role
        token = token.parent
    return "normal"


_TOKEN_ROLES: dict[_TokenType, str] = {
    Comment: "comment",
    Keyword: "keyword",
    Keyword.Constant: "builtin",
    Name.Builtin: "builtin",
    Name.Builtin.Pseudo: "instance",
    Name.Class: "definition",
    Name.Decorator: "magic",
    Name.Function: "definition",
    Number: "number",
    Operator.Word: "keyword",
    String: "string",
    Comment.Hashbang: "magic",
}
