"""JSON-RPC as far as the front must know it: what a line is, whom it answers, and the few lines of its own.

A bridge's answers can be megabytes of image: they are recognised by their first bytes and never
parsed. A client's lines are parsed, because clients put the id last.
"""

from __future__ import annotations

import enum
import json
import re
from typing import Any, NamedTuple

from cokernel.front.lines import Line

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
SERVER_ERROR = -32000
MAX_DEPTH = 100
"""Levels of nesting in a client's message."""
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
_ANSWER_HEAD = re.compile(
    rb'\{"jsonrpc":\s?"2\.0",\s?"id":\s?(-?\d{1,20}|"(?:[^"\\]|\\.){0,1000}"),\s?"(?:result|error)":'
)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LISTS = {
    "tools": "toolsListChanged",
    "prompts": "promptsListChanged",
    "resources": "resourcesListChanged",
}


class Kind(enum.Enum):
    """What a line is in JSON-RPC."""

    REQUEST = 1
    NOTIFICATION = 2
    ANSWER = 3


class Message(NamedTuple):
    """A line, understood as far as it was needed."""

    line: Line
    """With its newline, as it came."""
    kind: Kind
    key: str
    """The id as JSON text, so that 1 and "1" stay apart; empty for a notification."""
    method: str
    """Empty for an answer."""
    params: dict[str, Any]
    """Empty for an answer."""

    @property
    def tool(self) -> str:
        """Of a `tools/call`."""
        name = self.params.get("name") if self.method == "tools/call" else None
        return name if isinstance(name, str) else ""

    @property
    def arguments(self) -> dict[str, Any]:
        """Of a `tools/call`."""
        return _object(self.params.get("arguments"))

    @property
    def modern(self) -> bool:
        """It belongs to the stateless era (2026-07-28 and later), not to the one that begins with `initialize`."""
        return _VERSION_KEY in _object(self.params.get("_meta"))


class MessageError(ValueError):
    """A line that is no JSON-RPC message."""

    def __init__(self, code: int, message: str, key: str = "") -> None:
        super().__init__(message)
        self.code = code
        """JSON-RPC's."""
        self.key = key
        """Of the request that it would be, if that much could be read."""


def read(line: Line) -> Message:
    """Any line, parsed.

    Raises
    ------
    MessageError
        it is not JSON, or not one message of JSON-RPC.
    """
    data = _parse(line)
    method, identity = data.get("method"), data.get("id")
    if isinstance(method, str):
        kind = Kind.REQUEST if "id" in data else Kind.NOTIFICATION
    elif "result" in data or "error" in data:
        kind = Kind.ANSWER
    else:
        key = key_of(identity)
        raise MessageError(INVALID_REQUEST, "Invalid request: neither a method nor a result.", key)
    if "id" in data and not _is_id(identity, kind):
        raise MessageError(
            INVALID_REQUEST, "Invalid request: the id is not text or a whole number."
        )
    key = json.dumps(identity) if "id" in data else ""
    _refuse_what_strict_parsers_refuse(line, data, key)
    params = _object(data.get("params")) if kind is not Kind.ANSWER else {}
    return Message(line, kind, key, method if isinstance(method, str) else "", params)


