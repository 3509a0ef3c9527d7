"""The SDK's client: in process, over the socket, through the front, over stdio and HTTP, in both eras."""

from __future__ import annotations

import asyncio
import re
import secrets

import pytest
from mcp import Client

from cokernel.server.tools import TOOLS
from tests.support.mcp_clients import Connect, images_of, text_of

pytestmark = pytest.mark.live


async def run(client: Client, code: str, **options: object) -> str:
    result = await client.call_tool("execute_code", {"code": code, **options})
    assert not result.is_error, text_of(result)
    return text_of(result)


def execution_in(text: str) -> int:
    found = re.search(r"execution[ =](\d+)", text)
    assert found is not None, text
    return int(found[1])


async def has_printed(client: Client, begun: str, text: str) -> None:
    """Wait until a run has come so far."""
    arguments = {"execution": execution_in(begun), "wait_s": 0.1, "offset": 0}
    for _ in range(300):
        if text in text_of(await client.call_tool("check_execution", arguments)):
            return
    raise AssertionError(f"it never printed {text!r}")


class Progress:
    """A progress callback that can be waited for."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.messages.put_nowait(message or "")

    async def until(self, message: str) -> None:
        async def wait() -> None:
            while await self.messages.get() != message:
                pass

        await asyncio.wait_for(wait(), 30)


async def test_client_is_told_who_serves_and_which_tools_there_are(connect: Connect) -> None:
    async with connect() as client:
        assert client.server_info is not None
        assert client.server_info.name == "cokernel"
        assert "live Jupyter kernel" in (client.instructions or "")
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [tool.name for tool in TOOLS]


async def test_text_value_and_changes_come_back(connect: Connect) -> None:
    async with connect() as client:
        name = f"answer_{secrets.token_hex(4)}"
        text = await run(client, f"print('grüße\\t!')\n{name} = 42\n{name} + 1")
        first, *_ = text.splitlines()
        assert "· ok ·" in first
        assert "grüße\t!" in text
        assert ": 43" in text
        assert f"new: {name}" in text


async def test_table_comes_back_as_text(connect: Connect) -> None:
    async with connect() as client:
        text = await run(client, "import pandas as pd\npd.DataFrame({'height': [1.5, 2.5]})")
        assert "height" in text
        assert "2.5" in text
        assert "<table" not in text


async def test_figure_comes_back_as_an_image(connect: Connect) -> None:
    async with connect() as client:
        code = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);"
        result = await client.call_tool("execute_code", {"code": code})
        (image,) = images_of(result)
        assert image.mime_type == "image/png"
        assert len(image.data) > 1000


async def test_exception_in_the_code_is_a_result_and_not_a_tool_error(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("execute_code", {"code": "1/0"})
        assert not result.is_error
        assert "· error ·" in text_of(result)
        assert "ZeroDivisionError: division by zero" in text_of(result)


async def test_wrong_call_is_a_tool_error_that_says_what_to_do(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("execute_code", {"cod": "1"})
        assert result.is_error
        assert "It takes: code" in text_of(result)
        assert "· ok ·" in await run(client, "1")


async def test_progress_brings_the_last_line_of_output(connect: Connect) -> None:
    async with connect() as client:
        progress = Progress()
        code = "import time\nprint('step 1')\nprint('step 2', flush=True)\ntime.sleep(2.5)"
        call = client.call_tool("execute_code", {"code": code}, progress_callback=progress)
        result = await call
        await progress.until("step 2")
        assert "· ok ·" in text_of(result)


async def test_cancelled_call_interrupts_its_own_cell(connect: Connect) -> None:
    async with connect() as client:
        progress = Progress()
        code = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)"
        call = asyncio.create_task(
            client.call_tool("execute_code", {"code": code}, progress_callback=progress)
        )
        await progress.until("begun")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        # It would wait behind the endless cell otherwise.
        assert "· ok ·" in await run(client, "'free again'", timeout_s=30)
        activity = await client.call_tool("recent_activity", {"since": 0})
        assert "interrupted" in text_of(activity)


async def test_long_run_is_handed_over_and_followed_to_its_end(connect: Connect) -> None:
    async with connect() as client:
        code = "import time\nfor n in range(15): print('line', n, flush=True); time.sleep(0.1)"
        begun = await run(client, code, timeout_s=0.3)
        assert "running" in begun
        arguments = {"execution": execution_in(begun), "wait_s": 30}
        result = await client.call_tool("check_execution", arguments)
        assert "· ok ·" in text_of(result)
        lines = [line for line in (begun + "\n" + text_of(result)).splitlines() if "line " in line]
        assert lines == [f"line {n}" for n in range(15)]


async def test_background_run_can_be_stopped(connect: Connect) -> None:
    async with connect() as client:
        code = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)"
        begun = await run(client, code, background=True)
        await has_printed(client, begun, "begun")
        arguments = {"execution": execution_in(begun)}
        result = await client.call_tool("interrupt_execution", arguments)
        assert "· interrupted ·" in text_of(result)


async def test_input_is_answered(connect: Connect) -> None:
    async with connect() as client:
        asked = await run(client, "name = input('who? ')\nname.upper()")
        assert "waiting for input" in asked
        arguments = {"execution": execution_in(asked), "input": "ada", "wait_s": 30}
        result = await client.call_tool("check_execution", arguments)
        assert "'ADA'" in text_of(result)


async def test_first_call_may_be_a_look(connect: Connect) -> None:
    async with connect() as client:
        looked = await client.call_tool("list_variables", {})
        assert not looked.is_error, text_of(looked)


async def test_looks_answer_while_the_kernel_is_busy(connect: Connect) -> None:
    async with connect() as client:
        code = "import time\nseen = [1, 2, 3]\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)"
        begun = await run(client, code, background=True)
        await has_printed(client, begun, "begun")
        looked = await client.call_tool("inspect", {"expression": "seen"})
        assert "list" in text_of(looked)
        await client.call_tool("interrupt_execution", {"execution": execution_in(begun)})
