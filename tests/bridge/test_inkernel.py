"""The helper in real kernels, seen through `Helper` and by the person at the console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cokernel.errors import BadRequest, CannotLook
from cokernel.kernel.inkernel import Change, Helper, package_name
from tests.support.kernels import Kernel, Run, UserClient
from tests.support.looking import Agent, agent_at

pytestmark = pytest.mark.live


@pytest.fixture
async def agent(kernel: Kernel, user: UserClient) -> AsyncIterator[Agent]:
    """A bridge whose helper is in the kernel."""
    async with agent_at(kernel) as ready:
        yield ready


async def test_a_listing_tells_type_shape_size_and_preview(user: UserClient, agent: Agent):
    await user.run(
        "import numpy as np, pandas as pd\n"
        "frame = pd.DataFrame({'a': range(1000), 'b': 1.5})\n"
        "array = np.zeros((3, 4))\n"
        "words = ['one', 'two']\n"
        "text = 'x' * 500\n"
        "def double(x, times=2): return x * times\n"
    )
    listing = await agent.helper.variables()
    seen = {v.name: (v.type, v.shape, v.size_bytes) for v in listing.variables}
    assert seen["frame"] == ("pandas.DataFrame", "1000×2", 16_000)
    assert seen["array"] == ("numpy.ndarray", "3×4", 96)
    assert seen["words"][:2] == ("list", "len 2")
    assert listing.total == len(listing.variables) == 5
    assert listing.modules == ("np = numpy", "pd = pandas")
    previews = {v.name: v.preview for v in listing.variables}
    assert previews["words"] == "['one', 'two']"
    assert previews["double"] == "double(x, times=2)"
    assert len(previews["text"]) <= 80


async def test_a_listing_has_pages_and_patterns(user: UserClient, agent: Agent):
    await user.run("for i in range(25): globals()[f'item_{i:02}'] = i\ndel i\nother = 1")
    page = await agent.helper.variables(limit=10, offset=20)
    assert (page.total, page.offset) == (26, 20)
    assert [v.name for v in page.variables] == [f"item_{i}" for i in range(20, 25)] + ["other"]
    assert (await agent.helper.variables(pattern="ITEM_1*")).total == 10
    assert (await agent.helper.variables(pattern="the")).variables[0].name == "other"


async def test_looks_leave_history_counters_and_names_untouched(user: UserClient, kernel: Kernel):
    state = "(len(In), len(Out), _, get_ipython().execution_count, sorted(globals()))"
    await user.run("import sys\nx = [1]\nx")
    await user.run("x")
    before = await user.value(state)
    foreign = "sorted(m for m in sys.modules if m.partition('.')[0] not in sys.stdlib_module_names)"
    modules = await user.value(foreign)
    async with agent_at(kernel) as agent:
        await agent.helper.variables()
        await agent.helper.describe("x")
        await agent.helper.running()
        await agent.helper.changes_since_mark()
        assert await user.value(state) == before
        await agent.helper.remove()
    assert await user.value(state) == before
    assert await user.value(foreign) == modules
    assert not noticed_by(user)


def noticed_by(user: UserClient) -> list[str]:
    """Messages that a console would show, other than the cells' own."""
    quiet = {"status", "execute_input", "execute_result", "iopub_welcome"}
    return [f"{m['msg_type']} {m['content']}" for m in user.iopub if m["msg_type"] not in quiet]


async def test_nothing_of_ours_is_left_after_removal(user: UserClient, agent: Agent):
    assert package_name() + "_request" in await user.value(
        "list(get_ipython().kernel.control_handlers)"
    )
    await agent.helper.describe("len")
    await agent.helper.remove()
    await user.run("import gc, sys, threading")
    left = await user.value(
        "([k for k in get_ipython().kernel.control_handlers if 'cokernel' in k],"
        " [c for cs in get_ipython().events.callbacks.values() for c in cs if 'cokernel' in c.__module__],"
        " [m for m in sys.modules if 'cokernel' in m],"
        " [t.name for t in threading.enumerate() if 'cokernel' in t.name],"
        " [k for k in globals() if 'cokernel' in k])"
    )
    assert left == "([], [], [], [], [])"
    assert not agent.helper.ready
    with pytest.raises(CannotLook):
        await agent.helper.variables()


async def test_the_helper_stays_until_the_last_bridge_leaves(
    user: UserClient, agent: Agent, kernel: Kernel
):
    async with agent_at(kernel) as second:
        await agent.helper.remove()
        await user.run("shared = 1")
        assert (await second.helper.variables()).total == 1
    assert "cokernel" not in await user.value("list(get_ipython().kernel.control_handlers)")


