"""Whose message is it? Every kernel message names the Jupyter session that caused it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spyder_mcp.backend.consoles import ShellWidget


class Attribution:
    """Tells agents' messages from those of Spyder's own consoles."""

    def __init__(
        self,
        agent_session: Callable[[], str],
        consoles: Callable[[], Iterable[ShellWidget]],
    ) -> None:
        self._agent_session = agent_session
        self._consoles = consoles

    def is_agents(self, message: Mapping[str, Any]) -> bool:
        """Whether an agent's request caused this message."""
        session = message["parent_header"].get("session", "")
        if not session:
            return False
        known = self._agent_session()
        if known:
            return bool(session == known)
        return session not in self._own_sessions()

    def _own_sessions(self) -> set[str]:
        """Two tabs may show one kernel: neither is an agent to the other."""
        clients = (console.kernel_client for console in self._consoles())
        return {client.session.session for client in clients if client is not None}
