"""Tells an agent in a private kernel that a kernel has been shared meanwhile. It is told, never moved there."""

from __future__ import annotations

import os

from cokernel import shares


class Announcements:
    """Shares that appear after this was made, each told once."""

    def __init__(self) -> None:
        self._folder = os.path.join(shares.state_folder(), "shares")
        self._seen_at = self._changed_at()
        self._known = {record.share for record in shares.list_shares()}

    def news(self) -> str:
        """A sentence for each new share; empty if there is none. Costs one `stat` as long as nothing changes."""
        changed_at = self._changed_at()
        if changed_at == self._seen_at:
            return ""
        self._seen_at = changed_at
        records = shares.list_shares()
        new = [record for record in records if record.share not in self._known]
        self._known |= {record.share for record in new}
        return "\n".join(
            f"[{record.name} is shared now; use_kernel({record.share!r}) would work there instead]"
            for record in new
        )

    def _changed_at(self) -> int:
        try:
            return os.stat(self._folder).st_mtime_ns
        except FileNotFoundError:
            return 0
