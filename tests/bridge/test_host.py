"""`BridgeHost` as an IDE uses it, with real agents that come in through the front."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from cokernel import shares
from cokernel.errors import CokernelError, ShareLost, Unknown
from cokernel.host import (
    Activity,
    ActivityChanged,
    Answer,
    BridgeHost,
    Event,
    Mode,
    Origin,
    ShareChanged,
    ShareInfo,
    ShareState,
    State,
)
from tests.support.front_client import FrontClient
from tests.support.kernels import Kernel, UserClient, start_kernel, user_client
from tests.support.owner import owner_of
from tests.support.sessions import END_S, PATIENCE_S, agents_at

pytestmark = pytest.mark.live

T = TypeVar("T")


class Ide:
    """A program that shares kernels: what it is told, and how it waits."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.host = BridgeHost(ide="Test", on_event=self._take)
        self.host.start()

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self._loop.call_soon_threadsafe(self._news.set)

    async def done(self, future: Future[T], timeout_s: float = PATIENCE_S) -> T:
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout_s)

    async def share(self, kernel: Kernel | Path, **options: Any) -> str:
        path = kernel if isinstance(kernel, Path) else kernel.connection_file
        options = {"title": "Console 1/A", "mode": Mode.FREE, **options}
        return (await self.done(self.host.share(str(path), **options))).share_id

    async def until(self, condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        async def wait() -> None:
            while not condition():
                self._news.clear()
                await self._news.wait()

        try:
            await asyncio.wait_for(wait(), timeout_s)
        except asyncio.TimeoutError:
            raise AssertionError(f"waited in vain; the last events: {self.events[-8:]}") from None

    def runs(self) -> list[Activity]:
        """The newest step of each run of an agent."""
        steps = [e.activity for e in list(self.events) if isinstance(e, ActivityChanged)]
        last = {s.number: s for s in steps if s.origin is Origin.AGENT}
        return [last[number] for number in sorted(last)]

    async def run_stands(self, state: State) -> Activity:
        """Wait until the newest run is in `state`."""
        await self.until(lambda: self.runs() and self.runs()[-1].state is state)
        return self.runs()[-1]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A state folder of this test's own, for the bridge here and for the fronts."""
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "state"))
    return {"COKERNEL_STATE_DIR": str(tmp_path / "state")}


@pytest.fixture
async def ide(state: dict[str, str]) -> AsyncIterator[Ide]:
    running = Ide()
    yield running
    assert await asyncio.to_thread(running.host.stop, 10.0)


def until_there(gate: Path) -> str:
    """Code that is at work until this file exists."""
    waiting = f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)"
    return f"import pathlib, time\nprint('at work')\n{waiting}"


LOOP = "import time\nprint('at work', flush=True)\nwhile True: time.sleep(0.01)"


