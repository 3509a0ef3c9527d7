"""The whole state in one short text and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from spyder_mcp.translation import _


@dataclass(frozen=True)
class Summary:
    short: str
    """`Claude: off`, `Claude: Console 1/A`, `Claude: running 12 s`, `Claude: waiting for you`."""
    sentence: str
    wants_attention: bool = False

    @classmethod
    def off(cls) -> Summary:
        return cls(_("Claude: off"), _("Nothing is shared with Claude. Click to open the pane."))
