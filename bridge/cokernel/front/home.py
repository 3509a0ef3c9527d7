"""Where a client belongs: which bridge to connect to, now and after the one in use is gone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from cokernel import shares
from cokernel.shares import Ambiguous, ShareRecord

PRIVATE = "new"
"""What `use_kernel` and `COKERNEL_SHARE` call a kernel of one's own."""


class Wish(NamedTuple):
    """What the environment of this front says about where it belongs."""

    cwd: str
    share: str = ""
    """The share that was asked for by name."""
    connection_file: str = ""
    """The kernel that was asked for by its connection file, shared or not."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Wish:
        folder = environment.get("CLAUDE_PROJECT_DIR") or os.getcwd()
        named = environment.get("COKERNEL_CONNECTION") or environment.get("IPYTHON_MCP_CONNECTION")
        return cls(os.path.realpath(folder), environment.get("COKERNEL_SHARE", ""), named or "")


class Lost(NamedTuple):
    """Why there is no kernel to run code in, until the agent chooses one or the old one comes back."""

    what: str
    next_step: str
    record: ShareRecord | None = None
    """The share that may come back."""
    fresh: bool = False
    """Nothing was in use yet: whatever `find` names by now may be taken."""

    @property
    def text(self) -> str:
        return f"{self.what} {self.next_step}".strip()

    @property
    def refusal(self) -> str:
        """The answer of a call that no bridge has seen."""
        return f"{self.what} Nothing was run. {self.next_step}".strip()


CHOOSE = (
    f'Call list_kernels and choose with use_kernel; use_kernel("{PRIVATE}") gives a private kernel.'
)


def find(wish: Wish) -> ShareRecord | Lost | None:
    """The share to connect to; None for the stand-alone bridge; Lost if the choice is the agent's."""
    records = shares.list_shares()
    if wish.share == PRIVATE:
        return None
    if wish.share:
        return _decided(shares.choose(records, wish.cwd, wish.share)) or Lost(
            f"There is no share {wish.share!r}.", CHOOSE, fresh=True
        )
    if wish.connection_file:
        return _decided(shares.choose(records, wish.cwd, wish.connection_file))
    return _decided(shares.choose(records, wish.cwd))


def _decided(choice: ShareRecord | Ambiguous | None) -> ShareRecord | Lost | None:
    if not isinstance(choice, Ambiguous):
        return choice
    names = ", ".join(f"{record.name} ({record.share})" for record in choice.candidates)
    return Lost(
        f"Several kernels are shared and none belongs to this folder: {names}.", CHOOSE, fresh=True
    )


def find_again(lost: ShareRecord) -> ShareRecord | None:
    """The same share, published again, or the very same kernel under another record."""
    records = shares.list_shares()
    return next((r for r in records if r.share == lost.share), None) or next(
        (r for r in records if _same_kernel(r, lost)), None
    )


def _same_kernel(one: ShareRecord, other: ShareRecord) -> bool:
    if not one.connection_file or one.kernel_pid is None:
        return False
    return (one.connection_file, one.kernel_pid) == (other.connection_file, other.kernel_pid)


def describe_kernels(lost: Lost) -> str:
    """The answer of `list_kernels` while no bridge can give it."""
    lines = [lost.what, "", "Shared kernels:"]
    records = shares.list_shares()
    lines += [f"- {r.share}: {r.name}, {' '.join(r.workspaces) or 'no folder'}" for r in records]
    if not records:
        lines += ["- none"]
    lines += ["", f'Choose with use_kernel; use_kernel("{PRIVATE}") gives a private kernel.']
    return "\n".join(lines)
