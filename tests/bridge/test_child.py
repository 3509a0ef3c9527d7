"""The child protocol's Python side, against the same examples that the TypeScript side replays."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cokernel.child import PROTOCOL_VERSION, Child, encode_event
from cokernel.errors import CokernelError, Unknown, Untrusted
from cokernel.host import (
    Activity,
    ActivityChanged,
    Answer,
    BridgeFailed,
    BridgeHost,
    BridgeStarted,
    Change,
    ClientInfo,
    ClientsChanged,
    DisplayOutput,
    ErrorOutput,
    ErrorSummary,
    Event,
    Kind,
    Mode,
    Origin,
    Output,
    OutputsChanged,
    ShareChanged,
    ShareInfo,
    ShareState,
    State,
    StreamOutput,
    Variable,
)

CONTRACT = Path(__file__).parents[1] / "contract"
HELLO = b'{"id": 1, "do": "hello", "version": 1, "ide": "VS Code", "workspaces": ["/home/ada"]}'
T = TypeVar("T")


def read(name: str) -> list[Any]:
    return [json.loads(line) for line in (CONTRACT / name).read_text("ascii").splitlines()]


# ---- from the wire to the host's types: the encoder's mirror, so that the examples themselves are the arrangement


def to_event(line: dict[str, Any]) -> Event:
    kind = line["event"]
    if kind == "share":
        return ShareChanged(to_share(line["share"]))
    if kind == "clients":
        return ClientsChanged(tuple(to_client(each) for each in line["clients"]))
    if kind == "activity":
        return ActivityChanged(line["activity"]["share"], to_activity(line["activity"]))
    if kind == "outputs":
        return OutputsChanged(line["share"], line["number"])
    if kind == "failed":
        return BridgeFailed(line["code"], line["message"])
    assert kind == "started"
    return BridgeStarted()


def to_share(wire: dict[str, Any]) -> ShareInfo:
    rest = {**wire, "state": ShareState(wire["state"]), "mode": Mode(wire["mode"])}
    return ShareInfo(share_id=rest.pop("share"), **rest)


def to_client(wire: dict[str, Any]) -> ClientInfo:
    rest = dict(wire)
    return ClientInfo(client_id=rest.pop("client"), share_id=rest.pop("share"), **rest)


def to_activity(wire: dict[str, Any]) -> Activity:
    rest = {key: value for key, value in wire.items() if key != "share"}
    rest["origin"], rest["kind"] = Origin(wire["origin"]), Kind(wire["kind"])
    rest["state"] = State(wire["state"])
    rest["error"] = wire["error"] and ErrorSummary(**wire["error"])
    rest["changes"] = tuple(Change(**change) for change in wire["changes"])
    return Activity(**rest)


def to_output(wire: dict[str, Any]) -> Output:
    rest = dict(wire)
    kind = rest.pop("kind")
    if kind == "stream":
        return StreamOutput(rest["name"], rest["text"], rest["dropped"], rest["dropped_at"])
    return DisplayOutput(**rest) if kind == "display" else ErrorOutput(**rest)


def done(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future


def failed(error: CokernelError) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


class ScriptedHost(BridgeHost):
    """Answers each call with the next outcome it was given, and notes what it was asked."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.calls: list[tuple[Any, ...]] = []
        self.outcome: Future[Any] = done(None)

    def start(self) -> None:
        self.calls.append(("start",))
        self.arguments["on_event"](BridgeStarted())

    def stop(self, timeout_s: float = 5.0) -> bool:
        self.calls.append(("stop",))
        return True

    def _note(self, *call: Any) -> Future[Any]:
        self.calls.append(call)
        return self.outcome

    def share(self, connection_file: str, **options: Any) -> Future[ShareInfo]:
        return self._note("share", connection_file, options)

    def retarget(self, share_id: str, connection_file: str, **options: Any) -> Future[ShareInfo]:
        return self._note("retarget", share_id, connection_file, options)

    def rename(self, share_id: str, title: str) -> Future[ShareInfo]:
        return self._note("rename", share_id, title)

    def restarted(self, share_id: str, reason: str = "") -> None:
        self._note("restarted", share_id, reason)

    def unshare(self, share_id: str, reason: str = "") -> Future[None]:
        return self._note("unshare", share_id, reason)

    def set_mode(self, share_id: str, mode: Mode) -> Future[ShareInfo]:
        return self._note("set_mode", share_id, mode)

    def pause(self, share_id: str, paused: bool) -> Future[ShareInfo]:
        return self._note("pause", share_id, paused)

    def answer(self, approval: str, answer: Answer) -> Future[None]:
        return self._note("answer", approval, answer)

    def interrupt(self, share_id: str, number: int | None = None) -> Future[int]:
        return self._note("interrupt", share_id, number)

    def outputs(self, share_id: str, number: int) -> Future[tuple[Output, ...]]:
        return self._note("outputs", share_id, number)

    def variables(self, share_id: str) -> Future[tuple[Variable, ...]]:
        return self._note("variables", share_id)

    def activities(self, share_id: str) -> Future[tuple[Activity, ...]]:
        return self._note("activities", share_id)


