"""One call as a document: its code, what it put out, its error, and what it changed.

Output comes in steps while a run goes on. A step that only adds text is appended, so that a long run costs what is new
and the reader's selection and place stay.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace

from qtpy.QtCore import QSize
from qtpy.QtGui import (
    QColor,
    QFont,
    QImage,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextImageFormat,
)

from cokernel.host import (
    Activity,
    Change,
    DisplayOutput,
    ErrorOutput,
    Kind,
    Origin,
    Output,
    StreamOutput,
    visible_code,
)
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts
from spyder_mcp.widgets.bounded import bounded
from spyder_mcp.widgets.calls_model import key_of
from spyder_mcp.widgets.code import insert_code, plain_format
from spyder_mcp.widgets.images import Images
from spyder_mcp.widgets.look import Look

VARIABLE_SCHEME = "variable"
MAX_HTML_CHARS = 200_000
"""A larger table is shown as its plain text: laying it out would freeze the window."""
GAP_PX = 8


@dataclass(frozen=True)
class _Shown:
    """What the document holds now."""

    call: Activity
    outputs: tuple[Output, ...]


class CallDocument:
    """Writes calls into one `QTextDocument`."""

    def __init__(self, document: QTextDocument, look: Look) -> None:
        self._document = document
        self._look = look
        self._shown: _Shown | None = None
        self._images = Images()
        self._width = 400

    def clear(self) -> None:
        self._document.clear()
        self._shown = None
        self._images.clear()

    def show(self, call: Activity, outputs: tuple[Output, ...]) -> None:
        """Show a call as it stands now."""
        if self._shown is None or key_of(self._shown.call) != key_of(call):
            self._images.clear()
        outputs = tuple(_readable(output) for output in outputs)
        added = self._added_text(call, outputs)
        if added is None:
            self._write(call, outputs)
        elif added.text:
            end = QTextCursor(self._document)
            end.movePosition(QTextCursor.MoveOperation.End)
            end.insertText(
                added.text, self._stream_format(added.name)
            )  # a run that goes on ends so
        self._shown = _Shown(call, outputs)

    def image(self, name: str) -> QImage | None:
        """An image of this document, when it comes into view."""
        return self._images.get(name)

    def fit_images(self, width: int) -> None:
        """Scale images to the width of the pane, never beyond their own size."""
        if width == self._width:
            return
        self._width = width
        block = self._document.begin()
        while block.isValid():
            self._fit_block(block)
            block = block.next()

    # ---- what is new

    def _added_text(self, call: Activity, outputs: tuple[Output, ...]) -> StreamOutput | None:
        """The text that makes what is shown into what is; None if it must be written anew."""
        shown = self._shown
        if shown is None or _skeleton(shown.call) != _skeleton(call):
            return None
        if shown.outputs == outputs:
            return StreamOutput("stdout", "")
        if not shown.outputs or len(outputs) != len(shown.outputs):
            return None
        old, new = shown.outputs[-1], outputs[-1]
        if outputs[:-1] != shown.outputs[:-1] or not _continues(old, new):
            return None
        assert isinstance(old, StreamOutput)
        assert isinstance(new, StreamOutput)
        return StreamOutput(new.name, new.text[len(old.text) :])

    # ---- writing

    def _write(self, call: Activity, outputs: tuple[Output, ...]) -> None:
        self._document.clear()
        self._images.begin()
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        self._write_call(cursor, call)
        # The summary has the user's frames; the output of the kernel has every library's too.
        has_summary = call.error is not None
        for output in outputs:
            if not (has_summary and isinstance(output, ErrorOutput)):
                self._write_output(cursor, output)
        if call.error is not None:
            self._write_error(cursor, call.error.ename, call.error.evalue, call.error.traceback)
        self._write_changes(cursor, call.changes)
        cursor.endEditBlock()

    def _write_call(self, cursor: QTextCursor, call: Activity) -> None:
        if call.kind is Kind.RUN or call.origin is Origin.USER:
            insert_code(cursor, visible_code(call.code), self._look)
            return
        cursor.insertText(call.tool, plain_format(self._look, self._look.muted))
        if call.code:
            cursor.insertText(" " + visible_code(call.code), plain_format(self._look))

    def _write_changes(self, cursor: QTextCursor, changes: tuple[Change, ...]) -> None:
        if not changes:
            return
        cursor.insertBlock(self._plain_block(GAP_PX))
        for position, (how, group) in enumerate(_grouped(changes).items()):
            lead = "   " if position else ""
            cursor.insertText(f"{lead}{how}: ", self._muted_format())
            self._write_names(cursor, group)

    def _write_names(self, cursor: QTextCursor, group: list[Change]) -> None:
        for position, change in enumerate(group):
            if position:
                cursor.insertText(", ", self._muted_format())
            removed = change.how == "removed"
            name_format = self._muted_format() if removed else self._link_format(change.name)
            cursor.insertText(change.name, name_format)
            if change.detail:
                cursor.insertText(f" ({change.detail})", self._muted_format())

    def _write_output(self, cursor: QTextCursor, output: Output) -> None:
        if isinstance(output, StreamOutput):
            self._write_stream(cursor, output)
        elif isinstance(output, ErrorOutput):
            self._write_error(cursor, output.ename, output.evalue, output.traceback)
        else:
            self._write_display(cursor, output)

    def _write_stream(self, cursor: QTextCursor, output: StreamOutput) -> None:
        cursor.insertBlock(self._plain_block(GAP_PX))
        if output.dropped_chars:
            note = _("({} characters from the middle are not kept)").format(output.dropped_chars)
            cursor.insertText(note, self._muted_format())
            cursor.insertBlock(self._plain_block())
        self._write_lines(cursor, output.text, self._stream_format(output.name))

    def _write_lines(self, cursor: QTextCursor, text: str, style: QTextCharFormat) -> None:
        """Each newline makes a block like the one before it; only the first may stand apart."""
        first, newline, rest = text.partition("\n")
        cursor.insertText(first, style)
        if newline:
            cursor.insertBlock(self._plain_block())
            cursor.insertText(rest, style)

    def _write_error(self, cursor: QTextCursor, ename: str, evalue: str, traceback: str) -> None:
        cursor.insertBlock(self._plain_block(GAP_PX))
        last = f"{ename}: {evalue}".rstrip(": ")
        frames = traceback.rstrip("\n").removesuffix(last).rstrip("\n")
        if frames:
            self._write_lines(cursor, frames, plain_format(self._look))
            cursor.insertBlock(self._plain_block())
        strong = plain_format(self._look, self._look.error)
        strong.setFontWeight(QFont.Weight.Bold)
        cursor.insertText(last, strong)

    def _write_display(self, cursor: QTextCursor, output: DisplayOutput) -> None:
        cursor.insertBlock(self._plain_block(GAP_PX))
        name = self._images.add(output)
        if name:
            self._write_image(cursor, name, output)
            return
        markup = output.data.get("text/html", "")
        if markup and len(markup) <= MAX_HTML_CHARS:
            cursor.insertHtml(_harmless(markup, self._look))
            return
        plain = output.data.get("text/plain", "")
        cursor.insertText(bounded(plain) or _undisplayable(output), plain_format(self._look))

    def _write_image(self, cursor: QTextCursor, name: str, output: DisplayOutput) -> None:
        shape = QTextImageFormat()
        shape.setName(name)
        shape.setToolTip(texts.tip_text(output.data.get("text/plain", _("Image"))))
        self._size(shape, self._images.size(name))
        cursor.insertImage(shape)

    # ---- images

    def _fit_block(self, block: object) -> None:
        fragments = block.begin()  # type: ignore[attr-defined]  # QTextBlock; its iterator has no Python type
        while not fragments.atEnd():
            fragment = fragments.fragment()
            if fragment.charFormat().isImageFormat():
                self._fit_fragment(fragment)
            fragments += 1

    def _fit_fragment(self, fragment: object) -> None:
        shape = fragment.charFormat().toImageFormat()  # type: ignore[attr-defined]  # QTextFragment
        self._size(shape, self._images.size(shape.name()))
        cursor = QTextCursor(self._document)
        cursor.setPosition(fragment.position())  # type: ignore[attr-defined]  # QTextFragment
        cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(shape)

    def _size(self, shape: QTextImageFormat, whole: QSize) -> None:
        width = min(whole.width(), max(self._width, 50))
        shape.setWidth(width)
        shape.setHeight(whole.height() * width / max(whole.width(), 1))

    # ---- formats

    def _plain_block(self, above_px: int = 0) -> QTextBlockFormat:
        plain = QTextBlockFormat()
        plain.setTopMargin(above_px)
        return plain

    def _stream_format(self, name: str) -> QTextCharFormat:
        return plain_format(self._look, self._look.error if name == "stderr" else self._look.text)

    def _muted_format(self) -> QTextCharFormat:
        muted = QTextCharFormat()
        muted.setForeground(QColor(self._look.muted))
        return muted

    def _link_format(self, name: str) -> QTextCharFormat:
        link = plain_format(self._look, self._look.accent)
        link.setAnchor(True)
        link.setAnchorHref(f"{VARIABLE_SCHEME}:{name}")
        link.setToolTip(_("Show in the Variable Explorer"))
        return link


def _readable(output: Output) -> Output:
    """Streams of a length that can be laid out at once."""
    if isinstance(output, StreamOutput):
        return replace(output, text=bounded(output.text))
    return output


def _skeleton(call: Activity) -> object:
    """All of a call that is written besides its outputs."""
    return (call.kernel_id, call.number, call.code, call.changes, call.error)


def _continues(old: Output, new: Output) -> bool:
    return (
        isinstance(old, StreamOutput)
        and isinstance(new, StreamOutput)
        and old.name == new.name
        and old.dropped_chars == new.dropped_chars
        and new.text.startswith(old.text)
    )


def _grouped(changes: tuple[Change, ...]) -> dict[str, list[Change]]:
    words = {
        "new": _("new"),
        "removed": _("removed"),
        "rebound": _("changed"),
        "mutated": _("changed"),
        "possibly": _("possibly changed"),
    }
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(words.get(change.how, change.how), []).append(change)
    return groups


# Qt shows a small part of HTML and runs no script; what is cut here would otherwise be shown as text
# (style, script) or be fetched (images by address).
_NOT_SHOWN = re.compile(
    r"<(style|script|head)\b.*?</\1\s*>|<img\b[^>]*>|<a\b[^>]*>|</a>", re.I | re.S
)
_TABLE = re.compile(r"<table\b[^>]*>", re.I)


def _harmless(markup: str, look: Look) -> str:
    """Tables and text of a rich repr, as Qt can lay them out in the pane's colours."""
    table = f'<table border="1" cellspacing="0" cellpadding="3" style="border-color:{look.line}">'
    return _TABLE.sub(table, _NOT_SHOWN.sub("", markup))


def _undisplayable(output: DisplayOutput) -> str:
    mimes = ", ".join(html.escape(mime) for mime in output.data) or _("nothing")
    if output.dropped_bytes:
        return _("(An output of {} bytes is not kept.)").format(output.dropped_bytes)
    return _("(This output cannot be shown here: {})").format(mimes)
