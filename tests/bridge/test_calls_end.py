"""No call hangs: whatever dies, each run ends with its outcome, none is run again, and the next one works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cokernel.errors import LinkDown
from cokernel.kernel import heartbeat, inkernel, zmq
from cokernel.kernel.link import LinkState
from cokernel.session import runs
from cokernel.session.activity import State
from cokernel.session.execution import Execution
from tests.support.kernels import KERNELS
from tests.support.owner import Owner, owner_of
from tests.support.sessions import Agents, agents_at, text_of

pytestmark = pytest.mark.live

COUNT = "open({path!r}, 'a').write('x')\n"


@pytest.fixture(params=KERNELS)
async def owner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Owner]:
    async with owner_of(request.param, tmp_path / "kernel") as started:
        yield started


@pytest.fixture
async def plain_owner(tmp_path: Path) -> AsyncIterator[Owner]:
    async with owner_of("ipykernel7", tmp_path / "kernel") as started:
        yield started


class Moments:
    """Runs that stand at one moment of their life each. Every run of code leaves an `x` in a file."""

    def __init__(self, agents: Agents, folder: Path) -> None:
        self._agents = agents
        self._file = folder / "runs"
        self.begun = 0

    @property
    def counted(self) -> int:
        """How often code has really run."""
        return len(self._file.read_text()) if self._file.exists() else 0

    def _begin(self, code: str) -> Execution:
        self.begun += 1
        return self._agents.begin(COUNT.format(path=str(self._file)) + code)

    async def running(self) -> Execution:
        execution = self._begin(
            "print('at work')\nimport time\nfor _ in range(6000): time.sleep(0.01)"
        )
        await self._agents.printed(execution, "at work")
        return execution

    async def in_c_code(self) -> Execution:
        execution = self._begin("print('at work', flush=True)\nimport time\ntime.sleep(60)")
        await self._agents.printed(execution, "at work")
        return execution

    async def flooding(self) -> Execution:
        execution = self._begin("while True: print('flood ' * 20)")
        await self._agents.printed(execution, "flood")
        return execution

    async def waiting_for_input(self) -> Execution:
        execution = self._begin("input('? ')")
        await self._agents.watcher.until(lambda: execution.state is State.WAITING_INPUT)
        return execution

    def begin_short(self) -> Execution:
        return self._begin("import time\ntime.sleep(0.02)")

    async def just_sent(self) -> Execution:
        return self._begin("import time\nfor _ in range(6000): time.sleep(0.01)")


MOMENTS: tuple[Callable[[Moments], Awaitable[Execution]], ...] = (
    Moments.running,
    Moments.in_c_code,
    Moments.flooding,
    Moments.waiting_for_input,
    Moments.just_sent,
)
by_moment = pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)


async def works_again(agents: Agents) -> None:
    """The next call works, once the link has come back."""
    await agents.watcher.until(lambda: agents.session.link.state is LinkState.UP)
    execution = await agents.run("print('works')")
    assert (execution.state, text_of(execution)) == (State.OK, "works\n")


def test_our_own_deadlines_leave_room_for_a_slow_machine():
    silence = heartbeat.BEAT_EVERY_S + heartbeat.SILENT_AFTER_S + heartbeat.SECOND_LOOK_S
    broken = zmq.BROKEN_GRACE_S
    last_message = runs.LAST_MESSAGE_GRACE_S
    changes = inkernel.LOOK_TIMEOUT_S
    assert max(silence, broken + changes, last_message + changes) <= 4.3


async def die_and_come_back(
    owner: Owner, folder: Path, moments: tuple[Callable[[Moments], Awaitable[Execution]], ...]
) -> None:
    async with agents_at(owner.connection_file) as agents:
        standing = Moments(agents, folder)
        for moment in moments:
            execution = await moment(standing)
            waiting = agents.begin("never = True")
            owner.send(signal.SIGKILL)
            entry = await agents.ended(execution)
            assert entry.state is State.LOST, (moment, entry)
            assert entry.reason == "The kernel's process ended. It may have partly run."
            assert (await agents.ended(waiting)).state is State.ABORTED
            with pytest.raises(LinkDown):
                agents.begin("x = 1")
            before = standing.counted
            await owner.restart(now=True)
            await works_again(agents)
            assert await agents.value("'never' in globals()") == "False"
            assert standing.counted == before <= standing.begun


async def test_runs_end_when_the_kernel_is_killed(owner: Owner, tmp_path: Path):
    await die_and_come_back(owner, tmp_path, (Moments.running,))


@pytest.mark.slow
async def test_runs_end_when_the_kernel_is_killed_at_any_moment(owner: Owner, tmp_path: Path):
    await die_and_come_back(owner, tmp_path, MOMENTS)


@pytest.mark.slow
async def test_a_run_that_is_finishing_when_the_kernel_dies_ends_once(
    plain_owner: Owner, tmp_path: Path
):
    """From before its code is through to after its reply: it is `ok` or `lost`, and never run again."""
    async with agents_at(plain_owner.connection_file) as agents:
        standing = Moments(agents, tmp_path)
        for after_s in (0.0, 0.01, 0.02, 0.03):
            execution = standing.begin_short()
            await agents.watcher.until(lambda run=execution: run.state is not State.QUEUED)
            await asyncio.sleep(after_s)  # the moment at which it dies
            plain_owner.send(signal.SIGKILL)
            assert (await agents.ended(execution)).state in (State.OK, State.LOST)
            await plain_owner.restart(now=True)
            await works_again(agents)
            assert standing.counted <= standing.begun


async def test_runs_end_when_the_owner_restarts_the_kernel(owner: Owner, tmp_path: Path):
    async with agents_at(owner.connection_file) as agents:
        execution = await Moments(agents, tmp_path).waiting_for_input()
        waiting = agents.begin("never = True")
        restarting = asyncio.create_task(owner.restart())
        entry = await agents.ended(execution)
        assert entry.state in (State.RESTARTED, State.LOST), entry
        assert (await agents.ended(waiting)).state is State.ABORTED
        await restarting
        await works_again(agents)
        assert await agents.value("'never' in globals()") == "False"


async def test_runs_end_when_the_owner_shuts_the_kernel_down(owner: Owner, tmp_path: Path):
    async with agents_at(owner.connection_file) as agents:
        execution = await Moments(agents, tmp_path).running()
        ending = asyncio.create_task(owner.shut_down(now=True))
        assert (await agents.ended(execution)).state is State.LOST
        await ending
        await agents.watcher.until(lambda: agents.session.link.state is LinkState.DEAD)
        with pytest.raises(LinkDown, match="Nothing was run"):
            agents.begin("x = 1")


async def test_a_stopped_kernel_loses_the_run_and_goes_on_unconfused(owner: Owner):
    async with agents_at(owner.connection_file) as agents:
        await agents.settled()
        lost = agents.begin(
            "import time\nprint('at work')\ntime.sleep(0.5)\nlate = 'ran on'\nprint(late)"
        )
        await agents.printed(lost, "at work")
        owner.send(signal.SIGSTOP)
        entry = await agents.ended(lost)
        assert entry.state is State.LOST
        assert "stopped" in entry.reason
        with pytest.raises(LinkDown):
            agents.begin("x = 1")
        owner.send(signal.SIGCONT)
        await works_again(agents)
        assert await agents.value("late") == "'ran on'"
        assert lost.state is State.LOST
        assert text_of(lost) == "at work\nran on\n"


async def test_a_run_sent_to_a_kernel_that_just_stopped_runs_once(
    plain_owner: Owner, tmp_path: Path
):
    async with agents_at(plain_owner.connection_file) as agents:
        await agents.settled()
        moments = Moments(agents, tmp_path)
        plain_owner.send(signal.SIGSTOP)
        lost = moments._begin("print('late')")
        assert (await agents.ended(lost)).state is State.LOST
        plain_owner.send(signal.SIGCONT)
        await works_again(agents)
        assert moments.counted == 1


@by_moment
async def test_unsharing_ends_runs_within_a_second_at_any_moment(
    plain_owner: Owner, tmp_path: Path, moment: Callable[[Moments], Awaitable[Execution]]
):
    async with agents_at(plain_owner.connection_file) as agents:
        await agents.settled()
        execution = await moment(Moments(agents, tmp_path))
        waiting = agents.begin("never = True")
        await asyncio.wait_for(agents.session.close("It is not shared any more."), 1.5)
        assert execution.state in (State.INTERRUPTED, State.LOST), execution.entry
        assert waiting.state is State.ABORTED
        with pytest.raises(LinkDown, match="not shared any more"):
            agents.begin("x = 1")


class TcpProxy:
    """Forwards one port, as an ssh tunnel does; it can stop forwarding, or break its connections."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def hold(self) -> None:
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def break_connections(self) -> None:
        """What was under way is lost."""
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.break_connections()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:  # its kernel is gone
            writer.close()
            return
        self._writers |= {writer, there_writer}
        for one, other in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._forward(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def tunnel(plain_owner: Owner) -> AsyncIterator[tuple[dict[str, int], list[TcpProxy]]]:
    """What the connection file of the tunnelled kernel says differently, and its five proxies."""
    connection = json.loads(plain_owner.connection_file.read_text())
    proxies, ports = [], {}
    for name in ("shell", "iopub", "stdin", "control", "hb"):
        proxy = TcpProxy(connection[f"{name}_port"])
        ports[f"{name}_port"] = await proxy.open()
        proxies.append(proxy)
    yield ports, proxies
    for proxy in proxies:
        await proxy.close()


@pytest.mark.slow
@by_moment
async def test_runs_end_when_the_connection_is_half_open(
    plain_owner: Owner,
    tunnel: tuple[dict[str, int], list[TcpProxy]],
    tmp_path: Path,
    moment: Callable[[Moments], Awaitable[Execution]],
):
    ports, proxies = tunnel
    async with agents_at(plain_owner.connection_file, **ports) as agents:
        await agents.settled()
        moments = Moments(agents, tmp_path)
        execution = await moment(moments)
        for proxy in proxies:
            proxy.hold()
        assert (await agents.ended(execution)).state is State.LOST
        # Whatever the agent started goes on there; its owner ends it, so that the kernel is free.
        plain_owner.send(signal.SIGINT)
        for proxy in proxies:
            proxy.break_connections()
            proxy.flow()
        await works_again(agents)
        assert moments.counted <= 1


async def test_a_run_that_a_broken_connection_swallowed_ends(
    plain_owner: Owner, tunnel: tuple[dict[str, int], list[TcpProxy]], tmp_path: Path
):
    ports, proxies = tunnel
    async with agents_at(plain_owner.connection_file, **ports) as agents:
        await agents.settled()
        moments = Moments(agents, tmp_path)
        proxies[0].hold()
        swallowed = await moments.just_sent()
        proxies[0].break_connections()
        proxies[0].flow()
        assert (await agents.ended(swallowed)).state is State.LOST
        await works_again(agents)
        assert moments.counted == 0


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "import os; os.closerange(3, 256)",
    ],
)
async def test_code_that_destroys_its_kernel_ends(plain_owner: Owner, code: str):
    async with agents_at(plain_owner.connection_file) as agents:
        await agents.settled()
        execution = agents.begin(code)
        assert (await agents.ended(execution)).state is State.LOST
        await plain_owner.restart(now=True)
        await works_again(agents)


async def test_code_that_quits_ends_ok_and_the_kernel_is_seen_to_be_gone(plain_owner: Owner):
    async with agents_at(plain_owner.connection_file) as agents:
        await agents.settled()
        execution = agents.begin("quit()")
        assert (await agents.ended(execution)).state in (State.OK, State.LOST)
        await agents.watcher.until(lambda: agents.session.link.state is LinkState.DEAD)


async def test_code_that_forks_ends_once(plain_owner: Owner, tmp_path: Path):
    async with agents_at(plain_owner.connection_file) as agents:
        await agents.settled()
        execution = agents.begin(
            "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)\nprint('parent')"
        )
        entry = await agents.ended(execution)
        assert (entry.state, text_of(execution)) == (State.OK, "parent\n")
        await works_again(agents)
