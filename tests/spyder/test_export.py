"""The activity as a notebook and as a script."""

from __future__ import annotations

import ast

import nbformat

from cokernel.host import DisplayOutput, ErrorOutput, State, StreamOutput
from spyder_mcp.backend import export
from spyder_mcp.widgets import samples


def test_a_notebook_has_the_runs_with_their_output() -> None:
    outputs = (
        StreamOutput("stdout", "hello\n"),
        DisplayOutput({"text/plain": "3"}, execution_count=41),
        DisplayOutput({"image/png": "aGk="}),
        ErrorOutput("KeyError", "'x'", "Traceback\nKeyError: 'x'"),
    )
    calls = [
        samples.call(1, "1 + 2"),
        samples.look(2, "list_variables"),
        samples.call(3, "never()", State.DENIED, seconds=None),
    ]
    text = export.as_notebook(calls, lambda _call: outputs)
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    (cell,) = notebook.cells
    assert cell.source == "1 + 2"
    kinds = [output.output_type for output in cell.outputs]
    assert kinds == ["stream", "execute_result", "display_data", "error"]


def test_a_script_has_a_cell_for_each_run() -> None:
    text = export.as_script([samples.call(1, "a = 1\n"), samples.call(2, "b = 2")])
    ast.parse(text)
    assert [line.startswith("# %% Claude Code · ") for line in text.splitlines()].count(True) == 2
