"""How the kernel's reply becomes the outcome of a run."""

from __future__ import annotations

import pytest

from cokernel.session.activity import State
from cokernel.session.outcomes import outcome_of


def raised(ename: str) -> dict[str, object]:
    return {"status": "error", "ename": ename, "evalue": "", "traceback": []}


@pytest.mark.parametrize(
    ("reply", "interrupt_wanted", "state"),
    [
        ({"status": "ok"}, False, State.OK),
        ({"status": "ok"}, True, State.OK),
        ({"status": "aborted"}, False, State.ABORTED),
        (raised("KeyError"), False, State.ERROR),
        (raised("KeyboardInterrupt"), False, State.INTERRUPTED),
        (raised("CancelledError"), True, State.INTERRUPTED),
        (raised("CancelledError"), False, State.ERROR),
        (None, True, State.INTERRUPTED),
        (None, False, State.LOST),
    ],
)
def test_each_reply_has_one_outcome(
    reply: dict[str, object] | None, interrupt_wanted: bool, state: State
) -> None:
    assert outcome_of(reply, interrupt_wanted=interrupt_wanted).state is state