async def test_the_helper_goes_when_its_only_bridge_was_killed(user: UserClient, kernel: Kernel):
    async with agent_at(kernel, pid=2**22 - 3) as agent:
        await agent.run("1")
        # What a minute without the bridge does, without the minute.
        await user.run(
            "_h = next(h for n, h in get_ipython().kernel.control_handlers.items() if 'cokernel' in n)\n"
            "_h.__self__._owners._pruned -= 3600; del _h"
        )
        assert "cokernel" not in await user.value("list(get_ipython().kernel.control_handlers)")


BUSY = {
    "python": ("", "pass"),
    "sleep": ("import time", "time.sleep(0.5)"),
    "numpy": ("import numpy\na = numpy.random.rand(300_000)", "numpy.sort(a)"),
    "pandas": (
        "import pandas\nd = pandas.DataFrame({'k': [i % 999 for i in range(300_000)], 'v': 1.0})",
        "d.groupby('k').v.mean()",
    ),
}


@pytest.mark.parametrize("kind", BUSY)
async def test_looks_answer_while_the_users_cell_runs(kind: str, user: UserClient, agent: Agent):
    await user.run("stop = []\nknown = {'a': 1}")
    prepare, work = BUSY[kind]
    cell = user.begin(f"{prepare}\nprint('begun', flush=True)\nwhile not stop: {work}")
    await cell.printed("begun")
    names = [v.name for v in (await agent.helper.variables()).variables]
    assert {"known", "stop"} <= set(names)
    assert "a: 1" in (await agent.helper.describe("known")).text
    running = await agent.helper.running()
    assert (running.busy, running.is_ours, running.msg_id) == (True, False, cell.msg_id)
    assert running.frames[0].file == "cell"
    assert "stop" in running.frames[0].source
    assert not await agent.helper.interrupt_if(cell.msg_id)
    user.send("control", "interrupt_request", {})
    assert (await cell.done())["ename"] == "KeyboardInterrupt"


async def test_c_code_that_holds_the_interpreter_gives_a_clear_answer(
    user: UserClient, agent: Agent
):
    # A function called through `PyDLL` keeps the interpreter, as a regular expression that backtracks does.
    # The short sleep lets ipykernel's output thread send what was printed before that.
    cell = user.begin(
        "import ctypes, time\nprint('begun', flush=True)\ntime.sleep(0.5)\nctypes.PyDLL(None).sleep(6)"
    )
    await cell.printed("begun")
    with pytest.raises(CannotLook, match="holds the Python interpreter"):
        await look_while_it_runs(agent, cell)
    assert (await cell.done())["status"] == "ok"
    assert (await agent.helper.running()).msg_id is None


async def look_while_it_runs(agent: Agent, cell: Run) -> None:
    """Again and again: the cell has yet to go from its `print` into its C code."""
    while not cell.idle:
        await agent.helper.running()


async def test_a_pending_input_survives_looks(user: UserClient, agent: Agent):
    cell = user.begin("name = input('who? ')")
    request = await user.input_requested()
    running = await agent.helper.running()
    assert running.waiting_for_input
    await agent.helper.variables()
    await agent.helper.describe("len")
    user.answer(request, "ada")
    assert (await cell.done())["status"] == "ok"
    assert await user.value("name") == "'ada'"
    assert not (await agent.helper.running()).waiting_for_input


async def test_a_half_drawn_figure_survives_looks(user: UserClient, agent: Agent):
    await user.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nstop = []")
    cell = user.begin(
        "plt.plot([1, 2])\nprint('half', flush=True)\nname = input('go on? ')\n_ = plt.title('whole')"
    )
    request = await user.input_requested()
    await agent.helper.variables()
    await agent.helper.describe("plt")
    await agent.helper.running()
    user.answer(request, "yes")
    await cell.done()
    assert len(cell.outputs("display_data")) == 1


async def test_a_run_tells_what_it_changed(agent: Agent):
    await agent.run(
        "import numpy as np\nkept = 1\ngone = 2\nitems = [1]\nbig = np.zeros(5_000_000)"
    )
    changes = await agent.run("del gone\nitems.append(2)\nkept = 1\nbig[123] = 1.0\nfresh = 'x'")
    assert changes == (
        Change("fresh", "new", "str len 1"),
        Change("gone", "removed", "2"),
        Change("items", "mutated", "list len 1 → list len 2"),
        Change("big", "possibly", "ndarray 5000000"),
    )


async def test_a_run_that_only_reads_changes_nothing(agent: Agent):
    await agent.run(
        "import numpy as np, pandas as pd\nbig = pd.DataFrame({'a': np.zeros(1_000_000)})"
    )
    assert await agent.run("big.describe()\nprint(big.a.mean(), len(big))\nnp.sum(big)") == ()


