"""Runs and calls that wait for the person's word, and what the person has allowed so far. Owned by one `Session`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cokernel.errors import Unknown
from cokernel.session.activity import State
from cokernel.session.execution import Execution
from cokernel.session.policy import Answer, Grants


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something of a client that has to be allowed before it begins."""

    client_id: str
    go_on: Callable[[bool], None]
    """Called once it may begin, with whether the person said so (else the mode does)."""
    end: Callable[[State, str], None]
    """Called with the reason if it may not, or cannot any more."""


class Approvals:
    def __init__(self) -> None:
        self.grants = Grants()
        self._waiting: dict[str, Waiting] = {}

    def must_ask(self, execution: Execution) -> bool:
        """Whether the person has allowed neither this run nor its client."""
        return not execution.was_allowed and execution.client.client_id not in self.grants.clients

    def ask(self, waiting: Waiting) -> str:
        """The id under which the person answers."""
        approval = secrets.token_hex(8)
        self._waiting[approval] = waiting
        return approval

    def knows(self, approval: str) -> bool:
        return approval in self._waiting

    def answer(self, approval: str, answer: Answer) -> None:
        """Let it begin, or end it. `ALWAYS` answers all that wait for the same client.

        Raises
        ------
        Unknown
            nothing waits under this id any more.
        """
        waiting = self._waiting.pop(approval, None)
        if waiting is None:
            raise Unknown(
                "Nothing waits under this approval.", "It may have been answered already."
            )
        if answer is Answer.DENY:
            waiting.end(State.DENIED, "denied by you")
            return
        answered = [waiting]
        if answer is Answer.ALWAYS:
            self.grants = self.grants.allowing(waiting.client_id)
            answered += self._take(waiting.client_id)
        for each in answered:
            each.go_on(True)

    def withdraw(self, approval: str) -> None:
        """It needs no answer any more."""
        self._waiting.pop(approval, None)

    def allow_all(self) -> None:
        """The mode lets everything begin now."""
        for waiting in self._take():
            waiting.go_on(False)

    def end_all(self, state: State, reason: str) -> None:
        """Nothing that waits will begin."""
        for waiting in self._take():
            waiting.end(state, reason)

    def _take(self, client_id: str | None = None) -> list[Waiting]:
        taken = {
            approval: waiting
            for approval, waiting in self._waiting.items()
            if client_id is None or waiting.client_id == client_id
        }
        for approval in taken:
            del self._waiting[approval]
        return list(taken.values())
