"""The pane, without Spyder's window and without a bridge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from qtpy.QtCore import Qt

from cokernel.host import Answer, ClientInfo, DisplayOutput, Kind, State, StreamOutput
from spyder_mcp.widgets import samples
from spyder_mcp.widgets.calls_model import Column, key_of
from spyder_mcp.widgets.gallery_pane import STATES, GalleryPane
from spyder_mcp.widgets.images import Images


@pytest.fixture
def shown(qtbot: Any) -> GalleryPane:
    gallery = GalleryPane()
    qtbot.addWidget(gallery)
    gallery.resize(420, 560)
    gallery.show()
    return gallery


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_gallery_can_be_shown(shown: GalleryPane, state: str) -> None:
    STATES[state](shown)
    assert not shown.grab().isNull()


@pytest.mark.parametrize("width", [250, 420, 900])
@pytest.mark.parametrize("state", ["shared", "approval", "running", "long-name"])
def test_nothing_is_wider_than_the_pane(shown: GalleryPane, state: str, width: int) -> None:
    STATES[state](shown)
    shown.resize(width, 560)
    assert shown.width() == width
    assert shown.minimumSizeHint().width() <= 250


def test_the_guide_ticks_the_steps_that_are_done(shown: GalleryPane) -> None:
    shown.share_console()
    assert shown.pane.guide._share.text() == "Sharing with Claude"
    shown.pane.show_clients((samples.client(),))
    assert [step._sign.text() for step in shown.pane.guide._steps] == ["✓", "✓", "3"]


def test_the_list_follows_the_newest_call_until_the_reader_scrolls(shown: GalleryPane) -> None:
    shown.connect_client()
    for call in samples.many(200):
        shown.pane.put_call(call)
    bar = shown.pane.calls.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    shown.pane._follow_newest = False
    shown.pane.put_call(samples.call(201, "one_more()"))
    assert bar.value() == 10


def test_a_run_that_waits_takes_the_place_of_the_detail(shown: GalleryPane, qtbot: Any) -> None:
    shown.fill()
    shown.pane.put_call(samples.waiting())
    panel = shown.pane.approval
    assert panel.isVisible()
    assert "Ridge(alpha=0.5)" in panel._code.toPlainText()
    with qtbot.waitSignal(shown.pane.sig_answered) as answered:
        qtbot.waitUntil(panel._once.isEnabled)
        panel._once.click()
    assert answered.args == ["approval-6", Answer.ONCE]


@pytest.mark.parametrize(
    ("tool", "argument", "question"),
    [
        ("execute_code", "x = 1", "<b>Claude Code</b> wants to run this in <b>Console 1/A</b>"),
        (
            "start_kernel",
            "/a/<venv>",
            "<b>Claude Code</b> wants to start a kernel: /a/&lt;venv&gt;",
        ),
        ("use_kernel", "new", "<b>Claude Code</b> wants to start a kernel"),
        ("check_execution", "x", "<b>Claude Code</b> wants to type this into <b>Console 1/A</b>"),
    ],
)
def test_the_question_says_what_would_be_done(
    shown: GalleryPane, tool: str, argument: str, question: str
) -> None:
    kind = Kind.RUN if tool == "execute_code" else Kind.CONTROL
    waiting = replace(samples.waiting(), kind=kind, tool=tool, code=argument)
    shown.pane.put_call(waiting)
    panel = shown.pane.approval
    assert panel._heading.text() == question
    assert panel._code.toPlainText() == argument


def test_a_click_in_the_first_moment_allows_nothing(shown: GalleryPane, qtbot: Any) -> None:
    shown.pane.put_call(samples.waiting())
    with qtbot.assertNotEmitted(shown.pane.sig_answered):
        qtbot.mouseClick(shown.pane.approval._once, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_allows_nothing(shown: GalleryPane, qtbot: Any, key: Qt.Key) -> None:
    shown.pane.put_call(samples.waiting())
    panel = shown.pane.approval
    qtbot.waitUntil(panel._once.isEnabled)
    with qtbot.assertNotEmitted(shown.pane.sig_answered):
        for widget in (panel._code, panel._once, panel._always, panel._deny):
            qtbot.keyClick(widget, key)


def test_an_approval_never_takes_the_focus(shown: GalleryPane) -> None:
    shown.fill()
    shown.pane.show_filter(True)
    shown.pane.put_call(samples.waiting())
    assert not shown.pane.approval.isAncestorOf(shown.focusWidget())


def test_after_the_answer_the_detail_is_back(shown: GalleryPane) -> None:
    shown.pane.put_call(samples.waiting())
    shown.pane.put_call(samples.call(6, samples.FIT, State.DENIED, seconds=None))
    assert shown.pane.detail.isVisible()


def test_streamed_text_is_added_and_keeps_the_readers_selection(shown: GalleryPane) -> None:
    call, outputs = samples.running()
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), outputs)
    browser = shown.pane.detail.browser
    cursor = browser.textCursor()
    cursor.setPosition(0)
    cursor.movePosition(cursor.MoveOperation.EndOfLine, cursor.MoveMode.KeepAnchor)
    browser.setTextCursor(cursor)
    (stream,) = outputs
    assert isinstance(stream, StreamOutput)
    more = StreamOutput("stdout", stream.text + "epoch 4/10  loss 0.200\n")
    shown.pane.show_outputs(key_of(call), (more,))
    assert "epoch 4/10" in browser.toPlainText()
    assert browser.textCursor().selectedText() == "from sklearn.linear_model import Ridge"


def test_what_a_call_shows_can_be_copied_exactly(shown: GalleryPane) -> None:
    call = samples.call(1, "for n in range(2):\n    print(n)")
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), (StreamOutput("stdout", "0\n\n  1\n"),))
    text = shown.pane.detail.browser.toPlainText()
    assert text == "for n in range(2):\n    print(n)\n0\n\n  1\n"


def test_very_long_output_shows_its_beginning_and_its_end(shown: GalleryPane) -> None:
    call = samples.call(1, "x")
    shown.pane.put_call(call)
    text = "".join(f"line {n}\n" for n in range(20_000))
    shown.pane.show_outputs(key_of(call), (StreamOutput("stdout", text),))
    lines = shown.pane.detail.browser.toPlainText().splitlines()
    assert len(lines) < 1_100
    assert "line 0" in lines
    assert "line 19999" in lines
    assert any("lines are not shown here" in line for line in lines)


def test_a_changed_name_leads_to_the_variable(shown: GalleryPane, qtbot: Any) -> None:
    call, outputs = samples.done()
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), outputs)
    html = shown.pane.detail.browser.toHtml()
    assert 'href="variable:model"' in html
    assert 'href="variable:tmp"' not in html
    with qtbot.waitSignal(shown.pane.sig_variable_clicked) as clicked:
        from qtpy.QtCore import QUrl

        shown.pane.detail.browser.anchorClicked.emit(QUrl("variable:model"))
    assert clicked.args == ["model"]


def test_markup_of_a_kernel_fetches_nothing(shown: GalleryPane) -> None:
    from cokernel.host import DisplayOutput

    markup = '<img src="file:///etc/hostname"><script>x</script><a href="http://a">b</a><p>kept</p>'
    call = samples.call(1, "x")
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), (DisplayOutput({"text/html": markup}),))
    html = shown.pane.detail.browser.toHtml()
    assert "kept" in html
    for unwanted in ("etc/hostname", "script>", "http://a"):
        assert unwanted not in html


def test_images_are_never_wider_than_the_pane(shown: GalleryPane, qtbot: Any) -> None:
    STATES["plot"](shown)
    shown.resize(300, 560)
    document = shown.pane.detail.browser.document()
    qtbot.waitUntil(lambda: document.idealWidth() <= 300)


def test_ten_thousand_calls_stay_one_row_high(shown: GalleryPane) -> None:
    shown.connect_client()
    for call in samples.many(10_000):
        shown.pane.put_call(call)
    view = shown.pane.calls
    assert view.model().rowCount() == 10_000
    assert view.rowHeight(0) == view.rowHeight(9_999)


def test_the_client_is_named_when_there_are_several(shown: GalleryPane) -> None:
    shown.resize(900, 560)
    shown.fill()
    assert shown.pane.calls.isColumnHidden(Column.CLIENT)
    shown.pane.put_call(samples.call(7, "len(df)", client="Claude Desktop"))
    assert not shown.pane.calls.isColumnHidden(Column.CLIENT)


def test_several_clients_fold_into_one_line(shown: GalleryPane) -> None:
    clients: tuple[ClientInfo, ...] = (samples.client(), samples.client("Codex", runs=1))
    shown.pane.show_clients(clients)
    assert shown.pane.clients._text.text() == "2 clients: Claude Code, Codex · 9 runs"


def test_a_control_of_the_pane_has_a_name_for_screen_readers(shown: GalleryPane) -> None:
    STATES["approval"](shown)
    from qtpy.QtWidgets import QAbstractButton, QAbstractItemView, QLineEdit, QTextBrowser

    for kind in (QAbstractButton, QAbstractItemView, QLineEdit, QTextBrowser):
        for control in shown.findChildren(kind):
            if control.objectName().startswith("qt_") or not control.isVisible():
                continue
            named = control.accessibleName() or (
                control.text() if isinstance(control, QAbstractButton) else ""
            )
            assert named, control


def test_an_image_is_decoded_once_and_forgotten_with_its_call() -> None:
    images = Images()
    _call, outputs = samples.plot()
    figure = next(output for output in outputs if isinstance(output, DisplayOutput))
    name = images.add(figure)
    first = images.get(name)
    images.begin()  # the document is written anew: the next output has come
    assert images.add(figure) == name
    assert images.get(name) is first
    assert first is not None
    assert images.size(name) == first.size()
    images.clear()
    assert images.get(name) is None


def test_what_is_no_image_is_shown_as_something_else() -> None:
    assert Images().add(DisplayOutput({"image/png": "bm90IGFuIGltYWdl"})) == ""
    assert Images().add(DisplayOutput({"image/png": "*"})) == ""
