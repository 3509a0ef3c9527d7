"""The activity as a notebook or a script, as the pane shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cokernel.host import (
    Activity,
    DisplayOutput,
    ErrorOutput,
    Kind,
    Origin,
    Output,
    StreamOutput,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

Outputs = Callable[[Activity], tuple[Output, ...]]


def as_notebook(calls: Iterable[Activity], outputs: Outputs) -> str:
    """Runs and cells with their output, as the text of an `.ipynb` file."""
    # Imported here and below: nbformat takes a third of a second that Spyder's start should not wait for.
    import nbformat
    from nbformat import v4

    notebook = v4.new_notebook(
        cells=[_cell(call, outputs(call)) for call in _runs(calls)],
        metadata={"language_info": {"name": "python"}},
    )
    return str(nbformat.writes(notebook))


def as_script(calls: Iterable[Activity]) -> str:
    """Runs and cells as the text of a `.py` file, one Spyder cell each."""
    return "\n".join(f"# %% {_title(call)}\n{call.code.rstrip()}\n" for call in _runs(calls))


def write(path: Path, text: str) -> None:
    """Raises `OSError` where it cannot be written."""
    path.write_text(text, encoding="utf-8")


def _runs(calls: Iterable[Activity]) -> list[Activity]:
    """What the kernel ran: neither looks nor what was denied."""
    return [
        call
        for call in calls
        if (call.kind is Kind.RUN or call.origin is Origin.USER) and call.started_at is not None
    ]


def _title(call: Activity) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call.created_at))
    return f"{call.client} · {at} · {call.kernel}"


def _cell(call: Activity, outputs: tuple[Output, ...]) -> NotebookNode:
    from nbformat import v4

    return v4.new_code_cell(
        source=call.code,
        execution_count=call.execution_count,
        outputs=[_output(output) for output in outputs],
        metadata={"cokernel": {"client": call.client, "at": call.created_at}},
    )


def _output(output: Output) -> NotebookNode:
    from nbformat import v4

    if isinstance(output, StreamOutput):
        return v4.new_output("stream", name=output.name, text=output.text)
    if isinstance(output, ErrorOutput):
        return v4.new_output(
            "error",
            ename=output.ename,
            evalue=output.evalue,
            traceback=output.traceback.splitlines(),
        )
    return _display(output)


def _display(output: DisplayOutput) -> NotebookNode:
    from nbformat import v4

    data = dict(output.data)
    if output.execution_count is None:
        return v4.new_output("display_data", data=data)
    return v4.new_output("execute_result", data=data, execution_count=output.execution_count)
