"""The front between a client and scripted bridges.

Where it connects, what it hands on, what it says when a bridge is gone.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from cokernel import shares
from tests.support.front_client import FrontClient, text_of
from tests.support.scripted_bridge import SUBSCRIPTION, ScriptedBridge


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


class TestWhereItConnects:
    async def test_the_only_share_is_used_from_anywhere(self, tmp_path: Path):
        async with ScriptedBridge() as bridge, FrontClient(tmp_path) as client:
            assert await client.run("1+1") == f"{bridge.share}: execute_code 1+1"
            assert bridge.clients[0].cwd == str(tmp_path)

    async def test_over_loopback_tcp_as_on_windows(self):
        async with ScriptedBridge(tcp=True) as bridge, FrontClient() as client:
            assert bridge.share in await client.run()

    async def test_the_share_of_this_folder_wins(self, tmp_path: Path):
        here = ScriptedBridge(workspaces=(str(tmp_path),))
        async with here, ScriptedBridge(), FrontClient(tmp_path) as client:
            assert here.share in await client.run()

    async def test_the_clients_project_folder_counts_before_its_working_directory(
        self, tmp_path: Path
    ):
        here = ScriptedBridge(workspaces=(str(tmp_path),))
        async with here, ScriptedBridge(), FrontClient(CLAUDE_PROJECT_DIR=str(tmp_path)) as client:
            assert here.share in await client.run()

    async def test_a_share_named_in_the_environment_wins(self, tmp_path: Path):
        here = ScriptedBridge(workspaces=(str(tmp_path),))
        async with (
            here,
            ScriptedBridge() as other,
            FrontClient(tmp_path, COKERNEL_SHARE=other.share) as client,
        ):
            assert other.share in await client.run()

    async def test_a_named_share_that_is_not_there_is_not_replaced(self):
        async with ScriptedBridge(), FrontClient(COKERNEL_SHARE="share-gone") as client:
            answer = await client.run()
            assert answer.startswith("error: There is no share 'share-gone'.")
            assert "use_kernel" in answer

    async def test_a_named_share_is_taken_when_it_appears(self):
        async with FrontClient(COKERNEL_SHARE="share-late") as client:
            assert "no share" in await client.run()
            async with ScriptedBridge("share-late"):
                assert "share-late: " in await client.run()

    async def test_of_several_shares_elsewhere_the_agent_chooses(self):
        async with (
            ScriptedBridge(title="a") as one,
            ScriptedBridge(title="b") as other,
            FrontClient() as client,
        ):
            answer = await client.run()
            assert answer.startswith("error: ")
            assert one.share in answer
            assert await client.call("use_kernel", kernel=other.share) == f"{other.share}: here"
            assert other.share in await client.run()

    async def test_a_connection_file_named_in_the_environment_finds_its_share(self):
        wanted = ScriptedBridge(connection_file="/run/kernel-7.json")
        async with (
            wanted,
            ScriptedBridge(),
            FrontClient(COKERNEL_CONNECTION="/run/kernel-7.json") as client,
        ):
            assert wanted.share in await client.run()

    async def test_a_connection_file_that_nobody_shares_is_for_the_stand_alone_bridge(self):
        async with ScriptedBridge(), FrontClient(COKERNEL_CONNECTION="/run/k.json") as client:
            assert "private: " in await client.run()

    async def test_with_nothing_shared_a_stand_alone_bridge_is_started(self):
        async with FrontClient() as client:
            assert await client.run("1") == "private: execute_code 1"

    async def test_a_share_that_does_not_answer_is_named_and_not_replaced(self):
        bridge = ScriptedBridge(title="Console 1/A")
        await bridge.start()
        assert bridge._server is not None
        bridge._server.close()
        async with FrontClient() as client:
            answer = await client.run()
            assert answer.startswith("error: The bridge of Console 1/A · Spyder does not listen")
            shares.withdraw(bridge.share)
            assert "private: " in await client.run()


class TestPrivateKernel:
    async def test_a_share_that_appears_before_anything_ran_is_taken(self):
        async with FrontClient() as client:
            await client.ask("tools/list")
            await client.call("list_variables")
            async with ScriptedBridge() as bridge:
                assert bridge.share in await client.run()

    async def test_a_share_that_appears_after_code_ran_is_not_jumped_to(self):
        async with FrontClient() as client:
            await client.run("x = 1")
            async with ScriptedBridge():
                assert "private: " in await client.run()

    async def test_its_end_loses_the_kernel_until_the_agent_asks_for_a_new_one(self):
        async with FrontClient() as client:
            await client.run("x = 1")
            answer = await client.run("die")
            assert answer.startswith("error: The private kernel ended")
            assert "may have partly run" in answer
            assert "its variables are gone" in await client.run("x")
            assert await client.call("use_kernel", kernel="new") == "private: here"
            assert "private: " in await client.run("x")

    async def test_it_stays_when_the_agent_goes_elsewhere_and_can_be_gone_back_to(self):
        async with FrontClient() as client:
            await client.run("x = 1")
            async with ScriptedBridge() as bridge:
                answer = await client.call("use_kernel", kernel=bridge.share)
                assert 'use_kernel("private kernel") goes back' in answer
                assert bridge.share in await client.run()
                back = await client.call("use_kernel", kernel="private kernel")
                assert back == "private: here"
                assert "private: " in await client.run()
                assert client.unasked.empty()

    async def test_a_stand_alone_bridge_that_cannot_start_is_said_and_nothing_hangs(self):
        async with FrontClient(COKERNEL_SCRIPT="exit") as client:
            for _ in range(3):
                answer = await client.run()
                assert answer.startswith("error: ")
            assert "error" in await client.ask("tools/list")


class TestPassingThrough:
    @pytest.mark.parametrize("modern", [True, False])
    async def test_both_eras(self, modern: bool):
        async with ScriptedBridge() as bridge, FrontClient(modern=modern) as client:
            assert bridge.share in await client.run()
            listed = (await client.ask("tools/list"))["result"]
            assert listed["tools"][0]["name"] == "execute_code"
            assert (await client.ask("nonsense"))["error"]["code"] == -32601

    async def test_a_line_of_13_megabytes_either_way(self):
        size = 13_000_000
        async with ScriptedBridge() as bridge, FrontClient() as client:
            assert len(await client.run(f"bytes {size}")) == size
            assert (await client.run("y" * size)).endswith("y" * size)
            assert bridge.share in await client.run()

    async def test_calls_at_the_same_time_get_their_own_answers(self):
        async with ScriptedBridge(), FrontClient() as client:
            calls = [await client.begin_call("execute_code", code=str(n)) for n in range(50)]
            texts = [text_of(answer) for answer in await asyncio.gather(*calls)]
            assert [text.split()[-1] for text in texts] == [str(n) for n in range(50)]

    async def test_a_cancellation_reaches_the_bridge(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            call = await client.begin_call("execute_code", code="block")
            await bridge.seen("tools/call")
            await client.cancel(call)
            await bridge.seen("notifications/cancelled")
            assert bridge.share in await client.run()

    async def test_a_question_of_the_bridge_gets_the_clients_answer(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run("ask")
            question = await client.next_unasked()
            assert question["method"] == "elicitation/create"
            await client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"ok": 1}})
            await client.send({"jsonrpc": "2.0", "id": 77, "result": {"not": "asked"}})
            await client.run()
            answers = [r for r in bridge.requests if "result" in r]
            assert [answer["id"] for answer in answers] == [question["id"]]

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            (b"not json", -32700),
            (b"\xff\xfe", -32700),
            (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": NaN}}', -32700),
            (b"[" * 100_000, -32700),
            (
                b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": '
                + b"[" * 150
                + b"]" * 150
                + b"}",
                -32700,
            ),
            (b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": "\\ud800"}}', -32700),
            (b"[]", -32600),
            (b"{}", -32600),
            (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', -32600),
            (b'{"cokernel": {"switch": {"share": "x"}}}', -32600),
        ],
    )
    async def test_a_malformed_line_is_answered_and_the_session_goes_on(
        self, line: bytes, code: int
    ):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.send(line)
            assert (await client.next_unasked())["error"]["code"] == code
            assert bridge.share in await client.run()

    async def test_ten_thousand_malformed_lines_do_no_harm(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            for number in range(10_000):
                await client.send(b'{"jsonrpc": "2.0", "id": %d, "method"' % number)
            for _ in range(10_000):
                await client.next_unasked()
            assert bridge.share in await client.run()
            assert not [r for r in bridge.requests if r["method"] != "tools/call"]

    async def test_asides_are_seen_by_no_client(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run()
            await bridge.lose("Console 1/A was closed.", "Choose another console.")
            await client.run()
            assert client.garbage == []
            assert client.unasked.empty()


class TestLoss:
    async def test_a_call_in_a_bridge_that_dies_is_answered(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            call = await client.begin_call("execute_code", code="block")
            look = await client.begin_call("list_variables", code="block")
            other = await client.begin("tools/list")
            await other
            await bridge.seen("tools/call", name="list_variables")
            await bridge.stop()
            text = text_of(await asyncio.wait_for(call, 5))
            assert text.startswith("error: The bridge of Console 1/A · Spyder ended.")
            assert "may have partly run, and is not run again" in text
            assert "partly run" not in text_of(await asyncio.wait_for(look, 5))

    async def test_the_share_that_ends_says_why_and_what_to_do(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            call = await client.begin_call("execute_code", code="block")
            await bridge.seen("tools/call")
            await bridge.lose("Console 1/A was closed.", "Choose another console to go on.")
            for text in (text_of(await call), await client.run()):
                assert text.startswith("error: Console 1/A was closed.")
                assert text.endswith("Choose another console to go on.")

    async def test_another_share_is_never_taken_silently(self):
        async with ScriptedBridge() as lost, FrontClient() as client:
            await client.run()
            async with ScriptedBridge() as other:
                await lost.lose("Console 1/A was closed.", "")
                assert (await client.run()).startswith("error: Console 1/A was closed.")
                kernels = await client.call("list_kernels")
                assert other.share in kernels
                assert "Console 1/A was closed." in kernels
                assert (await client.run()).startswith("error: ")
                assert await client.call("use_kernel", kernel=other.share) == f"{other.share}: here"
                assert other.share in await client.run()

    async def test_a_choice_that_the_bridge_refuses_leaves_the_kernel_lost(self):
        async with ScriptedBridge() as lost, FrontClient() as client:
            await client.run()
            await lost.lose("Console 1/A was closed.", "")
            assert await client.call("use_kernel", kernel="nonsense") == "error: no kernel nonsense"
            assert (await client.run()).startswith("error: Console 1/A was closed.")
            assert await client.call("use_kernel", kernel="new") == "private: here"
            assert "private: " in await client.run()

    async def test_the_same_share_published_again_goes_on_silently(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run()
            await bridge.stop()
            async with ScriptedBridge(bridge.share) as again:
                assert again.share in await client.run()
                assert len(again.clients) == 1

    async def test_the_first_call_after_a_crash_waits_for_a_bridge_that_restarts(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run()
            await bridge.stop()
            call = await client.begin_call("execute_code", code="1")
            await asyncio.sleep(0.3)  # the restart takes its time; the call must already be waiting
            async with ScriptedBridge(bridge.share):
                assert bridge.share in text_of(await call)

    async def test_the_same_kernel_under_another_record_goes_on_silently(self):
        kernel = {"connection_file": "/run/kernel-7.json", "kernel_pid": 4711}
        async with ScriptedBridge(**kernel) as bridge, FrontClient() as client:
            await client.run()
            await bridge.lose("Stopped sharing.", "")
            async with ScriptedBridge(**kernel) as again, ScriptedBridge():
                assert again.share in await client.run()

    async def test_another_kernel_on_the_same_connection_file_is_not_the_same(self):
        bridge = ScriptedBridge(connection_file="/run/kernel-7.json", kernel_pid=4711)
        async with bridge, FrontClient() as client:
            await client.run()
            await bridge.lose("Stopped sharing.", "")
            async with ScriptedBridge(connection_file="/run/kernel-7.json", kernel_pid=4712):
                assert (await client.run()).startswith("error: Stopped sharing.")

    async def test_lists_still_work_while_a_kernel_is_lost(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            known = await client.ask("tools/list")
            await bridge.lose("Console 1/A was closed.", "")
            assert (await client.ask("tools/list"))["result"] == known["result"]
            assert (await client.ask("ping"))["result"] == {"resultType": "complete"}
            discovered = await client.ask("server/discover")  # never asked before
            assert discovered["result"]["supportedVersions"]
            assert (await client.run()).startswith("error: Console 1/A was closed.")

    async def test_what_only_the_lost_bridge_knew_is_an_error(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run()
            await bridge.lose("Console 1/A was closed.", "")
            answer = await client.ask("resources/read", uri="kernel://x/files/y")
            assert answer["error"]["message"].startswith("Console 1/A was closed.")

    async def test_an_answer_to_a_dead_bridges_question_reaches_no_other_bridge(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run("ask")
            question = await client.next_unasked()
            await bridge.stop()
            cancelled = await client.next_unasked()
            assert cancelled["method"] == "notifications/cancelled"
            assert cancelled["params"]["requestId"] == question["id"]
            async with ScriptedBridge(bridge.share) as again:
                await client.run()
                await client.send({"jsonrpc": "2.0", "id": question["id"], "result": {}})
                await client.run()
                assert not [r for r in again.requests if "result" in r]


class TestReplay:
    async def test_a_client_of_the_handshake_era_is_introduced_to_the_next_bridge(self):
        async with ScriptedBridge() as bridge, FrontClient(modern=False) as client:
            await client.run()
            await bridge.stop()
            async with ScriptedBridge(bridge.share) as again:
                assert again.share in await client.run()
                methods = [r["method"] for r in again.requests]
                assert methods == ["initialize", "notifications/initialized", "tools/call"]
            assert (await client.next_unasked())["method"] == "notifications/tools/list_changed"
            assert client.unasked.empty()

    async def test_a_subscription_lives_on_in_the_next_bridge(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            listen = await client.begin(
                "subscriptions/listen", notifications={"toolsListChanged": True}
            )
            assert (await client.next_unasked())["method"].endswith("acknowledged")
            await bridge.stop()
            async with ScriptedBridge(bridge.share) as again:
                await client.run()
                changed = await client.next_unasked()
                assert changed["method"] == "notifications/tools/list_changed"
                meta = changed["params"]["_meta"]
                assert meta == {SUBSCRIPTION: listen.request_id}
                assert (await again.seen("subscriptions/listen"))["id"] == listen.request_id
                await again.tell("notifications/tools/list_changed", {"_meta": meta})
                assert (await client.next_unasked())["params"]["_meta"] == meta
            assert not listen.done()
            assert client.unasked.empty()

    async def test_a_cancelled_subscription_is_not_taken_up_again(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            listen = await client.begin(
                "subscriptions/listen", notifications={"toolsListChanged": True}
            )
            await client.next_unasked()
            await client.cancel(listen)
            await bridge.seen("notifications/cancelled")
            await bridge.stop()
            async with ScriptedBridge(bridge.share) as again:
                await client.run()
                assert [r["method"] for r in again.requests] == ["tools/call"]
            assert client.unasked.empty()


class TestSwitch:
    async def test_use_kernel_on_a_kernel_of_another_bridge_goes_there(self, tmp_path: Path):
        async with (
            ScriptedBridge(workspaces=(str(tmp_path),)) as first,
            ScriptedBridge() as other,
            FrontClient(tmp_path) as client,
        ):
            answer = await client.call("use_kernel", kernel=other.share)
            assert answer == f"now in {other.share}"
            assert other.share in await client.run()
            assert [r["params"]["name"] for r in first.requests] == ["use_kernel"]

    async def test_a_call_that_runs_in_the_old_kernel_still_gets_its_answer(self, tmp_path: Path):
        async with (
            ScriptedBridge(workspaces=(str(tmp_path),)) as first,
            ScriptedBridge() as other,
            FrontClient(tmp_path) as client,
        ):
            call = await client.begin_call("execute_code", code="block")
            await client.call("use_kernel", kernel=other.share)
            assert other.share in await client.run()
            first.release()
            assert first.share in text_of(await call)

    async def test_a_switch_that_fails_is_said_and_the_agent_stays(self):
        async with ScriptedBridge() as first, FrontClient() as client:
            answer = await client.call("use_kernel", kernel="share-gone")
            assert answer.startswith("error: That kernel is not shared any more.")
            assert first.share in await client.run()

    async def test_a_chosen_kernel_that_is_lost_is_not_replaced_by_the_first(self, tmp_path: Path):
        async with (
            ScriptedBridge(workspaces=(str(tmp_path),)),
            ScriptedBridge() as other,
            FrontClient(tmp_path) as client,
        ):
            await client.call("use_kernel", kernel=other.share)
            await other.lose("Console 2/A was closed.", "")
            assert (await client.run()).startswith("error: Console 2/A was closed.")

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP")
    async def test_a_bridge_that_said_why_it_goes_is_heard_out_before_the_call_is_refused(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.run()
            client.process.send_signal(signal.SIGSTOP)
            for number in range(500):  # so that the call finds the socket closed before all is read
                await bridge.tell("notifications/message", {"level": "info", "data": number})
            await bridge.lose("Console 2/A was closed.", "")
            call = await client.begin_call("execute_code", code="1")
            client.process.send_signal(signal.SIGCONT)
            assert text_of(await call).startswith("error: Console 2/A was closed.")


async def test_two_clients_each_have_their_own_front_and_kernel():
    async with FrontClient() as one, FrontClient() as other:
        await asyncio.gather(one.run("die"), other.run("x"))
        assert "private: " in await other.run("x")
        assert (await one.run()).startswith("error: ")


class TestRaces:
    @pytest.mark.parametrize("seed", range(5))
    async def test_each_call_has_exactly_one_answer_whenever_the_bridge_dies(self, seed: int):
        moments = random.Random(seed)
        bridge = ScriptedBridge("share-1")
        await bridge.start()
        async with FrontClient() as client:
            await client.run("connected")
            for _ in range(10):
                codes = moments.choices(["1", "bytes 300000", "block"], k=10)
                calls = [await client.begin_call("execute_code", code=code) for code in codes]
                for _ in range(moments.randrange(30)):
                    await asyncio.sleep(0)  # a step of the loop, to die at another moment each time
                await bridge.stop()
                answers = await asyncio.wait_for(asyncio.gather(*calls), 20)
                assert all("result" in answer for answer in answers)
                bridge = ScriptedBridge("share-1")
                await bridge.start()
                assert await client.run("again") == "share-1: execute_code again"
            assert client.unasked.empty()
            assert client.garbage == []
        await bridge.stop()
