"""How a run ended, from what the kernel replied."""

from __future__ import annotations

from typing import Any

import pytest

from cokernel.session.activity import State
from cokernel.session.outcomes import MAX_TRACEBACK_CHARS, error_summary, outcome_of

ERROR = {"status": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["a", "b"]}


@pytest.mark.parametrize(
    ("reply", "began", "interrupt_wanted", "state"),
    [
        ({"status": "ok"}, True, False, State.OK),
        ({"status": "ok"}, True, True, State.OK),
        (ERROR, True, False, State.ERROR),
        ({**ERROR, "ename": "KeyboardInterrupt"}, True, False, State.INTERRUPTED),
        ({"status": "aborted"}, False, False, State.ABORTED),
        ({"status": "abort"}, False, True, State.ABORTED),
        ({"status": "abort"}, True, True, State.INTERRUPTED),
        (None, True, False, State.LOST),
        (None, True, True, State.INTERRUPTED),
        ({}, True, False, State.ERROR),
    ],
)
def test_the_reply_decides(
    reply: dict[str, Any] | None, began: bool, interrupt_wanted: bool, state: State
):
    assert outcome_of(reply, began=began, interrupt_wanted=interrupt_wanted).state is state


def test_an_error_is_bounded_and_plain():
    error = error_summary(
        {
            "ename": "\x1b[31mE" * 500,
            "evalue": "v" * 5_000,
            "traceback": ["\x1b[0;31mline\x1b[0m"] * 5_000,
        }
    )
    assert "\x1b" not in error.ename + error.traceback
    assert len(error.evalue) == 1_000
    assert len(error.traceback) <= MAX_TRACEBACK_CHARS


@pytest.mark.parametrize("traceback", [None, "text", [1, None], {}])
def test_a_malformed_error_is_an_error_all_the_same(traceback: Any):
    assert error_summary({"traceback": traceback}).ename == ""
