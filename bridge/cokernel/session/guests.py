"""Kernels that agents are in by their connection file, without a share: guests there.

The person at such a kernel may share it, now or later, under whatever mode. From that moment on agents enter it through
that share and no other way: each call looks for one, and runs that have not begun are taken back within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from cokernel.errors import Denied, Untrusted
from cokernel.kernel.connection_files import identity_of, read_connection_file
from cokernel.session.session import Session
from cokernel.shares import ShareRecord, list_shares

WATCH_EVERY_S = 1.0

Leave = Callable[[Session, str], None]


class Guests:
    """Owned by one `Bridge`, whose `leave` lets go of a kernel, for a reason."""

    def __init__(self, leave: Leave) -> None:
        self._leave = leave
        self._connections: dict[Session, Mapping[str, Any]] = {}
        self._watch: asyncio.Task[None] | None = None

    def __contains__(self, session: Session) -> bool:
        return session in self._connections

    def add(self, session: Session, connection: Mapping[str, Any]) -> None:
        self._connections[session] = connection
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_for_shares(), name="watch for shares")

    def forget(self, session: Session) -> None:
        """It is left; nothing happens if it was no guest's."""
        self._connections.pop(session, None)

    def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def share_of(self, session: Session) -> ShareRecord | None:
        """The share that this kernel is entered through by now: it has been left then. None if it may be used so."""
        connection = self._connections.get(session)
        if connection is None:
            return None
        record = await asyncio.to_thread(share_of, connection)
        if record is not None and session in self._connections:
            self.forget(session)
            self._leave(session, str(entered_through(record, session.title)))
        return record

    async def _look_for_shares(self) -> None:
        # No event tells of a new record, and a run that waits in the queue makes no call that could look.
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            for session in list(self._connections):
                await self.share_of(session)


def share_of(connection: Mapping[str, Any]) -> ShareRecord | None:
    """The share of the kernel that this connection leads to, whatever its file is called. Reads files."""
    wanted = identity_of(connection)
    return next((r for r in list_shares() if identity_in(r.connection_file) == wanted), None)


def identity_in(path: str | None) -> tuple[object, ...] | None:
    """Which kernel a connection file is about; None if that cannot be said."""
    try:
        return identity_of(read_connection_file(path)) if path else None
    except (Untrusted, OSError):
        return None


def entered_through(record: ShareRecord, title: str) -> Denied:
    """Why agents may not use the connection file of a kernel that somebody shares."""
    return Denied(
        f"{title} is shared ({record.name}), so agents enter it through that share and under its mode.",
        f"Nothing was run. use_kernel({record.share!r}) goes there.",
    )


def not_shared_any_more(title: str) -> Denied:
    """Why agents may not use the connection file of a kernel whose person has stopped sharing it."""
    return Denied(
        f"{title} was shared, and its user has stopped sharing it.",
        "Nothing was run. Ask the user to share it again.",
    )
