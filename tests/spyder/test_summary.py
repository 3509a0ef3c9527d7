"""One short text in the status bar."""

from __future__ import annotations

from cokernel.host import Activity, ClientInfo, State
from spyder_mcp.widgets import samples
from spyder_mcp.widgets.summarizing import summarize
from spyder_mcp.widgets.summary import Summary


def told(
    *unfinished: Activity,
    on: bool = True,
    trouble: str = "",
    clients: tuple[ClientInfo, ...] = (),
) -> Summary:
    return summarize(
        on=on, console="Console 1/A", trouble=trouble, clients=clients, unfinished=unfinished
    )


def test_off_is_off_whatever_else() -> None:
    assert told(samples.waiting(), on=False).short == "Claude: off"


def test_waiting_for_the_person_comes_first_and_alone_asks_for_attention() -> None:
    running, _outputs = samples.running()
    summary = told(running, samples.waiting(7))
    assert summary.short == "Claude: waiting for you"
    assert summary.wants_attention
    assert not told(running).wants_attention


def test_a_run_counts_its_seconds() -> None:
    running = samples.call(1, "fit()", State.RUNNING, seconds=0.0, ago=12)
    assert told(running).short == "Claude: running 12 s"


def test_the_sentence_names_console_and_clients() -> None:
    assert told(clients=(samples.client(),)).sentence == (
        "Console 1/A is shared with Claude. Connected: Claude Code."
    )
    assert told(trouble="Console 1/A was closed.").sentence == "Console 1/A was closed."