async def test_twenty_calls_at_once_of_two_agents_beside_the_user(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    await ide.share(plain_kernel)
    async with FrontClient(**state) as one, FrontClient(modern=False, **state) as two:
        calls = [
            await (one, two)[n % 2].begin_call("execute_code", code=f"print('call {n}')")
            for n in range(20)
        ]
        cell = await plain_user.run("print('user')")
        for n, call in enumerate(calls):
            answer = await asyncio.wait_for(call, PATIENCE_S)
            assert f"\ncall {n}\n" in answer["result"]["content"][0]["text"] + "\n"
    assert cell.text == "user\n"


async def test_cancelling_the_request_interrupts_the_run(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    await ide.share(plain_kernel)
    async with FrontClient(**state) as agent:
        call = await agent.begin_call("execute_code", code=LOOP)
        await ide.run_stands(State.RUNNING)
        await agent.cancel(call)
        await ide.run_stands(State.INTERRUPTED)
        assert "2" in await agent.run("1 + 1")


async def test_cancelling_a_request_that_waits_takes_its_run_back(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str], tmp_path: Path
):
    await ide.share(plain_kernel)
    async with FrontClient(**state) as agent:
        await agent.run("pass")
        gate = tmp_path / "gate"
        cell = plain_user.begin(until_there(gate))
        await cell.printed("at work")
        call = await agent.begin_call("execute_code", code="ran = True")
        await ide.run_stands(State.QUEUED)
        await agent.cancel(call)
        await ide.run_stands(State.ABORTED)
        gate.touch()
        assert (await cell.done())["status"] == "ok"
        assert await plain_user.value("'ran' in globals()") == "False"


@pytest.mark.parametrize("mode", [Mode.FREE, Mode.ASK])
async def test_unsharing_answers_the_call_at_once(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str], mode: Mode
):
    share = await ide.share(plain_kernel, mode=mode)
    async with FrontClient(**state) as agent:
        call = await agent.begin_call("execute_code", code=LOOP)
        await ide.run_stands(State.RUNNING if mode is Mode.FREE else State.WAITING_APPROVAL)
        await ide.done(ide.host.unshare(share, "Console 1/A was closed."), 3)
        answer = await asyncio.wait_for(call, END_S)
        assert "Console 1/A was closed." in str(answer)
        assert ide.runs()[-1].state.is_final
        assert "error" in (await agent.run("1 + 1"))
    assert list((Path(state["COKERNEL_STATE_DIR"]) / "shares").glob("*.json")) == []
    assert await plain_user.value("1") == "1"


async def test_an_agent_asks_once_for_each_connection(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    await ide.share(plain_kernel, mode=Mode.ASK)
    async with FrontClient(**state) as agent:
        call = await agent.begin_call("execute_code", code="1 + 1")
        asked = await ide.run_stands(State.WAITING_APPROVAL)
        await ide.done(ide.host.answer(asked.approval, Answer.ALWAYS))
        assert "2" in str(await asyncio.wait_for(call, PATIENCE_S))
        assert "4" in await agent.run("2 + 2")
    async with FrontClient(**state) as agent:
        call = await agent.begin_call("execute_code", code="3 + 3")
        asked = await ide.run_stands(State.WAITING_APPROVAL)
        await ide.done(ide.host.answer(asked.approval, Answer.DENY))
        assert "denied" in str(await asyncio.wait_for(call, PATIENCE_S))


async def test_a_front_that_is_killed_takes_its_run_with_it(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    await ide.share(plain_kernel)
    async with FrontClient(**state) as agent:
        await agent.begin_call("execute_code", code=LOOP)
        await ide.run_stands(State.RUNNING)
        agent.process.kill()
        await ide.run_stands(State.INTERRUPTED)
    async with FrontClient(**state) as agent:
        assert "2" in await agent.run("1 + 1")


CLIENT = """
import asyncio, os, sys
from mcp import Client, StdioServerParameters

async def main():
    front = StdioServerParameters(command=sys.executable, args=["-m", "cokernel"], env=dict(os.environ))
    async with Client(front) as client:
        await client.call_tool("execute_code", {"code": sys.argv[1]})

asyncio.run(main())
"""


async def test_a_client_that_is_killed_takes_its_front_and_its_run_with_it(
    ide: Ide, plain_kernel: Kernel, state: dict[str, str]
):
    await ide.share(plain_kernel)
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, LOOP, env={**os.environ, **state}
    )
    await ide.run_stands(State.RUNNING)
    (front,) = psutil.Process(client.pid).children()
    client.kill()
    await client.wait()
    await ide.run_stands(State.INTERRUPTED)
    await asyncio.to_thread(psutil.wait_procs, [front], END_S)
    assert not front.is_running()


BRIDGE = """
import sys
from cokernel.host import BridgeHost, Mode
host = BridgeHost(ide="Test", on_event=lambda event: None)
host.start()
print(host.share(sys.argv[1], title="Console 1/A", mode=Mode.FREE).result(30).share_id, flush=True)
sys.stdin.read()
"""


async def test_a_bridge_that_is_killed_leaves_the_call_answered_and_the_kernel_alive(
    plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str], tmp_path: Path
):
    bridge = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BRIDGE,
        str(plain_kernel.connection_file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **state},
    )
    assert bridge.stdout is not None
    assert await asyncio.wait_for(bridge.stdout.readline(), PATIENCE_S)
    async with FrontClient(**state) as agent:
        assert "ok" in await agent.run("import time")
        os.mkfifo(tmp_path / "began")
        call = await agent.begin_call(
            "execute_code",
            code=f"open({str(tmp_path / 'began')!r}, 'w').close()\ntime.sleep(1)\nlate = 1",
        )
        await asyncio.to_thread((tmp_path / "began").read_text)
        bridge.kill()
        answer = await asyncio.wait_for(call, END_S)
        assert "partly run" in str(answer)
    await bridge.wait()
    bridge._transport.close()  # type: ignore[attr-defined]  # asyncio keeps its pipes until it is collected
    assert await plain_user.value("late") == "1"


