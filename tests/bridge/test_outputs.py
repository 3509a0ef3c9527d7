"""What an execution put out, against what notebook front ends make of the same messages."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from cokernel.kernel.link import Message
from cokernel.kernel.outputs import (
    DisplayOutput,
    ErrorOutput,
    OutputBuffer,
    OutputLimits,
    StreamOutput,
)
from tests.support.iopub import buffer_of, clear, display, error, iopub, result, stream, update
from tests.support.kernels import Run, UserClient

WORDS = st.text(alphabet="ab \té\n", min_size=1, max_size=8)
IDS = st.sampled_from(["", "", "d1", "d2"])
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(stream, WORDS, st.sampled_from(["stdout", "stderr"])),
    st.builds(lambda text, i: display({"text/plain": text}, i), WORDS, IDS),
    st.builds(lambda text, i: update({"text/plain": text}, i), WORDS, IDS),
    st.builds(lambda text: result({"text/plain": text, "text/html": "<b>"}), WORDS),
    st.just(error("KeyError", "'x'", "line 1", "line 2")),
    st.builds(lambda wait: clear(wait=wait), st.booleans()),
)


def nbclient_outputs(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The cell's outputs after nbclient has seen the messages, with flushes of one stream merged."""
    cell = new_code_cell("")
    client = NotebookClient(new_notebook(cells=[cell]), record_timing=False)
    client.reset_execution_trackers()
    client.clear_before_next_output = False
    for message in messages:
        wire = {
            "msg_type": message.msg_type,
            "header": {"msg_type": message.msg_type, "msg_id": "m"},
            "parent_header": {"msg_id": "p"},
            "metadata": {},
            "content": copy.deepcopy(dict(message.content)),
        }
        client.process_message(wire, cell, 0)
    merged: list[dict[str, Any]] = []
    for output in cell.outputs:
        same = merged and output.output_type == "stream" and merged[-1].get("name") == output.name
        if same:
            merged[-1]["text"] += output.text
        else:
            merged.append(dict(output))
    return merged


def as_nbformat(buffer: OutputBuffer) -> list[dict[str, Any]]:
    return [_as_nbformat(output) for output in buffer.snapshot()]


def _as_nbformat(output: StreamOutput | DisplayOutput | ErrorOutput) -> dict[str, Any]:
    if isinstance(output, StreamOutput):
        return {"output_type": "stream", "name": output.name, "text": output.text}
    if isinstance(output, ErrorOutput):
        traceback = output.traceback.split("\n")
        error = {"ename": output.ename, "evalue": output.evalue, "traceback": traceback}
        return {"output_type": "error", **error}
    shown = {"data": dict(output.data), "metadata": {}}
    if output.execution_count is None:
        return {"output_type": "display_data", **shown}
    return {
        "output_type": "execute_result",
        "execution_count": output.execution_count,
        **shown,
    }


CELLS = [
    "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr, flush=True)\n"
    "print('\\tout again', end='')",
    "from IPython.display import clear_output\nfor i in range(5):\n"
    "    print('step', i)\n    clear_output(wait=True)\nprint('final')",
    "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('left')",
    "from IPython.display import display\nhandle = display('A', display_id=True)\n"
    "display('B')\nfor i in range(3):\n    handle.update(f'v{i}')\nhandle.display('again')",
    "from IPython.display import HTML, JSON, Markdown, display\n"
    "display(HTML('<b>x</b>'), Markdown('*x*'))\n'value'",
    "import pandas\npandas.DataFrame({'a': [1, 2]})",
]


def outputs_of(run: Run) -> list[Message]:
    return [
        iopub(message["msg_type"], message["content"])
        for message in run.messages
        if message["msg_type"] not in ("status", "execute_input")
    ]


@given(st.lists(MESSAGES, max_size=15))
def test_outputs_are_those_of_a_notebook_front_end(messages: list[Message]) -> None:
    assert as_nbformat(buffer_of(*messages)) == nbclient_outputs(messages)


@pytest.mark.live
async def test_outputs_of_real_kernels_are_those_of_a_notebook_front_end(user: UserClient) -> None:
    for code in CELLS:
        messages = outputs_of(await user.run(code))
        assert messages
        assert as_nbformat(buffer_of(*messages)) == nbclient_outputs(messages)


@pytest.mark.live
async def test_nested_progress_bars_of_a_real_kernel_end_as_one_line_each(user: UserClient) -> None:
    code = (
        "from tqdm import trange\n"
        "for i in trange(3, desc='outer'):\n"
        "    for j in trange(40, desc='inner', leave=False): pass"
    )
    buffer = buffer_of(*outputs_of(await user.run(code)))
    (shown,) = buffer.snapshot()
    assert isinstance(shown, StreamOutput)
    lines = [line for line in shown.text.split("\n") if line]
    assert len(lines) == 1
    assert lines[0].startswith("outer: 100%|")
    assert "3/3" in buffer.last_line


def test_an_update_from_another_execution_changes_the_display() -> None:
    buffer = buffer_of(display({"text/plain": "old"}, "d"))
    revision = buffer.revision
    assert buffer.apply_update("d", {"data": {"text/plain": "new"}})
    assert not buffer.apply_update("other", {"data": {"text/plain": "new"}})
    assert buffer.revision == revision + 1
    assert buffer.snapshot() == (DisplayOutput({"text/plain": "new"}, display_id="d"),)


def test_the_revision_goes_up_only_with_visible_changes() -> None:
    buffer = OutputBuffer()
    quiet = [
        clear(),
        clear(wait=True),
        stream(""),
        update({"text/plain": "x"}, "nowhere"),
        iopub("status", {"execution_state": "busy"}),
        iopub("comm_open", {"data": {}}),
    ]
    assert not any(buffer.add(message) for message in quiet)
    assert buffer.revision == 0
    assert buffer.add(stream("x"))
    assert buffer.revision == 1


