"""Tells an agent in a private kernel that a kernel has been shared meanwhile. It is told, never moved there."""

from __future__ import annotations

import asyncio
import os

from cokernel import shares

PATIENCE_S = 0.2
"""How long an answer waits for the disk under the home folder; what was not found by then is told next time."""


class Announcements:
    """Shares that appear after this was made, each told once. It looks in a thread, one look at a time."""

    def __init__(self) -> None:
        self._folder = os.path.join(shares.state_folder(), "shares")
        self._seen_at = self._changed_at()
        self._known = {record.share for record in shares.list_shares()}
        self._has_begun = False
        self._looking: asyncio.Future[list[shares.ShareRecord]] | None = None

    def look(self) -> None:
        """Begin to look, while the call is at work; it costs one `stat` as long as nothing changes."""
        if not self._has_begun:
            self._has_begun = (
                True  # the first call comes right after this was made, and is in a hurry
            )
        elif self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._appeared))

    async def news(self) -> str:
        """A sentence for each new share; empty if there is none."""
        if self._looking is None:
            return ""
        await asyncio.wait({self._looking}, timeout=PATIENCE_S)
        if not self._looking.done():
            return ""
        new, self._looking = self._looking.result(), None
        return "\n".join(
            f"[{record.name} is shared now; use_kernel({record.share!r}) would work there instead]"
            for record in new
        )

    def _appeared(self) -> list[shares.ShareRecord]:
        changed_at = self._changed_at()
        if changed_at == self._seen_at:
            return []
        self._seen_at = changed_at
        new = [record for record in shares.list_shares() if record.share not in self._known]
        self._known |= {record.share for record in new}
        return new

    def _changed_at(self) -> int:
        try:
            return os.stat(self._folder).st_mtime_ns
        except OSError:
            return 0
