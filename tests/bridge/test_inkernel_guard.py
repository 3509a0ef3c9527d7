"""An agent's interrupt against the user's next cell: never hit, and no reply lost, at whatever moment it comes."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.support.kernels import Kernel, UserClient
from tests.support.looking import Agent, agent_at

pytestmark = pytest.mark.live

CELL_S = 0.03
CELLS = {
    "sleep": f"import time; time.sleep({CELL_S})",
    "python": f"import time\n_end = time.time() + {CELL_S}\nwhile time.time() < _end: pass",
    "await": f"import asyncio; await asyncio.sleep({CELL_S})",
}


async def race(user: UserClient, agent: Agent, code: str, after_s: float) -> str:
    """The user's cell waits behind the agent's, which is interrupted `after_s` later; how the agent's ended."""
    msg_id, reply = agent.begin(code)
    cell = user.begin(f"import time; time.sleep({CELL_S}); 'whole'")
    await asyncio.sleep(after_s)  # not to see something, but to hit the end of the agent's cell
    sent = await agent.helper.interrupt_if(msg_id)
    mine = await asyncio.wait_for(reply, 30)
    theirs = await cell.done(30)
    assert theirs["status"] == "ok", (sent, mine, theirs)
    assert [o["data"]["text/plain"] for o in cell.outputs("execute_result")] == ["'whole'"]
    assert not cell.outputs("stream")
    assert mine["status"] == "ok" or mine["ename"] in ("KeyboardInterrupt", "CancelledError"), mine
    return f"{'sent' if sent else 'refused'}, {mine['status']}"


async def races(kernel: Kernel, user: UserClient, count: int) -> Counter[str]:
    """`count` races, spread evenly over the moments from within the cell to well behind it."""
    seen: Counter[str] = Counter()
    async with agent_at(kernel) as agent:
        for i in range(count):
            code = list(CELLS.values())[i % len(CELLS)]
            moment = 0.5 + 1.2 * (i / count)
            seen[await race(user, agent, code, moment * CELL_S)] += 1
    return seen


async def test_interrupt_leaves_users_cell_running(kernel: Kernel, user: UserClient):
    seen = await races(kernel, user, 70)
    assert seen["sent, error"] > 0
    assert seen["refused, ok"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_interrupt_leaves_users_cell_running_in_1600_races(kernel: Kernel, user: UserClient):
    seen = await races(kernel, user, 535)
    assert seen["sent, error"] > 0
    assert seen["refused, ok"] > 0


async def test_an_interrupt_for_a_cell_that_is_over_or_not_ours_is_refused(
    kernel: Kernel, user: UserClient
):
    async with agent_at(kernel) as agent, agent_at(kernel) as other:
        msg_id, reply = agent.begin("print('begun')\nimport time; time.sleep(60)")
        await agent.printed(msg_id)
        assert not await other.helper.interrupt_if(msg_id)
        assert not await agent.helper.interrupt_if("no such cell")
        assert await agent.helper.interrupt_if(msg_id)
        assert (await reply)["ename"] == "KeyboardInterrupt"
        assert not await agent.helper.interrupt_if(msg_id)