def test_an_escape_split_over_two_messages_is_removed() -> None:
    buffer = buffer_of(stream("a\x1b[3"), stream("1mred\x1b"), stream("[0m"), stream("!", "stderr"))
    assert buffer.snapshot() == (StreamOutput("stdout", "ared"), StreamOutput("stderr", "!"))


def test_structured_data_is_json_text_and_lines_are_joined() -> None:
    data = {"application/json": {"a": [1, None]}, "text/plain": ["a\n", "b"], "text/html": None}
    (shown,) = buffer_of(display(data)).snapshot()
    assert isinstance(shown, DisplayOutput)
    assert json.loads(shown.data["application/json"]) == {"a": [1, None]}
    assert shown.data["text/plain"] == "a\nb"


@pytest.mark.parametrize(
    "message",
    [
        iopub("stream", {}),
        iopub("stream", {"name": "stdout", "text": 5}),
        iopub("display_data", {}),
        iopub("display_data", {"data": "text"}),
        iopub("execute_result", {"data": None}),
        iopub("update_display_data", {"transient": {"display_id": "d"}}),
    ],
)
def test_malformed_messages_are_counted_and_change_nothing(message: Message) -> None:
    buffer = buffer_of(stream("kept"))
    assert not buffer.add(message)
    assert buffer.malformed == 1
    assert buffer.snapshot() == (StreamOutput("stdout", "kept"),)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["name", "text", "data", "transient", "ename", "evalue", "traceback", "wait", "execution_count"]
)
TYPES = ["stream", "display_data", "execute_result", "update_display_data", "error", "clear_output"]


@given(st.sampled_from(TYPES), st.dictionaries(FIELDS, JSON), st.text())
def test_no_content_raises(msg_type: str, content: dict[str, Any], text: str) -> None:
    buffer = buffer_of(stream(text), iopub(msg_type, content))
    buffer.snapshot()
    buffer.excerpt(100)
    buffer.last_line.encode("utf-8")
    buffer.page(0, 10**6).text.encode("utf-8")


def test_the_last_line_is_what_a_progress_message_shows() -> None:
    buffer = buffer_of(stream("epoch 1\n"), stream("\r\x1b[32m 40%|####  \x1b[0m  \n", "stderr"))
    assert buffer.last_line == "40%|####"
    buffer.add(display({"text/plain": "a plot"}))
    assert buffer.last_line == "40%|####"
    buffer.add(stream("x" * 1000))
    assert buffer.last_line == "x" * 119 + "…"
    buffer.add(clear())
    assert buffer.last_line == ""


def test_a_message_too_large_for_the_link_is_named() -> None:
    (shown,) = buffer_of(iopub("display_data", {}, dropped_bytes=50_000_000)).snapshot()
    assert isinstance(shown, DisplayOutput)
    assert shown.dropped_bytes == 50_000_000
    assert "50,000,000 bytes" in shown.data["text/plain"]


def test_a_hundred_megabytes_on_one_line_are_held_in_eight() -> None:
    buffer = OutputBuffer()
    chunk = stream("x" * 1_000_000)
    for _ in range(100):
        buffer.add(chunk)
    (shown,) = buffer.snapshot()
    assert isinstance(shown, StreamOutput)
    assert buffer.held_bytes < 8_100_000
    assert len(shown.text) + shown.dropped_chars == 100_000_000
    assert shown.dropped_at < len(shown.text)


def test_a_hundred_megabytes_of_progress_are_one_line() -> None:
    buffer = OutputBuffer()
    updates = stream("".join(f"\r{n:6d}/100000 |{'#' * (n % 80):80}|" for n in range(10_000)))
    for _ in range(100):
        buffer.add(updates)
    assert buffer.excerpt(1000).head == "  9999/100000 |" + "#" * 79 + " |"


def test_two_hundred_thousand_displays_are_bounded() -> None:
    buffer = OutputBuffer()
    for number in range(200_000):
        buffer.add(display({"text/plain": f"value {number}"}, f"d{number}"))
    outputs = buffer.snapshot()
    assert len(outputs) <= OutputLimits().outputs
    assert outputs[0] == DisplayOutput({"text/plain": "value 0"}, display_id="d0")
    assert outputs[-1] == DisplayOutput({"text/plain": "value 199999"}, display_id="d199999")
    assert any("not held any more" in o.data["text/plain"] for o in outputs if o.dropped_bytes)
    assert buffer.held_bytes < 1_000_000


def test_old_large_displays_keep_their_words_only() -> None:
    buffer = OutputBuffer(OutputLimits(display_bytes=1_000_000))
    for number in range(10):
        words = f"<Figure {number}>"
        buffer.add(display({"image/png": "A" * 400_000, "text/plain": words}))
    first, *_, last = buffer.snapshot()
    assert isinstance(first, DisplayOutput)
    assert isinstance(last, DisplayOutput)
    assert first.data == {"text/plain": "<Figure 0>"}
    assert first.dropped_bytes > 400_000
    assert "image/png" in last.data
    assert buffer.held_bytes < 1_000_000


def test_updating_one_display_for_ever_holds_the_last_data_only() -> None:
    buffer = buffer_of(display({"text/plain": "start"}, "d"))
    for number in range(10_000):
        buffer.add(update({"text/plain": "x" * 10_000 + str(number)}, "d"))
    assert buffer.held_bytes < 20_000


def test_clearing_gives_the_room_back() -> None:
    buffer = OutputBuffer()
    for _ in range(20):
        buffer.add(stream("x" * 1_000_000))
        buffer.add(display({"text/plain": "y" * 1_000_000}))
        buffer.add(clear())
    assert buffer.held_bytes == 0
