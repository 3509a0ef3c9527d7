"""Runs that wait for the person's word, and what the person has allowed so far. Owned by one `Session`."""

from __future__ import annotations

import secrets

from cokernel.errors import Denied, Unknown
from cokernel.session.execution import Client, Execution
from cokernel.session.policy import (
    Answer,
    Capability,
    Decision,
    Grants,
    Mode,
    decide,
    is_debugger_prompt,
)


class Approvals:
    def __init__(self) -> None:
        self.grants = Grants()
        self._waiting: dict[str, Execution] = {}

    def must_ask(self, execution: Execution) -> bool:
        """Whether the person has allowed neither this run nor its client."""
        return not execution.was_allowed and execution.client.client_id not in self.grants.clients

    def ask(self, execution: Execution) -> str:
        """The id under which the person answers."""
        approval = secrets.token_hex(8)
        self._waiting[approval] = execution
        return approval

    def knows(self, approval: str) -> bool:
        return approval in self._waiting

    def answer(self, approval: str, answer: Answer) -> tuple[list[Execution], bool]:
        """The runs that this answers, and whether they may run. `ALWAYS` answers all that wait for the same client.

        Raises
        ------
        Unknown
            nothing waits under this id any more.
        """
        execution = self._waiting.pop(approval, None)
        if execution is None:
            raise Unknown(
                "Nothing waits under this approval.", "It may have been answered already."
            )
        if answer is not Answer.ALWAYS:
            return [execution], answer is Answer.ONCE
        self.grants = self.grants.allowing(execution.client.client_id)
        return [execution, *self.take(execution.client.client_id)], True

    def withdraw(self, execution: Execution) -> None:
        """It needs no answer any more."""
        self._waiting = {k: e for k, e in self._waiting.items() if e is not execution}

    def take(self, client_id: str | None = None) -> list[Execution]:
        """All that wait (for one client), which then wait no more."""
        taken = [
            e
            for e in self._waiting.values()
            if client_id is None or e.client.client_id == client_id
        ]
        self._waiting = {k: e for k, e in self._waiting.items() if e not in taken}
        return taken

    def check_may_type(self, mode: Mode, client: Client, execution: Execution) -> None:
        """Whether `client` may answer the `input()` of a run: the line may be code.

        Raises
        ------
        Denied
            the mode does not let it, or does not without asking.
        """
        decision = decide(mode, Capability.RUN, client.client_id, self.grants)
        if decision is Decision.DENY:
            raise Denied(
                f"{execution.entry.kernel} is shared to look only, so nothing was typed.",
                "interrupt_execution stops the run.",
            )
        if decision is Decision.ALLOW:
            return
        if is_debugger_prompt(execution.prompt):
            raise Denied(
                "A debugger runs what is typed, and the user was not asked about it: nothing was typed.",
                "interrupt_execution leaves it; the user can allow this client until sharing stops.",
            )
        if execution.client.client_id != client.client_id:
            raise Denied(
                f"The user allowed execution {execution.number} to another client: nothing was typed.",
                "Ask the user to allow this client until sharing stops.",
            )
