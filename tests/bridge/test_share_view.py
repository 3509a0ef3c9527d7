"""The terminal's live view, driven by keys as a person does, with a scripted bridge behind it."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from queue import SimpleQueue

import pytest
from textual.pilot import Pilot

from cokernel.host import (
    ActivityChanged,
    Answer,
    BridgeFailed,
    Change,
    ClientsChanged,
    DisplayOutput,
    ErrorSummary,
    Event,
    Kind,
    Mode,
    Origin,
    OutputsChanged,
    ShareChanged,
    ShareState,
    State,
    StreamOutput,
)
from cokernel.share_view.app import ShareView
from cokernel.share_view.call_list import CallList
from cokernel.share_view.detail import Detail
from cokernel.share_view.gallery import CLIENT, NOW, SHARE, ScriptedBridge, look, run, scene

A_NARROW, A_USUAL, A_WIDE = (48, 24), (100, 30), (160, 30)


@asynccontextmanager
async def shown(
    bridge: ScriptedBridge,
    events: Iterable[Event] = (),
    size: tuple[int, int] = A_USUAL,
    read_s: float = 0.0,
) -> AsyncIterator[Pilot[None]]:
    """A running view to which these events have come."""
    inbox: SimpleQueue[Event] = SimpleQueue()
    for event in events:
        inbox.put(event)
    bridge.on_event = inbox.put
    view = ShareView(bridge, bridge.share, inbox, clock=lambda: NOW, read_s=read_s)
    async with view.run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[None]) -> None:
    """What was posted is drawn: two screens running are the same, since a drawing may ask for another one."""
    view = pilot.app
    assert isinstance(view, ShareView)
    before, now = "", "nothing yet"
    while before != now:
        view.catch_up()
        await pilot.pause()
        await view.workers.wait_for_complete()
        before, now = now, screen(pilot)


def screen(pilot: Pilot[None]) -> str:
    """The characters on the screen."""
    width, height = pilot.app.size
    strips = [pilot.app.screen._compositor.render_strips(pilot.app.size)[y] for y in range(height)]
    assert all(strip.cell_length == width for strip in strips)
    return "\n".join(strip.text for strip in strips)


def selected_number(pilot: Pilot[None]) -> int | None:
    selected = pilot.app.query_one(CallList).selected
    return selected.number if selected else None


def call(activity: object) -> ActivityChanged:
    return ActivityChanged(SHARE.share_id, activity)  # type: ignore[arg-type]  # an Activity, made short


@pytest.mark.parametrize("size", [A_NARROW, A_USUAL, A_WIDE])
async def test_running_call_shows_its_code_output_and_ticking_time(size: tuple[int, int]) -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, scene(bridge), size) as pilot:
        text = screen(pilot)
    assert "Sharing with Claude   fit.py" in text
    assert "Claude Code · 12 min · 8 runs" in text
    assert "12 s" in text
    assert "epoch 1/10  loss 0.409" in text
    assert "Stop sharing" in text


async def test_nothing_yet_says_what_this_is_and_what_to_do() -> None:
    async with shown(ScriptedBridge()) as pilot:
        text = screen(pilot)
    assert "No client is connected" in text
    assert "cokernel setup claude-code" in text
    assert "3  Ask Claude about your variables" in text


async def test_approval_shows_the_whole_code_and_enter_allows_nothing() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, scene(bridge, asking=True)) as pilot:
        text = screen(pilot)
        await pilot.press("enter", "space")
        await settled(pilot)
    assert "Claude Code wants to run this in fit.py" in text
    assert 'print(f"epoch {epoch}/10  loss {loss:.3f}")' in text
    assert "Allow once   u Allow until sharing stops   d or Esc Deny" in text
    assert [asked for asked in bridge.asked if asked[0] == "answer"] == []


@pytest.mark.parametrize(
    ("tool", "argument", "question"),
    [
        ("start_kernel", "/home/me/venv", "Claude Code wants to start a kernel: /home/me/venv"),
        ("use_kernel", "new", "Claude Code wants to start a kernel "),
        ("check_execution", "drop()", "Claude Code wants to type this into fit.py"),
    ],
)
async def test_question_says_what_would_be_done(tool: str, argument: str, question: str) -> None:
    wish = look(1, tool, argument)
    waiting = replace(wish, kind=Kind.CONTROL, state=State.WAITING_APPROVAL, approval="a1")
    async with shown(ScriptedBridge(), [call(waiting)]) as pilot:
        text = screen(pilot)
    assert question in text
    assert "wants to run" not in text


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("a", Answer.ONCE),
        ("u", Answer.ALWAYS),
        ("d", Answer.DENY),
        ("escape", Answer.DENY),
    ],
)
async def test_key_answers_the_oldest_question(key: str, answer: Answer) -> None:
    bridge = ScriptedBridge()
    second = run(10, "later()", State.WAITING_APPROVAL, approval="a2", started_at=None)
    async with shown(bridge, [*scene(bridge, asking=True), call(second)]) as pilot:
        assert "1 of 2" in screen(pilot)
        await pilot.press(key)
        await settled(pilot)
    assert ("answer", "a1", answer) in bridge.asked


async def test_key_that_was_meant_for_the_question_before_answers_nothing() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, scene(bridge, asking=True), read_s=3600) as pilot:
        await pilot.press("a")
        await settled(pilot)
    assert [asked for asked in bridge.asked if asked[0] == "answer"] == []


async def test_answer_keys_do_nothing_when_nobody_asks() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, scene(bridge)) as pilot:
        await pilot.press("a", "u", "d", "escape")
        await settled(pilot)
    assert [asked for asked in bridge.asked if asked[0] == "answer"] == []


async def test_stop_works_only_while_an_agents_run_is_going() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, [call(run(1, "1 + 1"))]) as pilot:
        await pilot.press("s")
        assert [asked for asked in bridge.asked if asked[0] == "interrupt"] == []
        bridge.on_event(call(run(2, "fit()", State.RUNNING)))
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
    assert ("interrupt", SHARE.share_id, None) in bridge.asked


async def test_mode_goes_round_and_pause_toggles() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge) as pilot:
        for expected in ("Look only", "Run freely", "Ask me"):
            await pilot.press("m")
            await settled(pilot)
            assert expected in screen(pilot)
        await pilot.press("p")
        await settled(pilot)
        assert "Paused" in screen(pilot)
        await pilot.press("p")
        await settled(pilot)
        assert "Paused" not in screen(pilot)
    assert bridge.share.mode is Mode.ASK


async def test_list_follows_the_newest_until_the_reader_moves_up() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, [call(run(n, f"step_{n}()")) for n in range(1, 60)]) as pilot:
        assert selected_number(pilot) == 59
        await pilot.press("up")
        bridge.on_event(call(run(60, "step_60()")))
        await settled(pilot)
        assert selected_number(pilot) == 58
        await pilot.press("end")
        bridge.on_event(call(run(61, "step_61()")))
        await settled(pilot)
        assert selected_number(pilot) == 61
        assert "step_61()" in screen(pilot)


async def test_looks_can_be_left_out() -> None:
    events = [call(look(1, "list_variables")), call(run(2, "1 + 1"))]
    async with shown(ScriptedBridge(), events) as pilot:
        assert "list_variables" in screen(pilot)
        await pilot.press("l")
        await settled(pilot)
        assert "list_variables" not in screen(pilot)
        await pilot.press("l")
        await settled(pilot)
        assert "list_variables" in screen(pilot)


async def test_cells_of_the_user_are_not_shown() -> None:
    events = [
        call(replace(run(1, "users_own()"), origin=Origin.USER)),
        call(run(2, "agents()")),
    ]
    async with shown(ScriptedBridge(), events) as pilot:
        text = screen(pilot)
    assert "agents()" in text
    assert "users_own()" not in text


async def test_calls_in_a_kernel_that_an_agent_brought_in_are_shown_asked_about_and_stopped() -> (
    None
):
    bridge = ScriptedBridge()
    running = run(1, "1 + 1", State.RUNNING, kernel_id="k1", kernel="scratch")
    waiting = run(
        2, "2 + 2", State.WAITING_APPROVAL, kernel_id="k1", kernel="scratch", approval="a7"
    )
    async with shown(bridge, [ActivityChanged("k1", running)], A_WIDE) as pilot:
        bridge.kept_outputs[1] = (StreamOutput("stdout", "from elsewhere\n"),)
        bridge.on_event(OutputsChanged("k1", 1))
        await settled(pilot)
        seen = screen(pilot)
        await pilot.press("s")
        bridge.on_event(ActivityChanged("k1", waiting))
        await settled(pilot)
        asked = screen(pilot)
        await pilot.press("a")
        await settled(pilot)
    assert "scratch › 1 + 1" in seen
    assert "in scratch" in seen
    assert "from elsewhere" in seen
    assert ("outputs", "k1", 1) in bridge.asked
    assert ("interrupt", "k1", None) in bridge.asked
    assert "Claude Code wants to run this in scratch" in asked
    assert ("answer", "a7", Answer.ONCE) in bridge.asked


async def test_error_and_changes_are_told_in_full() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, scene(bridge)) as pilot:
        await pilot.press("up", "up", "up")
        await settled(pilot)
        changed = screen(pilot)
        await pilot.press("up")
        await settled(pilot)
        failed = screen(pilot)
    assert "changed: df (1000×4 → 1000×5)" in changed
    assert "new: ratio_mean (float)" in changed
    assert "AttributeError: 'DataFrame' object has no attribute 'bakground'" in failed


async def test_output_that_comes_later_is_shown_as_it_comes() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, [call(run(1, "fit()", State.RUNNING))]) as pilot:
        bridge.put_out(1, StreamOutput("stdout", "epoch 5\n"))
        await settled(pilot)
        assert "epoch 5" in screen(pilot)


async def test_reader_who_scrolls_up_in_growing_output_is_left_there() -> None:
    bridge = ScriptedBridge()
    lines = [f"line {number}\n" for number in range(100)]
    async with shown(bridge, [call(run(1, "fit()", State.RUNNING))]) as pilot:
        bridge.put_out(1, StreamOutput("stdout", "".join(lines[:80])))
        await settled(pilot)
        assert "line 79" in screen(pilot)
        pilot.app.query_one(Detail).scroll_to(y=0, animate=False, immediate=True)
        bridge.put_out(1, StreamOutput("stdout", "".join(lines)))
        await settled(pilot)
        assert "line 0" in screen(pilot)
        assert "line 99" not in screen(pilot)


async def test_what_went_wrong_with_the_share_is_told() -> None:
    bridge = ScriptedBridge()
    gone = replace(SHARE, state=ShareState.DEAD, detail="The kernel's process ended.")
    async with shown(bridge, [ShareChanged(gone)]) as pilot:
        text = screen(pilot)
        bridge.on_event(BridgeFailed("start_failed", "No socket can be made in /x."))
        await settled(pilot)
        failed = screen(pilot)
    assert "kernel ended" in text
    assert "The kernel's process ended." in text
    assert "No socket can be made in /x." in failed


async def test_markup_in_code_and_output_is_shown_as_it_is() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, [call(run(1, "x = d['[red]k[/]'][/]", State.RUNNING))]) as pilot:
        bridge.put_out(1, StreamOutput("stdout", "[bold]not markup[/bold] [/]\n"))
        await settled(pilot)
        text = screen(pilot)
    assert "x = d['[red]k[/]'][/]" in text
    assert "[bold]not markup[/bold] [/]" in text


async def test_nothing_that_agents_or_kernels_say_reaches_the_terminal_as_control_characters() -> (
    None
):
    hostile = "\x1b]52;c;cm0=\x07\x1b[2J\x9b2J\u202e"
    bridge = ScriptedBridge(replace(SHARE, title=f"fit{hostile}.py"))
    failed = ErrorSummary(f"Key{hostile}Error", hostile, f"line{hostile}")
    events = [
        ClientsChanged((replace(CLIENT, name=f"Claude{hostile}"),)),
        call(run(1, f"x = '{hostile}'\ny", State.ERROR, error=failed, client=hostile)),
        call(look(2, "inspect", f"df['{hostile}']")),
        call(run(3, f"z = '{hostile}'", State.RUNNING, changes=(Change(hostile, "new", hostile),))),
    ]
    async with shown(bridge, events, A_WIDE) as pilot:
        bridge.put_out(3, DisplayOutput({"text/plain": hostile}), DisplayOutput({hostile: ""}))
        await settled(pilot)
        screens = [screen(pilot)]
        for _ in range(2):
            await pilot.press("up")
            await settled(pilot)
            screens.append(screen(pilot))
        asking = run(4, hostile, State.WAITING_APPROVAL, approval="a", kernel=hostile)
        bridge.on_event(call(asking))
        bridge.on_event(BridgeFailed("start_failed", f"No socket{hostile}"))
        await settled(pilot)
        screens.append(screen(pilot))
    for text in screens:
        assert "⟨U+001B⟩" in text
        assert [each for each in text if unicodedata.category(each) in ("Cc", "Cf")] == ["\n"] * 29


async def test_ten_thousand_calls_are_kept_and_the_oldest_go_first() -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, [call(run(n, f"f({n})")) for n in range(1, 10_003)]) as pilot:
        assert "f(10002)" in screen(pilot)
        await pilot.press("home")
        await settled(pilot)
        assert "f(3)" in screen(pilot)


async def test_signal_from_outside_ends_the_view() -> None:
    async with shown(ScriptedBridge()) as pilot:
        view = pilot.app
        assert isinstance(view, ShareView)
        view.end()
        await settled(pilot)
        assert view._exit


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_key_ends_the_view(key: str) -> None:
    bridge = ScriptedBridge()
    async with shown(bridge, scene(bridge)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app._exit
