"""Output beyond measure, through kernel and bridge: exact where it is kept, bounded in memory, and never in the way."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from cokernel.kernel.outputtypes import DisplayOutput, StreamOutput
from cokernel.session.activity import State
from tests.support.kernels import Kernel
from tests.support.sessions import Agents, agents_at, text_of

pytestmark = pytest.mark.live

MB = 1_000_000


@pytest.fixture
async def agents(plain_kernel: Kernel) -> AsyncIterator[Agents]:
    async with agents_at(plain_kernel.connection_file) as ready:
        await ready.settled()
        yield ready


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_two_hundred_thousand_displays_end_with_the_reply(agents: Agents):
    # Without IPython's formatters, which take most of the time that `display` takes.
    execution = agents.begin(
        "kernel = get_ipython().kernel\n"
        "content = {'data': {'text/plain': 'tiny'}, 'metadata': {}, 'transient': {}}\n"
        "for _ in range(200_000):\n"
        "    kernel.session.send(\n"
        "        kernel.iopub_socket, 'display_data', content, parent=kernel.get_parent()\n"
        "    )\n"
        "print('the end')"
    )
    await agents.ended(execution, 200)
    assert execution.state is State.OK
    assert text_of(execution).endswith("the end\n")
    assert execution.outputs.held_bytes < 50 * MB
    assert await agents.value("1 + 1") == "2"


async def test_megabyte_lines_and_escape_codes_come_out_plain(agents: Agents):
    execution = agents.begin(
        "print('x' * 3_000_000)\n"
        "print('\\x1b[31m\\x1b]8;;http://evil\\x07' * 100_000 + 'plain')\n"
        "for n in range(5000): print(f'\\r{n:>6}', end='')\n"
        "print('\\nlast line')"
    )
    await agents.ended(execution, 60)
    text = text_of(execution)
    assert execution.state is State.OK
    assert "\x1b" not in text
    assert "http://evil" not in text
    assert text.endswith("  4999\nlast line\n")


async def test_broken_and_large_images_are_held_within_bounds(agents: Agents):
    execution = agents.begin(
        "from IPython.display import publish_display_data as put\n"
        "put({'image/png': 'not base64 at all', 'text/plain': 'broken'})\n"
        "put({'image/png': 'A' * 40_000_000, 'text/plain': 'large'})\n"
        "put({'image/png': 'iVBORw0KGgo=', 'text/plain': 'small'})"
    )
    await agents.ended(execution, 60)
    assert execution.state is State.OK
    assert execution.outputs.held_bytes < 50 * MB
    shown = [o for o in execution.outputs.snapshot() if isinstance(o, DisplayOutput)]
    assert base64.b64decode(shown[-1].data["image/png"]) == b"\x89PNG\r\n\x1a\n"


async def test_a_flood_of_an_agent_leaves_looks_and_interrupts_working(agents: Agents):
    execution = agents.begin("x = 1\nwhile True: print('flood ' * 50)")
    await agents.printed(execution, "flood")
    assert (await agents.session.looks.variables(pattern="x")).total == 1
    assert await agents.session.interrupt(execution)
    assert execution.state is State.INTERRUPTED


BRIDGE = """
import asyncio, json, sys
from cokernel.session.bridge import Bridge
from cokernel.session.execution import Client
from cokernel.session.policy import Mode
from tests.support.sessions import Watcher

async def main():
    bridge = Bridge(place="", observer=Watcher(), mode=Mode.FREE)
    path = sys.argv[1]
    session = await bridge.attach(
        json.load(open(path)), connection_file=path, title="Console 1/A", kernel_id="share"
    )
    for code in sys.stdin:
        execution = session.submit(Client("c1", "Claude Code"), json.loads(code))
        await execution.wait(None)
        excerpt = execution.outputs.excerpt(1000)
        print(json.dumps([execution.state.value, execution.outputs.held_bytes]), flush=True)
    await bridge.close("The test ended.")

asyncio.run(main())
"""


class BridgeProcess:
    """A bridge in a process of its own, whose memory can be measured."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._memory = psutil.Process(process.pid)
        self.peak = 0

    async def run(self, code: str) -> tuple[str, int]:
        """The state and the bytes that are held in the end; `peak` is the most memory that was seen meanwhile."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(code).encode() + b"\n")
        answer = asyncio.ensure_future(stdout.readline())
        while not answer.done():
            self.peak = max(self.peak, self.resident)
            await asyncio.wait({answer}, timeout=0.02)
        state, held = json.loads(answer.result())
        return state, held

    @property
    def resident(self) -> int:
        return int(self._memory.memory_info().rss)


@pytest.fixture
async def bridge_process(plain_kernel: Kernel) -> AsyncIterator[BridgeProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BRIDGE,
        str(plain_kernel.connection_file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )
    yield BridgeProcess(process)
    assert process.stdin is not None
    process.stdin.close()
    assert await process.wait() == 0
    process._transport.close()  # type: ignore[attr-defined]  # asyncio keeps its pipes until it is collected


PRINT = "line = 'x' * 99\nfor _ in range({mb} * 10_000): print(line)"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="resident memory means something else there")
async def test_memory_is_back_after_ten_megabytes_and_bounded_for_a_hundred(
    plain_user: object, bridge_process: BridgeProcess
):
    assert (await bridge_process.run("pass"))[0] == "ok"
    idle = bridge_process.resident
    state, held = await bridge_process.run(PRINT.format(mb=10))
    assert state == "ok"
    assert held < 15 * MB
    assert bridge_process.resident - idle < 30 * MB
    bridge_process.peak = 0
    state, held = await bridge_process.run(PRINT.format(mb=100))
    assert state == "ok"
    assert held < 15 * MB
    assert bridge_process.peak - idle < 150 * MB
    assert bridge_process.resident - idle < 80 * MB
    state, _ = await bridge_process.run("print('x' * 100_000_000)")
    assert state == "ok"


async def test_twenty_megabytes_keep_head_and_tail_exact(agents: Agents):
    execution = agents.begin(
        "print('first · ü\\t|')\nfor n in range(200_000): print(f'{n:099d}')\nprint('last · 🙂')"
    )
    await agents.ended(execution, 110)
    (stream,) = [o for o in execution.outputs.snapshot() if isinstance(o, StreamOutput)]
    assert stream.text.startswith("first · ü\t|\n" + f"{0:099d}\n{1:099d}\n")
    assert stream.text.endswith(f"{199_999:099d}\nlast · 🙂\n")
    whole = len("first · ü\t|\n") + 100 * 200_000 + len("last · 🙂\n")
    assert len(stream.text) + stream.dropped_chars == whole
