"""From what is shared and what goes on to what people need to know at a glance."""

from __future__ import annotations

import time

from cokernel.host import Activity, ClientInfo, State
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts
from spyder_mcp.widgets.summary import Summary


def summarize(
    *,
    on: bool,
    console: str,
    trouble: str,
    clients: tuple[ClientInfo, ...],
    unfinished: tuple[Activity, ...],
) -> Summary:
    """`trouble` is a sentence, or empty."""
    if not on:
        return Summary.off()
    waiting = [call for call in unfinished if call.state is State.WAITING_APPROVAL]
    if waiting:
        sentence = texts.wish_text(waiting[0]) + " " + _("Click to see it.")
        return Summary(_("Claude: waiting for you"), sentence, wants_attention=True)
    if trouble:
        return Summary(_("Claude: {}").format(console or _("no console")), trouble)
    return _running(unfinished) or _idle(console, clients)


def _running(unfinished: tuple[Activity, ...]) -> Summary | None:
    states = (State.RUNNING, State.WAITING_INPUT)
    call = next((c for c in unfinished if texts.is_agent_run(c, states)), None)
    if call is None:
        return None
    elapsed = texts.elapsed_text(call, time.time())
    sentence = _("{client} has been running code in {console} for {elapsed}.")
    return Summary(
        _("Claude: running {}").format(elapsed),
        sentence.format(client=call.client, console=call.kernel, elapsed=elapsed),
    )


def _idle(console: str, clients: tuple[ClientInfo, ...]) -> Summary:
    names = ", ".join(client.name for client in clients)
    shared = _("{} is shared with Claude.").format(console)
    who = _("Connected: {}.").format(names) if names else _("No client is connected.")
    return Summary(_("Claude: {}").format(console), f"{shared} {who}")