async def test_a_run_that_raised_tells_what_it_changed(agent: Agent):
    reply, msg_id = await agent.execute("done = 1\n1 / 0")
    assert reply["status"] == "error"
    assert await agent.helper.changes(msg_id) == (Change("done", "new", "1"),)
    assert await agent.helper.changes() == (Change("done", "new", "1"),)


async def test_changes_are_right_among_a_thousand_names(user: UserClient, agent: Agent):
    await user.run("for i in range(1000): globals()[f'v{i}'] = [i, {'k': i}]\ndel i")
    assert await agent.run("v7[1]['k'] = 'new'; del v8; v9 = None") == (
        Change("v8", "removed", "list len 2"),
        Change("v7", "mutated", "list len 2"),
        Change("v9", "rebound", "list len 2 → None"),
    )


async def test_changes_of_the_user_are_seen_by_the_mark_and_not_by_the_agents_run(
    user: UserClient, agent: Agent
):
    await user.run("x = 1")
    assert await agent.helper.changes_since_mark() == ()
    await user.run("x = 2\ny = 3")
    assert set(await agent.helper.changes_since_mark()) == {
        Change("x", "rebound", "1 → 2"),
        Change("y", "new", "3"),
    }
    assert await agent.helper.changes_since_mark() == ()
    await agent.run("z = 4")
    variables = (await agent.helper.variables()).variables
    assert [v.changed_by_agent is not None for v in variables] == [False, False, True]


async def test_shadowed_builtins_stop_neither_installation_nor_changes(
    user: UserClient, kernel: Kernel
):
    await user.run(
        "exec = eval = compile = type = list = dict = len = __import__ = isinstance = print = 1\n"
        "get_ipython = sys = builtins = None"
    )
    async with agent_at(kernel) as agent:
        assert await agent.run("fresh = 5") == (Change("fresh", "new", "5"),)
        assert "fresh" in [v.name for v in (await agent.helper.variables()).variables]


async def test_an_agents_cell_is_interrupted_whether_it_computes_or_awaits(agent: Agent):
    for code in (
        "while True: pass",
        "import time; time.sleep(100)",
        "import asyncio; await asyncio.sleep(100)",
    ):
        msg_id, reply = agent.begin(f"print('begun')\n{code}")
        await agent.printed(msg_id)
        assert await agent.helper.interrupt_if(msg_id)
        assert (await reply)["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert not await agent.helper.interrupt_if(msg_id)
    assert await agent.run("after = 1") == (Change("after", "new", "1"),)


async def test_an_interrupt_that_overtakes_the_start_of_its_cell_still_finds_it(agent: Agent):
    msg_id, reply = agent.begin("while True: pass")
    assert await agent.helper.interrupt_if(msg_id)
    assert (await reply)["ename"] == "KeyboardInterrupt"


async def test_code_inside_a_cell_that_runs_cells_keeps_the_cell_interruptible(agent: Agent):
    msg_id, reply = agent.begin(
        "get_ipython().run_cell('inner = 1')\nget_ipython().run_cell('')\n"
        "print('begun')\nwhile True: pass"
    )
    await agent.printed(msg_id)
    assert (await agent.helper.running()).msg_id == msg_id
    assert await agent.helper.interrupt_if(msg_id)
    assert (await reply)["ename"] == "KeyboardInterrupt"


async def test_the_helper_waits_behind_a_failing_cell_of_the_user(user: UserClient, kernel: Kernel):
    cell = user.begin("print('begun', flush=True)\ninput()\n1 / 0")
    request = await user.input_requested()
    async with agent_at(kernel, install=False) as agent:
        installing = asyncio.create_task(agent.helper.install())
        assert not agent.helper.ready
        user.answer(request, "")
        assert (await cell.done())["status"] == "error"
        await asyncio.wait_for(installing, 20)
        assert agent.helper.ready


async def test_what_needs_code_is_refused_with_the_way_out(user: UserClient, agent: Agent):
    await user.run("class P:\n    @property\n    def now(self): raise SystemExit\np = P()\nx = [1]")
    for expression in ("x + 1", "p.now", "x[0:1]", "print(1)", "", "x[y]", "a" * 600):
        with pytest.raises(BadRequest, match="execute_code"):
            await agent.helper.describe(expression)


async def test_a_restart_is_survived_by_forgetting(agent: Agent, user: UserClient):
    agent.helper.forget()
    assert agent.helper.user_expressions() == {}
    with pytest.raises(CannotLook):
        await agent.helper.variables()
    await agent.helper.install()
    assert isinstance(agent.helper, Helper)
    assert (await agent.helper.variables()).total == 0