async def test_the_owner_restarts_and_the_share_goes_on(
    ide: Ide, state: dict[str, str], tmp_path: Path
):
    async with owner_of("ipykernel7", tmp_path / "kernel") as owner:
        share = await ide.share(owner.connection_file)
        async with FrontClient(**state) as agent:
            await agent.run("x = 1")
            ide.host.restarted(share, "Console 1/A was restarted.")
            await owner.restart(now=True)
            await ide.until(lambda: _states(ide)[-1] is ShareState.UP and len(_states(ide)) > 2)
            text = await agent.run("'x' in globals()")
            assert "False" in text
            assert "restarted since your last call" in text


def _states(ide: Ide) -> list[ShareState]:
    return [e.share.state for e in list(ide.events) if isinstance(e, ShareChanged)]


async def test_retarget_lets_the_old_run_end_and_sends_new_ones_to_the_new_kernel(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str], tmp_path: Path
):
    share = await ide.share(plain_kernel)
    with start_kernel("running", tmp_path / "second") as second:
        async with user_client(second) as other_user, FrontClient(**state) as agent:
            call = await agent.begin_call(
                "execute_code", code="import time\ntime.sleep(1)\nprint('old kernel')"
            )
            await ide.run_stands(State.RUNNING)
            path = str(second.connection_file)
            await ide.done(ide.host.retarget(share, path, title="Console 2/A"))
            assert "Console 2/A" in await agent.run("here = 2")
            assert "old kernel" in str(await asyncio.wait_for(call, PATIENCE_S))
            assert await other_user.value("here") == "2"
            assert await plain_user.value("'here' in globals()") == "False"
            await ide.done(ide.host.rename(share, "Data"))
            assert "Data · Test" in await agent.run("1")


async def test_what_waits_in_a_kernel_that_was_left_is_still_the_persons_to_answer(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str], tmp_path: Path
):
    share = await ide.share(plain_kernel, mode=Mode.ASK)
    with start_kernel("running", tmp_path / "second") as second:
        async with FrontClient(**state) as agent:
            call = await agent.begin_call("execute_code", code="ran = True")
            waiting = await ide.run_stands(State.WAITING_APPROVAL)
            path = str(second.connection_file)
            await ide.done(ide.host.retarget(share, path, title="Console 2/A"))
            await ide.done(ide.host.answer(waiting.approval, Answer.DENY))
            assert "denied" in str(await asyncio.wait_for(call, PATIENCE_S))
    assert await plain_user.value("'ran' in globals()") == "False"


async def test_look_only_and_pause_hold_in_a_kernel_that_was_left_too(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str], tmp_path: Path
):
    share = await ide.share(plain_kernel)
    with start_kernel("running", tmp_path / "second") as second:
        async with FrontClient(**state) as agent:
            await agent.run("pass")
            gate = tmp_path / "gate"
            cell = plain_user.begin(until_there(gate))
            await cell.printed("at work")
            call = await agent.begin_call("execute_code", code="ran = True")
            await ide.run_stands(State.QUEUED)
            await ide.done(ide.host.pause(share, True))
            path = str(second.connection_file)
            paused = await ide.done(ide.host.retarget(share, path, title="Console 2/A"))
            assert paused.paused
            gate.touch()
            await cell.done()
            await ide.until(lambda: ide.runs()[-1].reason == "paused by you")
            await ide.done(ide.host.set_mode(share, Mode.LOOK))
            await ide.done(ide.host.pause(share, False))
            assert "Look only" in str(await asyncio.wait_for(call, PATIENCE_S))
    assert await plain_user.value("'ran' in globals()") == "False"


