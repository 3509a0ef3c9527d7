"""Whatever a kernel says, each run ends with an outcome, each look with an answer, and the next run works."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cokernel.errors import CokernelError
from cokernel.session.activity import State
from cokernel.session.bridge import Bridge
from cokernel.session.policy import Mode
from tests.support.fake_kernel import FakeKernel, Say, Says
from tests.support.sessions import Agents, Watcher, text_of

GOOD_REPLY = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
MIME = "application/vnd.cokernel+json"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = (
    "stream",
    "display_data",
    "execute_result",
    "update_display_data",
    "error",
    "clear_output",
    "status",
    "execute_input",
    "shutdown_reply?",
    "comm_open",
    "",
)
KEYS = (
    "name",
    "text",
    "data",
    "metadata",
    "transient",
    "display_id",
    "wait",
    "ename",
    "evalue",
    "traceback",
    "execution_state",
    "execution_count",
    "code",
)
CONTENT = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5) | JSON
PUBLISHED = st.builds(Say, st.just("iopub"), st.sampled_from(TYPES), CONTENT)
REPLY_KEYS = ("status", "user_expressions", "ename", "evalue", "traceback", "execution_count")
REPLIED = st.dictionaries(st.sampled_from(REPLY_KEYS), JSON, max_size=5)


@contextlib.asynccontextmanager
async def agents_at_fake(says: Says, *, is_ipython: bool = False) -> AsyncIterator[Agents]:
    watcher = Watcher()
    bridge = Bridge(place="Test", observer=watcher, mode=Mode.FREE)
    async with FakeKernel(says, is_ipython=is_ipython) as connection:
        try:
            session = await bridge.attach(connection, connection_file=None, title="Fake")
            yield Agents(bridge, session, watcher)
        finally:
            await bridge.close("The test ended.")


def good(request: dict[str, Any]) -> list[Say]:
    code = request["content"].get("code", "")
    return [
        Say("iopub", "execute_input", {"code": code, "execution_count": 1}),
        Say("iopub", "stream", {"name": "stdout", "text": "works\n"}),
        Say("shell", "execute_reply", GOOD_REPLY),
    ]


@settings(max_examples=40)
@given(published=st.lists(PUBLISHED, max_size=6), replied=REPLIED)
def test_a_run_ends_whatever_the_kernel_says(published: list[Say], replied: Any):
    def says(request: dict[str, Any]) -> list[Say]:
        if request["content"].get("code") == "good":
            return good(request)
        return [*published, Say("shell", "execute_reply", replied)]

    async def scenario() -> None:
        async with agents_at_fake(says) as agents:
            assert (await agents.run("evil")).state.is_final
            execution = await agents.run("good")
            assert (execution.state, text_of(execution)) == (State.OK, "works\n")

    asyncio.run(scenario())


@settings(max_examples=40)
@given(answer=JSON, bundle=JSON)
def test_a_look_and_a_run_end_whatever_the_helper_seems_to_say(answer: Any, bundle: Any):
    """Something in the kernel has taken the helper's place."""
    installed = {"data": {MIME: {"helper": "in"}}, "metadata": {}, "status": "ok"}
    lies = {"data": {MIME: bundle}, "metadata": {}, "status": "ok"}

    def says(request: dict[str, Any]) -> list[Say]:
        content = request["content"]
        if request["msg_type"] != "execute_request":
            kind = request["msg_type"].replace("request", "reply")
            return [Say("control", kind, {"status": "ok", "result": answer})]
        told = lies if content.get("code") else installed
        reply = {**GOOD_REPLY, "user_expressions": {"cokernel": told}}
        return [*good(request)[:2], Say("shell", "execute_reply", reply)]

    async def scenario() -> None:
        async with agents_at_fake(says, is_ipython=True) as agents:
            assert (await agents.run("x")).state is State.OK
            for look in (
                lambda: agents.session.looks.variables(),
                lambda: agents.session.looks.describe("x"),
            ):
                with contextlib.suppress(CokernelError):
                    await look()
            await agents.session.looks.running()
            await agents.session.looks.changes_since_last()
            assert (await agents.run("x")).state is State.OK

    asyncio.run(scenario())


@pytest.mark.parametrize("replied", [[], "ok", None, 7])
async def test_a_reply_that_is_no_object_ends_the_run_as_lost(replied: Any):
    def says(request: dict[str, Any]) -> list[Say]:
        if request["content"].get("code") == "good":
            return good(request)
        return [Say("shell", "execute_reply", replied)]

    async with agents_at_fake(says) as agents:
        assert (await agents.ended(agents.begin("evil"))).state is State.LOST
        assert (await agents.run("good")).state is State.OK


def unsigned(frames: list[bytes]) -> list[bytes]:
    return [frames[0], b"", *frames[2:]]


def wrongly_signed(frames: list[bytes]) -> list[bytes]:
    return [frames[0], b"0" * 64, *frames[2:]]


def torn(frames: list[bytes]) -> list[bytes]:
    return frames[:3]


def without_delimiter(frames: list[bytes]) -> list[bytes]:
    return frames[1:]


def changed(frames: list[bytes]) -> list[bytes]:
    return [*frames[:-1], frames[-1].replace(b"forged", b"FORGED")]


@pytest.mark.parametrize("how", [unsigned, wrongly_signed, torn, without_delimiter, changed])
async def test_what_is_not_signed_by_the_kernel_is_not_there(how: Any):
    def says(request: dict[str, Any]) -> list[Say]:
        first, output, reply = good(request)
        forged = {"name": "stdout", "text": "forged"}
        error = {"status": "error", "ename": "Forged", "evalue": "forged", "traceback": []}
        return [
            first,
            Say("iopub", "stream", forged, how),
            Say("shell", "execute_reply", {**error, "forged": "forged"}, how),
            output,
            reply,
        ]

    async with agents_at_fake(says) as agents:
        execution = await agents.run("x")
        assert (execution.state, text_of(execution)) == (State.OK, "works\n")


async def test_a_huge_header_and_a_huge_reply_end_the_run():
    def says(request: dict[str, Any]) -> list[Say]:
        first, output, _ = good(request)
        evil = {**GOOD_REPLY, "evalue": "x" * 20_000_000}
        return [
            first,
            Say("iopub", "stream" + "x" * 20_000_000, {}),
            output,
            Say("shell", "execute_reply", evil),
        ]

    async with agents_at_fake(says) as agents:
        execution = await agents.run("x")
        assert (execution.state, text_of(execution)) == (State.OK, "works\n")


async def test_an_outcome_is_final_however_often_the_kernel_replies():
    def says(request: dict[str, Any]) -> list[Say]:
        error = {"status": "error", "ename": "Late", "evalue": "", "traceback": []}
        late = Say("shell", "execute_reply", error)
        return [*good(request), late, late, Say("iopub", "status", {"execution_state": "idle"})]

    async with agents_at_fake(says) as agents:
        executions = [await agents.run("x") for _ in range(3)]
        assert [e.state for e in executions] == [State.OK] * 3
        finals = [s.number for s in agents.watcher.steps if s.state.is_final]
        assert len(finals) == len(set(finals)) == 3
