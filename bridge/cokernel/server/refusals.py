"""What a client is told of a line that is no message: each gets an answer, so that no request waits for ever. Pure."""

from __future__ import annotations

import json

PARSE_ERROR = -32700
INVALID_REQUEST = -32600


def refusal_of(line: bytes) -> bytes | None:
    """The JSON-RPC error for a line that could not be read; None for what nobody waits for (a notification, say)."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return _error(None, PARSE_ERROR, "Parse error: a line is not JSON that can be read.")
    if not isinstance(data, dict):
        return _error(None, INVALID_REQUEST, "Invalid request: a line is not one JSON object.")
    if "method" not in data and ("result" in data or "error" in data):
        return None
    identity = data.get("id")
    if "id" not in data and isinstance(data.get("method"), str):
        return None
    known = identity if isinstance(identity, str) or type(identity) is int else None
    return _error(known, INVALID_REQUEST, f"Invalid request: {_what_is_wrong(data)}.")


def too_long(limit: int) -> bytes:
    """The answer to a line that was longer than is read; which request it was cannot be known."""
    return _error(None, INVALID_REQUEST, f"Invalid request: a line has more than {limit} bytes.")


def _what_is_wrong(data: dict[str, object]) -> str:
    if data.get("jsonrpc") != "2.0":
        return 'jsonrpc is not "2.0"'
    if not isinstance(data.get("method"), str):
        return "method is not text"
    identity = data.get("id")
    if not isinstance(identity, str) and type(identity) is not int:
        return "the id is not text or a whole number"
    if not isinstance(data.get("params", {}), dict):
        return "params is not an object"
    return "it holds half a surrogate pair, or a number or nesting that is out of bounds"


def _error(identity: str | int | None, code: int, message: str) -> bytes:
    answer = {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}
    return json.dumps(answer).encode() + b"\n"