def outcome_of(answer: dict[str, Any]) -> Future[Any]:
    """What a host would have said for this answer to be right."""
    if "error" in answer:
        kinds = {kind.code: kind for kind in (Untrusted, Unknown)}
        return failed(kinds[answer["error"]["code"]](answer["error"]["message"]))
    ok = answer["ok"]
    if "title" in ok:
        return done(to_share(ok))
    if "outputs" in ok:
        return done(tuple(to_output(each) for each in ok["outputs"]))
    if "variables" in ok:
        return done(tuple(Variable(**each) for each in ok["variables"]))
    if "activities" in ok:
        return done(tuple(to_activity(each) for each in ok["activities"]))
    return done(ok.get("interrupted"))


def converse(*lines: bytes, outcome: Future[Any] | None = None) -> tuple[list[Any], ScriptedHost]:
    """What a child said to these lines, and the host that it drove."""
    said: list[Any] = []
    hosts: list[ScriptedHost] = []

    def make_host(**arguments: Any) -> ScriptedHost:
        hosts.append(ScriptedHost(**arguments))
        hosts[0].outcome = outcome or done(None)
        return hosts[0]

    Child(said.append, make_host).run(lines)
    return said, hosts[0] if hosts else ScriptedHost()


@pytest.mark.parametrize(
    "line",
    [line for line in read("events.jsonl") if line["event"] != "dropped"],
    ids=lambda line: line["event"],
)
def test_event_is_encoded_as_the_contract_has_it(line: dict[str, Any]) -> None:
    assert encode_event(to_event(line)) == line


def test_contract_shows_every_value_that_can_go_over_the_wire() -> None:
    events = read("events.jsonl")
    shares = [line["share"] for line in events if line["event"] == "share"]
    activities = [line["activity"] for line in events if line["event"] == "activity"]
    assert {share["state"] for share in shares} == {state.value for state in ShareState}
    assert {share["mode"] for share in shares} == {mode.value for mode in Mode}
    assert {each["state"] for each in activities} == {state.value for state in State}
    assert {each["kind"] for each in activities} == {kind.value for kind in Kind}
    assert {each["origin"] for each in activities} == {origin.value for origin in Origin}


@pytest.mark.parametrize(
    "exchange", read("exchanges.jsonl"), ids=lambda exchange: exchange["command"]["do"]
)
def test_command_is_answered_as_the_contract_has_it(exchange: dict[str, Any]) -> None:
    command, answer = exchange["command"], exchange["answer"]

    said, host = converse(HELLO, json.dumps(command).encode(), outcome=outcome_of(answer))

    assert said[-1] == answer
    assert host.calls[1][0] == command["do"]


def test_contract_shows_every_command() -> None:
    from cokernel.child.commands import COMMANDS

    assert {exchange["command"]["do"] for exchange in read("exchanges.jsonl")} == set(COMMANDS)


@pytest.mark.parametrize("refusal", read("refusals.jsonl"), ids=lambda refusal: refusal["line"])
def test_malformed_command_is_refused_and_the_child_goes_on(refusal: dict[str, Any]) -> None:
    said, _ = converse(HELLO, refusal["line"].encode(), b'{"id": 99, "do": "stop"}')

    assert said[2]["id"] == refusal["id"]
    assert said[2]["error"]["code"] == refusal["code"]
    assert said[3] == {"id": 99, "ok": {}}


def test_hello_is_answered_before_the_first_event() -> None:
    said, host = converse(HELLO)

    assert said[0]["ok"]["version"] == PROTOCOL_VERSION
    assert said[0]["ok"]["front"]
    assert said[1] == {"event": "started"}
    assert host.arguments["ide"] == "VS Code"
    assert host.arguments["workspaces"] == ["/home/ada"]


def test_hello_of_another_version_is_refused_with_what_to_do() -> None:
    said, _ = converse(b'{"id": 1, "do": "hello", "version": 2, "ide": "x", "workspaces": []}')

    assert said[0]["error"]["code"] == "unsupported"
    assert "Update the older" in said[0]["error"]["message"]


def test_command_before_hello_is_refused() -> None:
    said, _ = converse(b'{"id": 1, "do": "variables", "share": "a"}')

    assert said[0]["error"]["code"] == "bad_request"


def test_end_of_input_stops_the_bridge() -> None:
    _, host = converse(HELLO)

    assert host.calls[-1] == ("stop",)


def test_call_that_was_cancelled_is_answered() -> None:
    cancelled: Future[None] = Future()
    cancelled.cancel()
    cancelled.set_running_or_notify_cancel()

    said, _ = converse(HELLO, b'{"id": 2, "do": "variables", "share": "a"}', outcome=cancelled)

    assert said[-1]["error"]["code"] == "share_lost"