async def test_the_newest_wish_for_a_share_wins(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, tmp_path: Path
):
    share = await ide.share(plain_kernel)
    dead = tmp_path / "dead.json"
    dead.write_text(
        plain_kernel.connection_file.read_text().replace('"shell_port": ', '"shell_port": 1')
    )
    dead.chmod(0o600)
    slow = ide.host.retarget(share, str(dead), title="Console 2/A")
    back = ide.host.retarget(share, str(plain_kernel.connection_file), title="Console 3/A")
    assert (await ide.done(back)).title == "Console 3/A"
    ide.host.unshare(share)
    with pytest.raises(ShareLost):
        await ide.done(slow)
    with pytest.raises(Unknown):
        await ide.done(ide.host.rename(share, "x"))


async def test_an_event_that_the_ide_cannot_take_stops_nothing(
    plain_kernel: Kernel,
    plain_user: UserClient,
    state: dict[str, str],
    caplog: pytest.LogCaptureFixture,
):
    def fail(event: Event) -> None:
        raise ValueError("no")

    host = BridgeHost(ide="Test", on_event=fail)
    host.start()
    try:
        share = host.share(str(plain_kernel.connection_file), title="Console 1/A", mode=Mode.FREE)
        await asyncio.wait_for(asyncio.wrap_future(share), PATIENCE_S)
        async with FrontClient(**state) as agent:
            assert "2" in await agent.run("1 + 1")
    finally:
        assert await asyncio.to_thread(host.stop, 10.0)
    assert "the IDE could not take an event" in caplog.text


def left_behind() -> tuple[int, int]:
    """Open file descriptors and threads of this process."""
    return psutil.Process().num_fds(), threading.active_count()


