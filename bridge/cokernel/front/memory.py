"""What the client has said and heard that outlives a bridge."""

from __future__ import annotations

from typing import Any, ClassVar

from cokernel.front import messages
from cokernel.front.lines import Line
from cokernel.front.messages import Message

_MAX_ANSWER = 262144
"""Bytes of an answer that is kept; our longest list is a tenth of it."""


class ClientMemory:
    """The client's opening, its subscriptions, and the lists it was given last. The relay's lock guards it."""

    LOOKUPS: ClassVar[frozenset[str]] = frozenset(
        {
            "initialize",
            "server/discover",
            "tools/list",
            "prompts/list",
            "resources/list",
            "resources/templates/list",
        }
    )
    """Requests about the server itself: any bridge gives the same answer."""

    def __init__(self) -> None:
        self.initialize: Message | None = None
        """Of a client of the handshake era, once a bridge has agreed."""
        self.initialized = False
        self._declared: dict[str, Any] = {}
        self._listens: dict[str, Message] = {}
        self._answers: dict[str, Line] = {}

    def note_request(self, message: Message) -> None:
        if message.method == "subscriptions/listen":
            self._listens[message.key] = message

    def note_answer(self, request: Message, answer: Line) -> None:
        if request.method not in self.LOOKUPS or len(answer) > _MAX_ANSWER:
            return
        if not messages.succeeded(answer):
            return
        if request.method == "initialize":
            self.initialize = request
            self._declared = messages.capabilities(answer)
        elif "cursor" not in request.params:
            self._answers[request.method] = answer

    def known_answer(self, request: Message) -> bytes | None:
        """An answer that needs no bridge, if there is one."""
        if request.method == "ping":
            return messages.result_line(request.key, {}, modern=request.modern)
        if request.method == "subscriptions/listen":
            self._listens[request.key] = request
            return messages.acknowledged_line(request)
        answer = self._answers.get(request.method)
        if answer is None or "cursor" in request.params:
            return None
        return messages.same_result_line(request.key, answer)

    def listens(self) -> list[Message]:
        return list(self._listens.values())

    def is_listen(self, key: str) -> bool:
        return key in self._listens

    def forget_listen(self, key: str) -> None:
        self._listens.pop(key, None)

    def lists_changed(self) -> list[bytes]:
        """What makes the client ask for its lists again, in the form of its era."""
        lines = [
            line for listen in self.listens() for line in messages.lists_changed_lines_for(listen)
        ]
        if self.initialized:
            lines += messages.lists_changed_lines(self._declared)
        return lines