def _parse(line: Line) -> dict[str, Any]:
    try:
        data = _DECODER.decode(str(line, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise MessageError(PARSE_ERROR, "Parse error: a line is not JSON.") from error
    if not isinstance(data, dict):
        raise MessageError(INVALID_REQUEST, "Invalid request: a line is not one JSON object.")
    return data


def _refuse_what_strict_parsers_refuse(line: Line, data: dict[str, Any], key: str) -> None:
    """A bridge that cannot parse a line cannot answer it either: its caller would wait for ever."""
    if len(line) > 2 * MAX_DEPTH and _is_deeper(data, MAX_DEPTH):
        raise MessageError(PARSE_ERROR, f"Parse error: nested deeper than {MAX_DEPTH} levels.", key)
    if _SURROGATE.search(line):
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise MessageError(
                PARSE_ERROR, "Parse error: half of a surrogate pair.", key
            ) from error


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def read_from_bridge(line: Line) -> Message:
    """A bridge's line; an answer is not parsed.

    Raises
    ------
    MessageError
        it is no message of JSON-RPC.
    """
    head = _ANSWER_HEAD.match(line)
    if head is None:
        return read(line)
    raw = head[1]
    try:
        key = json.dumps(json.loads(raw)) if raw.startswith(b'"') else raw.decode()
    except ValueError as error:
        raise MessageError(PARSE_ERROR, "Parse error: an id is not JSON.") from error
    return Message(line, Kind.ANSWER, key, "", {})


def key_of(identity: object) -> str:
    """The `Message.key` of an id that stands inside a message."""
    return json.dumps(identity) if _is_id(identity, Kind.REQUEST) else ""


def _is_id(identity: object, kind: Kind) -> bool:
    if identity is None:
        return kind is Kind.ANSWER  # an error about a line whose id could not be read
    return isinstance(identity, str | int) and not isinstance(identity, bool)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"


def error_line(key: str, code: int, message: str) -> bytes:
    """A JSON-RPC error; an empty `key` stands for an id that could not be read."""
    return _line({"id": json.loads(key or "null"), "error": {"code": code, "message": message}})


def result_line(key: str, result: dict[str, Any], *, modern: bool) -> bytes:
    return _line(
        {
            "id": json.loads(key),
            "result": {**({"resultType": "complete"} if modern else {}), **result},
        }
    )


def text_line(request: Message, text: str, *, is_error: bool) -> bytes:
    """The result of a tool call, as one text."""
    result = {"content": [{"type": "text", "text": text}], "isError": is_error}
    return result_line(request.key, result, modern=request.modern)


def with_text(answer: Line, text: str) -> bytes:
    """A tool's answer with one more text at its end."""
    data = json.loads(bytes(answer))
    data["result"]["content"].append({"type": "text", "text": text})
    return _line({"id": data["id"], "result": data["result"]})


def same_result_line(key: str, answer: Line) -> bytes:
    """An earlier answer once more, for another request."""
    return _line({"id": json.loads(key), "result": json.loads(bytes(answer))["result"]})


def with_id(request: Line, identity: str) -> bytes:
    """A request again under an id of ours."""
    return _line({**json.loads(bytes(request)), "id": identity})


def succeeded(answer: Line) -> bool:
    """Whether an answer is a result, and if it is a tool's, one without `isError`."""
    data = json.loads(bytes(answer))
    return "error" not in data and not _object(data.get("result")).get("isError")


def capabilities(answer: Line) -> dict[str, Any]:
    """What the server said it can, in the answer of `initialize`."""
    return _object(_object(json.loads(bytes(answer)).get("result")).get("capabilities"))


def cancelled_line(key: str, reason: str) -> bytes:
    params = {"requestId": json.loads(key), "reason": reason}
    return _line({"method": "notifications/cancelled", "params": params})


def initialized_line() -> bytes:
    return _line({"method": "notifications/initialized"})


def lists_changed_lines(declared: dict[str, Any]) -> list[bytes]:
    """What tells a client of the handshake era to ask for its lists again."""
    return [
        _line({"method": f"notifications/{name}/list_changed"})
        for name in _LISTS
        if _object(declared.get(name)).get("listChanged")
    ]


def lists_changed_lines_for(listen: Message) -> list[bytes]:
    """The same for a subscription of the stateless era."""
    meta = {"_meta": {_SUBSCRIPTION_KEY: json.loads(listen.key)}}
    wanted = _object(listen.params.get("notifications"))
    return [
        _line({"method": f"notifications/{name}/list_changed", "params": meta})
        for name, field in _LISTS.items()
        if wanted.get(field) is True
    ]


def acknowledged_line(listen: Message) -> bytes:
    """What a bridge says to a new subscription."""
    params = {
        "_meta": {_SUBSCRIPTION_KEY: json.loads(listen.key)},
        "notifications": _object(listen.params.get("notifications")),
    }
    return _line({"method": ACKNOWLEDGED, "params": params})


def acknowledged_key(message: Message) -> str:
    """Which subscription a bridge acknowledges; empty if it does not."""
    if message.method != ACKNOWLEDGED:
        return ""
    return key_of(_object(message.params.get("_meta")).get(_SUBSCRIPTION_KEY))