@pytest.mark.skipif(os.name == "nt", reason="counts file descriptors")
async def test_sharing_a_hundred_times_leaves_nothing(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    async def once() -> None:
        await ide.done(ide.host.unshare(await ide.share(plain_kernel)))

    for _ in range(3):
        await once()
    fds, threads = left_behind()
    for _ in range(100):
        await once()
    after_fds, after_threads = left_behind()
    # Sockets and threads of the last few may still be closing, in ZeroMQ's background.
    assert after_fds < fds + 90
    assert after_threads < threads + 10
    assert list((Path(state["COKERNEL_STATE_DIR"]) / "shares").iterdir()) == []
    assert "_cokernel" not in await plain_user.value(
        "(list(get_ipython().kernel.control_handlers), get_ipython().events.callbacks)"
    )


async def test_stopping_the_host_ends_its_thread_and_its_socket(
    plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    ide = Ide()
    await ide.share(plain_kernel)
    async with FrontClient(**state) as agent:
        await agent.begin_call("execute_code", code=LOOP)
        await ide.run_stands(State.RUNNING)
        began = time.monotonic()
        assert await asyncio.to_thread(ide.host.stop, 10.0)
        assert time.monotonic() - began < END_S
    # A kernel on a busy machine may not have noticed within the second that sharing takes to stop.
    assert ide.runs()[-1].state in (State.INTERRUPTED, State.LOST)
    assert "cokernel" not in [thread.name for thread in threading.enumerate()]
    assert not any(path.is_socket() for path in Path(state["COKERNEL_STATE_DIR"]).rglob("*"))
    with pytest.raises(CokernelError, match="not running"):
        ide.host.share(str(plain_kernel.connection_file), title="x").result(1)


async def test_a_client_that_is_stopped_holds_up_nobody_else(
    ide: Ide, plain_kernel: Kernel, plain_user: UserClient, state: dict[str, str]
):
    await ide.share(plain_kernel)
    async with FrontClient(**state) as stopped, FrontClient(**state) as agent:
        await stopped.run("pass")
        stopped.process.send_signal(signal.SIGSTOP)
        try:
            await stopped.begin_call("execute_code", code="print('x' * 5000)")
            assert "2" in await agent.run("1 + 1")
        finally:
            stopped.process.send_signal(signal.SIGCONT)


async def test_a_record_that_cannot_be_removed_keeps_nobody_in(
    plain_kernel: Kernel, ide: Ide
) -> None:
    share = await ide.share(plain_kernel)
    async with FrontClient() as agent:
        await agent.run("1")
        record = Path(shares.state_folder(), "shares", f"{share}.json")
        record.unlink()
        record.mkdir()
        await ide.done(ide.host.unshare(share, "Console 1/A was closed."))
        assert "Console 1/A was closed." in await agent.run("1")


async def test_a_disk_that_stalls_holds_up_no_call_and_has_the_truth_at_last(
    ide: Ide, plain_kernel: Kernel, state: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    share = await ide.share(plain_kernel)
    sync, answers = os.fsync, threading.Event()

    def stalled(descriptor: int) -> None:
        answers.wait(60)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", stalled)
    try:
        async with FrontClient(**state) as agent:
            assert "Out[" in await agent.call("execute_code", code="1 + 1")
            slow = await ide.done(ide.host.set_mode(share, Mode.LOOK), END_S)
            assert "the disk does not answer" in slow.detail
            assert "[denied]" in await agent.call("execute_code", code="1 + 1")
            await ide.done(ide.host.rename(share, "Console 2/A"), END_S)
    finally:
        answers.set()
    await ide.until(lambda: shares_told(ide)[-1].detail == "")
    (record,) = shares.list_shares()
    assert (record.mode, record.title) == ("look", "Console 2/A")


def shares_told(ide: Ide) -> list[ShareInfo]:
    return [event.share for event in list(ide.events) if isinstance(event, ShareChanged)]


async def test_a_bridge_stops_in_time_though_the_disk_stalls(
    ide: Ide, plain_kernel: Kernel, monkeypatch: pytest.MonkeyPatch
):
    await ide.share(plain_kernel)
    unlink, answers = os.unlink, threading.Event()

    def stalled(path: str, **options: Any) -> None:
        if path.endswith(".json"):
            answers.wait(60)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", stalled)
    try:
        assert await asyncio.to_thread(ide.host.stop, 5.0)
    finally:
        answers.set()


async def test_sharing_again_in_a_stricter_mode_makes_it_stricter(
    plain_kernel: Kernel, ide: Ide
) -> None:
    share = await ide.share(plain_kernel, mode=Mode.FREE)
    await ide.share(plain_kernel, mode=Mode.LOOK, share_id=share)
    async with FrontClient() as agent:
        assert "look only" in await agent.run("1")


async def test_a_mode_that_changes_while_another_kernel_is_connected_holds_from_its_first_moment(
    plain_kernel: Kernel, tmp_path: Path
) -> None:
    async with agents_at(plain_kernel.connection_file, mode=Mode.FREE) as agents:
        with start_kernel("running", tmp_path / "other") as other:
            async with user_client(other):
                attaching = asyncio.create_task(
                    agents.bridge.attach(
                        other.connection,
                        connection_file=None,
                        title="Console 2/A",
                        kernel_id="share",
                        mode=Mode.FREE,
                    )
                )
                await asyncio.sleep(0)  # it has begun
                agents.session.set_mode(Mode.LOOK)
                assert (await attaching).mode is Mode.LOOK


async def test_whatever_is_asked_while_the_bridge_ends_is_answered(
    plain_kernel: Kernel, state: dict[str, str]
) -> None:
    ide = Ide()
    share = await ide.share(plain_kernel)
    early = [ide.host.variables(share) for _ in range(20)]
    ide.host.stop(0)
    late = [ide.host.interrupt(share) for _ in range(20)]
    for future in [*early, *late]:
        try:
            await ide.done(future, END_S)
        except CokernelError:
            continue
    assert await asyncio.to_thread(ide.host.stop, 10.0)
