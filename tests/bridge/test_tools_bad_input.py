"""Bad input to every tool: a clear error with the next step, and the session unharmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from cokernel.errors import BadRequest
from cokernel.server.app import build_server
from cokernel.server.arguments import MAX_CODE_CHARS, parse, schema_of
from cokernel.server.tools import TOOLS
from tests.support.kernels import Kernel
from tests.support.sessions import Agents, agents_at

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
by_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@by_tool
@given(data=st.data())
def test_any_json_is_taken_or_refused_with_a_reason(tool: Any, data: st.DataObject):
    names = st.sampled_from([*tool.arguments.model_fields, "unknown"]) | st.text(max_size=8)
    raw = data.draw(st.dictionaries(names, JSON, max_size=5))
    refusal = ""
    try:
        taken = parse(tool.arguments, raw)
    except BadRequest as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith("Wrong arguments: ")
        assert len(refusal) < 2_000
    else:
        assert set(taken.model_dump()) == set(tool.arguments.model_fields)


@by_tool
def test_the_schema_says_what_is_taken(tool: Any):
    schema = schema_of(tool.arguments)
    assert set(schema["properties"]) == set(tool.arguments.model_fields)
    assert all("type" in value for value in schema["properties"].values())
    assert schema["additionalProperties"] is False


@pytest.fixture
async def agents(plain_kernel: Kernel) -> AsyncIterator[Agents]:
    async with agents_at(plain_kernel.connection_file) as ready:
        await ready.settled()
        yield ready


def client_of(agents: Agents) -> Client:
    """The SDK's client, in this process."""
    agent = agents.bridge.agent_connected("share")
    server = build_server(agents.bridge, lambda _: agent, switch=None, others=list)
    return Client(server)


async def text_of_call(client: Client, tool: str, **arguments: Any) -> tuple[str, bool]:
    """What a call answers, and whether it is an error."""
    result = await asyncio.wait_for(client.call_tool(tool, arguments), 30)
    return "\n".join(
        block.text for block in result.content if block.type == "text"
    ), result.is_error


DEEP: list[Any] = []
for _ in range(60):
    DEEP = [DEEP]

WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("execute_code", {}, "code: Field required"),
    ("execute_code", {"cod": "1"}, "It takes: code, kernel, timeout_s, background"),
    ("execute_code", {"code": 1}, "valid string"),
    ("execute_code", {"code": ["1"]}, "valid string"),
    ("execute_code", {"code": DEEP}, "valid string"),
    ("execute_code", {"code": "1", "timeout_s": -1}, "greater than or equal to 0"),
    ("execute_code", {"code": "1", "timeout_s": 1e300}, "less than or equal to 600"),
    ("execute_code", {"code": "1", "kernel": "nobody"}, "list_kernels shows all"),
    ("execute_code", {"code": "x" * (MAX_CODE_CHARS + 1)}, "at most 2000000 characters"),
    ("check_execution", {"execution": 10**8}, "recent_activity lists what ran"),
    ("check_execution", {"execution": -1}, "greater than or equal to 1"),
    ("check_execution", {"execution": 10**40}, "less than or equal to"),
    ("check_execution", {"execution": "one"}, "valid integer"),
    ("interrupt_execution", {"execution": 10**8}, "recent_activity lists what ran"),
    ("list_variables", {"pattern": "x" * 201}, "at most 200 characters"),
    ("inspect", {"expression": ""}, "at least 1 character"),
    ("inspect", {"expression": "open('/etc/passwd')"}, "execute_code"),
    ("inspect", {"expression": "(" * 2000}, "[bad_request]"),
    ("inspect", {"expression": "a\0b"}, "[bad_request]"),
    ("recent_activity", {"since": -1}, "greater than or equal to 0"),
    ("list_kernels", {"all": True}, "It takes: none"),
    ("use_kernel", {"kernel": "nobody"}, "list_kernels shows all"),
    ("use_kernel", {"kernel": "a\0b"}, "list_kernels shows all"),
    ("use_kernel", {"kernel": "/" + "a" * 4000}, "list_kernels shows all"),
    ("use_kernel", {"kernel": "/etc/passwd"}, "[untrusted]"),
    ("use_kernel", {"kernel": "~nobody-here/kernel.json"}, "list_kernels shows all"),
    ("use_kernel", {"kernel": "https://host/"}, "[unsupported]"),
    ("start_kernel", {"environment": "/nowhere"}, "Name an interpreter"),
    ("start_kernel", {"environment": "a" * 4096}, "There is no kernelspec"),
    ("start_kernel", {"server": "https://host/"}, "[unsupported]"),
    ("stop_kernel", {"kernel": "nobody"}, "list_kernels shows all"),
    ("stop_kernel", {"kernel": "share", "restart": True}, "only its owner can restart it"),
    ("no_such_tool", {}, "There are: execute_code"),
)


@pytest.mark.live
async def test_every_wrong_call_is_told_what_to_do_next(agents: Agents):
    async with client_of(agents) as client:
        for tool, arguments, expected in WRONG:
            text, is_error = await text_of_call(client, tool, **arguments)
            case = f"{tool} {str(arguments)[:80]} → {text[:300]}"
            assert is_error, case
            assert expected in text, case
            assert "[internal]" not in text, case
            assert len(text) < 6_000, case
    assert await agents.value("1 + 1") == "2"


@pytest.mark.live
async def test_huge_code_runs(agents: Agents):
    code = "# " + "x" * 1_500_000 + "\nprint('ran')"
    async with client_of(agents) as client:
        text, is_error = await text_of_call(client, "execute_code", code=code)
    assert not is_error
    assert "ran" in text


@pytest.mark.live
async def test_odd_code_ends_with_an_outcome(agents: Agents):
    odd = (
        "",
        "\n",
        "\0",
        "def",
        "'\ud83d'",
        "%nonsense",
        "!!",
        "raise SystemExit",
        "1/0 # \x1b[31m",
    )
    for code in odd:
        execution = await agents.run(code)
        assert execution.state.is_final, code
    assert await agents.value("1 + 1") == "2"


@pytest.mark.live
async def test_any_arguments_leave_the_session_unharmed(agents: Agents):
    @settings(
        max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(data=st.data())
    def examples(data: st.DataObject) -> None:
        tool = data.draw(st.sampled_from([t for t in TOOLS if t.name != "start_kernel"]))
        names = st.sampled_from(list(tool.arguments.model_fields) or ["unknown"])
        drawn.append((tool.name, data.draw(st.dictionaries(names, JSON, max_size=4))))

    drawn: list[tuple[str, dict[str, Any]]] = []
    await asyncio.to_thread(examples)
    async with client_of(agents) as client:
        for tool, arguments in drawn:
            wait = {"timeout_s": 0.0} if tool == "execute_code" else {}
            text, _ = await text_of_call(client, tool, **{**arguments, **wait})
            assert "[internal]" not in text, (tool, arguments, text)
    for execution in reversed(agents.session.unfinished):
        await agents.session.interrupt(execution)
    assert await agents.value("1 + 1") == "2"
