"""What the front says to an agent by itself: what happened, then what to do."""

from __future__ import annotations

from collections.abc import Sequence

from cokernel.front import messages
from cokernel.front.home import CHOOSE, Lost
from cokernel.front.messages import Message
from cokernel.front.upstream import Upstream
from cokernel.shares import ShareRecord

_LOOKS = frozenset(
    {
        "check_execution",
        "inspect",
        "list_files",
        "list_kernels",
        "list_variables",
        "recent_activity",
    }
)
"""Tools that never run code. Any other one is taken to."""
TRY_AGAIN = "Try again, or call list_kernels and choose with use_kernel."
NOTHING_RAN = "Nothing was run; call list_kernels to see what there is."
NOT_SWITCHED = "The kernel is the same as before; call list_kernels to see what there is."


PRIVATE_TITLE = "private kernel"
"""What `use_kernel` calls the private kernel to go back to it."""
PRIVATE_STAYS = f'[the private kernel stays; use_kernel("{PRIVATE_TITLE}") goes back to it]'


def may_run_code(request: Message) -> bool:
    """Whether a bridge that was given this request may have changed its kernel."""
    return request.method == "tools/call" and request.tool not in _LOOKS


def why_lost(upstream: Upstream) -> Lost:
    """Why there is no bridge any more, as far as it can be known."""
    if upstream.ending is not None:
        return Lost(upstream.ending.what, upstream.ending.next_step or CHOOSE, upstream.record)
    if upstream.private:
        return _why_private_lost(upstream)
    what = f"The bridge of {upstream.name} ended."
    if upstream.retired:  # the agent has chosen another kernel since
        return Lost(what, "")
    return Lost(
        what,
        f"Call again: if it comes back, work goes on in that kernel. {CHOOSE}",
        upstream.record,
    )


def _why_private_lost(upstream: Upstream) -> Lost:
    if not upstream.settled:
        what = "The stand-alone bridge ended before anything ran."
        return Lost(what, f"{TRY_AGAIN} `cokernel doctor` in a terminal says more.", fresh=True)
    return Lost("The private kernel ended with its bridge; its variables are gone.", CHOOSE)


def cut_off(request: Message, lost: Lost) -> bytes:
    """The answer of a request that was at a bridge when it ended."""
    if not request.tool:
        return messages.error_line(request.key, messages.SERVER_ERROR, lost.text)
    partly = " It may have partly run, and is not run again." if may_run_code(request) else ""
    text = f"{lost.what} This call got no answer.{partly} {lost.next_step}"
    return messages.text_line(request, text.strip(), is_error=True)


def several(name: str, records: Sequence[ShareRecord]) -> str:
    """More than one share goes by a name."""
    ids = ", ".join(record.share for record in records)
    return f"{name!r} can mean several kernels. Nothing was chosen; name one by its id: {ids}."
