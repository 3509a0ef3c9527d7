"""The runs of one kernel that can still be asked for: all that are unfinished, and the newest of the others."""

from __future__ import annotations

from cokernel.errors import BadRequest
from cokernel.session.execution import Execution

KEEP_EXECUTIONS = 200
KEEP_BYTES = 16_000_000
"""Of code and output. Hundreds of figures, or one or two floods of text: a bridge lives in its user's IDE."""
MAX_UNFINISHED = 200
"""Each may have 2 MB of code, and nobody waits for so many."""


class KeptExecutions:
    """Bounded in number and in bytes of output. Owned by one `Runs`."""

    def __init__(self) -> None:
        self._by_number: dict[int, Execution] = {}
        self._by_message: dict[str, Execution] = {}

    def __bool__(self) -> bool:
        return bool(self._by_number)

    @property
    def unfinished(self) -> list[Execution]:
        """In their order."""
        return [e for e in self._by_number.values() if not e.state.is_final]

    def check_room(self) -> None:
        """Raises `BadRequest` if too many runs are unfinished."""
        if len(self._by_number) >= MAX_UNFINISHED and len(self.unfinished) >= MAX_UNFINISHED:
            raise BadRequest(
                f"{MAX_UNFINISHED} runs wait for this kernel already; this one was not taken.",
                "Wait until some have ended, or take them back with interrupt_execution.",
            )

    def add(self, execution: Execution) -> None:
        self._by_number[execution.number] = execution
        self._forget_oldest()

    def note_sent(self, execution: Execution) -> None:
        """It has its `msg_id` now."""
        self._by_message[execution.msg_id] = execution

    def find(self, number: int) -> Execution | None:
        """The run that agents call `execution <number>`."""
        return self._by_number.get(number)

    def by_entry(self, number: int) -> Execution | None:
        """The run behind an entry of the activity log."""
        return next((e for e in self._by_number.values() if e.entry.number == number), None)

    def by_message(self, msg_id: str) -> Execution | None:
        """The run that was sent under this id."""
        return self._by_message.get(msg_id)

    def others(self, execution: Execution) -> list[Execution]:
        """All but this one."""
        return [e for e in self._by_number.values() if e is not execution]

    def _forget_oldest(self) -> None:
        held = sum(_size(e) for e in self._by_number.values())
        for old in list(self._by_number.values()):
            if len(self._by_number) <= KEEP_EXECUTIONS and held <= KEEP_BYTES:
                break
            if old.state.is_final:
                held -= _size(old)
                del self._by_number[old.number]
                self._by_message.pop(old.msg_id, None)


def _size(execution: Execution) -> int:
    return execution.outputs.held_bytes + len(execution.entry.code)
