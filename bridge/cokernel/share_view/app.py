"""The Textual application: events of the bridge in, the person's keys out."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import ClassVar, Protocol, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Footer, Static

from cokernel.errors import CokernelError
from cokernel.host import (
    Activity,
    Answer,
    Event,
    Mode,
    Output,
    OutputsChanged,
    ShareInfo,
    visible_code,
)
from cokernel.share_view import words
from cokernel.share_view.call_list import NARROW, SPINS_PER_S, CallList
from cokernel.share_view.detail import ApprovalQuestion, Detail
from cokernel.share_view.model import ShareModel
from cokernel.share_view.theme import DARK, LIGHT

T = TypeVar("T")

WIDE = 130
"""From this many columns on, the calls and the selected one stand side by side."""
REDRAWS_PER_S = 20
READ_S = 0.4
"""Less than it takes to read a question: a key this early was meant for the one before it."""

_NEXT_MODE = {Mode.ASK: Mode.LOOK, Mode.LOOK: Mode.FREE, Mode.FREE: Mode.ASK}
ANSWERS = "[b]a[/] Allow once   [b]u[/] Allow until sharing stops   [b]d[/] or [b]Esc[/] Deny"
WELCOME = (
    "Claude, or any MCP client, can work in this kernel: the same variables, the same plots. "
    "Each call it makes is shown here.\n\n"
    "1  Sharing with Claude: on\n"
    "2  Connect Claude Code…  cokernel setup claude-code\n"
    "3  Ask Claude about your variables"
)


class Bridge(Protocol):
    """What the view asks of a bridge: the part of `BridgeHost` that it needs."""

    def set_mode(self, share_id: str, mode: Mode) -> Future[ShareInfo]: ...
    def pause(self, share_id: str, paused: bool) -> Future[ShareInfo]: ...
    def answer(self, approval: str, answer: Answer) -> Future[None]: ...
    def interrupt(self, share_id: str, number: int | None = None) -> Future[int]: ...
    def outputs(self, share_id: str, number: int) -> Future[tuple[Output, ...]]: ...


class ShareView(App[None]):
    """Runs until the person quits. It ends nothing itself: who runs it ends the share."""

    TITLE = "cokernel"
    CSS_PATH = "view.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012  # an instance variable upstream
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "answer('once')", show=False),
        Binding("u", "answer('always')", show=False),
        Binding("d,escape", "answer('deny')", show=False),
        Binding("s", "interrupt", "Stop"),
        Binding("m", "next_mode", "Mode"),
        Binding("p", "pause", "Pause"),
        Binding("l", "looks", "Looks"),
        Binding("q", "quit", "Stop sharing"),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        bridge: Bridge,
        share: ShareInfo,
        events: SimpleQueue[Event],
        *,
        dark: bool = True,
        clock: Callable[[], float] = time.time,
        read_s: float = READ_S,
    ) -> None:
        """`events` is where the bridge puts its events, from its own thread and from before this view was made.

        `read_s`: how long a question has to be in view before it can be answered.
        """
        super().__init__()
        self._events = events
        self._over = threading.Event()
        self._bridge = bridge
        self._model = ShareModel(share)
        self._clock = clock
        self._read_s = read_s
        self._outputs: dict[int, tuple[Output, ...]] = {}
        """Of the selected call only."""
        self._asked: set[str] = set()
        """Approvals that have rung the bell."""
        self._stale = True
        self._bar_left, self._bar_right = Static(id="bar-left"), Static(id="bar-right")
        self._clients, self._problem = Static(id="clients"), Static(id="problem")
        self._calls = CallList(self._model, clock)
        self._detail, self._question = Detail(), ApprovalQuestion()
        self._answers = Static(ANSWERS, id="answers")
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name if dark else LIGHT.name

    def end(self) -> None:
        """Quit as soon as may be. May be called from any thread and from a signal handler."""
        self._over.set()

    # -- structure

    def compose(self) -> ComposeResult:
        with Horizontal(id="bar"):
            yield self._bar_left
            yield self._bar_right
        yield self._clients
        yield self._problem
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Static(WELCOME, id="welcome")
                yield self._calls
            with Vertical(id="right"):
                yield self._detail
                yield self._question
                yield self._answers
        yield Footer()

    def on_mount(self) -> None:
        self.set_interval(1 / REDRAWS_PER_S, self.catch_up)
        self.set_interval(1 / SPINS_PER_S, self._tick)
        self._calls.focus()
        self.catch_up()

    def on_resize(self, event: Resize) -> None:
        self.query_one(Footer).compact = event.size.width < NARROW

    # -- events

    def catch_up(self) -> None:
        """Take in what has come from the bridge and draw it."""
        if self._over.is_set():
            self.exit()
        with contextlib.suppress(Empty):
            while True:
                self._take(self._events.get_nowait())
        if self._stale and self._calls.is_attached:
            self._stale = False
            self._redraw()
        self._answers.set_class(self._can_answer, "-ready")

    def _take(self, event: Event) -> None:
        if isinstance(event, OutputsChanged):
            if (call := self._selected()) is not None and call.number == event.number:
                self._fetch_outputs(call)
            return
        self._model.apply(event)
        self._stale = True
        new = {call.approval for call in self._model.approvals} - self._asked
        if new:
            self._asked |= new
            self.bell()

    def on_call_list_selected(self) -> None:
        self._outputs.clear()
        if (call := self._selected()) is not None:
            self._fetch_outputs(call)
        self._stale = True

    def _fetch_outputs(self, call: Activity) -> None:
        self.run_worker(
            self._load_outputs(call.kernel_id, call.number), group="outputs", exclusive=True
        )

    async def _load_outputs(self, kernel_id: str, number: int) -> None:
        asked = self._bridge.outputs(kernel_id, number)
        try:
            outputs = await asyncio.wrap_future(asked)
        except CokernelError:
            return  # forgotten by now: what the call itself says is still shown
        self._outputs = {number: outputs}
        self._stale = True

    # -- drawing

    def _redraw(self) -> None:
        self._bar_left.update(self._say_what_is_shared())
        self._bar_right.update(self._say_mode())
        self._clients.update(self._say_who_is_there())
        self._show_problem()
        self.screen.set_class(len(self._model) == 0, "-empty")
        self._calls.model_changed()
        self._show_detail()
        self.refresh_bindings()

    def _tick(self) -> None:
        if not self._model.is_moving or not self._calls.is_attached:
            return  # a timer may come once more while the view is taken down
        self._calls.tick()
        call = self._selected()
        if call is not None and not call.state.is_final:
            self._show_detail()

    def _say_what_is_shared(self) -> Content:
        share = self._model.share
        state = words.SHARE_STATES[share.state]
        return Content.assemble(
            ("Sharing with Claude", "bold $text-success" if not state else "bold $text-warning"),
            "   ",
            (share.title, "bold"),
            (f"   {state}" if state else "", "$text-warning"),
        )

    def _say_mode(self) -> Content:
        share = self._model.share
        if share.paused:
            return Content.styled("Paused", "bold $text-warning")
        return Content(words.MODES[share.mode])

    def _say_who_is_there(self) -> Content:
        now = self._clock()
        if not self._model.clients:
            return Content.styled("○ No client is connected", "$quiet")
        said = [
            Content.assemble(("● ", "$text-success"), words.client_line(client, now))
            for client in self._model.clients
        ]
        return Content("    ").join(said)

    def _show_problem(self) -> None:
        text = self._model.failure or words.share_problem(self._model.share)
        self._problem.update(Content(text))
        self._problem.set_class(bool(text), "-shown")

    def _show_detail(self) -> None:
        waiting = self._model.approvals
        self.screen.set_class(bool(waiting), "-asking")
        if waiting:
            self._question.ask(waiting[0], len(waiting))
        else:
            self._question.clear()
        call = self._selected()
        outputs = self._outputs.get(call.number, ()) if call else ()
        elsewhere = self._model.elsewhere(call) if call else ""
        self._detail.show(call, outputs, self._clock(), elsewhere)

    def _selected(self) -> Activity | None:
        return self._calls.selected

    # -- keys

    @property
    def _can_answer(self) -> bool:
        """Whether the question has been in view for long enough that a key is meant for it."""
        question = self._question
        seen_for = time.monotonic() - question.in_view_since
        return bool(question.approval) and seen_for >= self._read_s

    def check_action(
        self,
        action: str,
        parameters: tuple[object, ...],  # noqa: ARG002  # Textual's signature
    ) -> bool | None:
        """Which keys do something now: None shows one as not to be had, False hides it."""
        if action == "answer":
            return self._can_answer
        if action == "interrupt":
            return True if self._model.running else None
        return True

    def action_answer(self, answer: str) -> None:
        self._ask(self._bridge.answer(self._question.approval, Answer(answer)))

    def action_interrupt(self) -> None:
        for kernel_id in {call.kernel_id for call in self._model.running}:
            self._ask(self._bridge.interrupt(kernel_id))

    def action_next_mode(self) -> None:
        share = self._model.share
        self._ask(self._bridge.set_mode(share.share_id, _NEXT_MODE[share.mode]))

    def action_pause(self) -> None:
        share = self._model.share
        self._ask(self._bridge.pause(share.share_id, not share.paused))

    def action_looks(self) -> None:
        self._model.filter_looks(not self._model.show_looks)
        self._stale = True

    def _ask(self, asked: Future[T]) -> None:
        """What comes of it arrives as an event; only a refusal is told here."""
        self.run_worker(self._outcome(asked))

    async def _outcome(self, asked: Future[T]) -> None:
        try:
            await asyncio.wrap_future(asked)
        except CokernelError as error:
            self.notify(visible_code(str(error)), severity="warning", timeout=8, markup=False)
