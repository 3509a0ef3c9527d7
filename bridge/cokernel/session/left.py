"""Kernels that a bridge has left: their runs can be followed, and what they put out be read, a while longer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from cokernel.session.background import Background
from cokernel.session.session import Session

KEEP_CLOSED = 10


class LeftKernels:
    """Owned by one `Bridge`."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []
        self._background = Background()

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions)

    def see_off(self, session: Session) -> None:
        """What runs there goes on, and keeps its outcome; then the kernel is let go of."""
        self._sessions.append(session)
        self._background.start(self._close_when_done(session), f"see off {session.title}")

    async def close(self, session: Session, reason: str) -> None:
        """Let go of it now."""
        self._sessions.append(session)
        await session.close(reason)
        self._forget_oldest()

    async def abandon(self) -> None:
        """Let go of all of them for good; they are closed."""
        await asyncio.gather(*(session.abandon() for session in self._sessions))
        await self._background.close()

    async def _close_when_done(self, session: Session) -> None:
        for execution in session.unfinished:
            await execution.wait(None)
        await session.close(f"{session.title} is not shared any more.")
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        closed = [s for s in self._sessions if s.is_closed and not s.unfinished]
        for session in closed[:-KEEP_CLOSED]:
            self._sessions.remove(session)
