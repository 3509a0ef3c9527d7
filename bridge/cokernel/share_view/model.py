"""What the live view knows: the share, its clients and the calls of agents. Pure: events in, questions answered.

Agents may work in other kernels of this bridge, too: some that they started, or entered by a connection file. Their
calls are shown like the others, since nobody else is there to see them and to be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cokernel.host import (
    Activity,
    ActivityChanged,
    BridgeFailed,
    ClientInfo,
    ClientsChanged,
    Event,
    Kind,
    Origin,
    ShareChanged,
    ShareInfo,
    State,
    visible_code,
)
from cokernel.share_view.visible import visible_call, visible_client, visible_share

CAPACITY = 10_000
"""Calls that are kept; the oldest finished ones go first."""


@dataclass
class ShareModel:
    """One share as the events so far tell it. Owned by the view. All its texts can be shown as they are."""

    share: ShareInfo
    clients: tuple[ClientInfo, ...] = ()
    failure: str = ""
    """Why the bridge as a whole cannot go on; empty while it can."""
    show_looks: bool = True
    _calls: dict[int, Activity] = field(default_factory=dict)
    _open: dict[int, Activity] = field(default_factory=dict)
    """Those that are not finished."""
    _client_names: set[str] = field(default_factory=set)
    _visible: list[int] = field(default_factory=list)
    """Numbers of the calls that are shown, oldest first."""

    def __post_init__(self) -> None:
        self.share = visible_share(self.share)

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, ShareChanged) and event.share.share_id == self.share.share_id:
            self.share = visible_share(event.share)
        elif isinstance(event, ClientsChanged):
            mine = (c for c in event.clients if c.share_id == self.share.share_id)
            self.clients = tuple(visible_client(client) for client in mine)
        elif isinstance(event, ActivityChanged):
            self._put(visible_call(event.activity))
        elif isinstance(event, BridgeFailed):
            self.failure = visible_code(event.message)

    def filter_looks(self, show: bool) -> None:
        """Show or leave out the calls that only look."""
        self.show_looks = show
        self._visible = [number for number, call in self._calls.items() if self._is_shown(call)]

    def __len__(self) -> int:
        return len(self._visible)

    def call_at(self, row: int) -> Activity | None:
        """The call in a row, counted from 0 for the oldest."""
        if 0 <= row < len(self._visible):
            return self._calls[self._visible[row]]
        return None

    def row_of(self, number: int) -> int | None:
        """Where a call is shown; None if it is not."""
        return next((row for row, shown in enumerate(self._visible) if shown == number), None)

    def elsewhere(self, call: Activity) -> str:
        """The kernel of a call if it is not the shared one; else empty."""
        return "" if call.kernel_id == self.share.share_id else call.kernel

    @property
    def approvals(self) -> tuple[Activity, ...]:
        """Calls that wait for the person, oldest first, whatever their kernel."""
        return tuple(call for call in self._open.values() if call.approval)

    @property
    def running(self) -> tuple[Activity, ...]:
        """Runs of agents that could be stopped."""
        return tuple(
            call
            for call in self._open.values()
            if call.kind is Kind.RUN and call.state is not State.WAITING_APPROVAL
        )

    @property
    def is_moving(self) -> bool:
        """Whether anything on the screen ticks."""
        return bool(self._open)

    @property
    def has_several_clients(self) -> bool:
        """Whether it needs saying whose call one was."""
        return len(self._client_names) > 1

    def _put(self, call: Activity) -> None:
        if call.origin is Origin.USER:
            return
        known = call.number in self._calls
        self._calls[call.number] = call
        self._open.pop(call.number, None)
        if not call.state.is_final:
            self._open[call.number] = call
        self._client_names.add(call.client)
        if not known and self._is_shown(call):
            self._visible.append(call.number)
        if len(self._calls) > CAPACITY:
            self._forget_oldest()

    def _is_shown(self, call: Activity) -> bool:
        return self.show_looks or call.kind is not Kind.LOOK

    def _forget_oldest(self) -> None:
        oldest = next((n for n, call in self._calls.items() if call.state.is_final), None)
        if oldest is not None:
            del self._calls[oldest]
            if oldest in self._visible:
                self._visible.remove(oldest)
