"""What a share record says, and the reading and writing of it as JSON."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from cokernel.errors import Untrusted

SCHEMA = 1
_SHARE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_TOKEN = re.compile(r"[0-9a-f]{64}\Z")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")
_ENDPOINT_KINDS = ("unix", "tcp")
_MAX_TEXT = 4096
_MAX_WORKSPACES = 64


class Secret:
    """A token that does not show in a repr, a log line or a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Endpoint(NamedTuple):
    """Where a bridge listens."""

    kind: str
    """`unix` or `tcp`."""
    address: str
    """The path of a socket (at most 100 bytes), or `127.0.0.1:port`."""

    def host_and_port(self) -> tuple[str, int]:
        """Of a `tcp` endpoint."""
        host, _, port = self.address.rpartition(":")
        return host, int(port)


class ShareRecord(NamedTuple):
    """One share, as `docs/protocol.md` has it. Immutable; `_replace` makes a changed copy."""

    share: str
    ide: str
    title: str
    mode: str
    endpoint: Endpoint
    token: Secret
    connection_file: str
    kernel_pid: int | None
    workspaces: tuple[str, ...]
    bridge_pid: int
    bridge_started: float
    host: str
    boot: str
    created: float
    """Seconds since the epoch, like `used`."""
    used: float

    @property
    def name(self) -> str:
        """How people and agents know it: `Console 1/A · Spyder`."""
        return f"{self.title} · {self.ide}" if self.ide else self.title


def is_share_id(text: str) -> bool:
    """Lower-case letters, digits and dashes: safe as a file name everywhere."""
    return _SHARE_ID.match(text) is not None


def encode(record: ShareRecord) -> bytes:
    """The file's bytes. They hold the token."""
    data: dict[str, Any] = {"schema": SCHEMA, **record._asdict()}
    data["endpoint"] = record.endpoint._asdict()
    data["token"] = record.token.reveal()
    return json.dumps(data, indent=1).encode()


def decode(data: dict[str, Any]) -> ShareRecord:
    """The record that a JSON object describes; unknown fields are left out.

    Raises
    ------
    Untrusted
        another schema, a field that is missing, or one that is not what it must be.
    """
    if data.get("schema") != SCHEMA or isinstance(data.get("schema"), bool):
        raise Untrusted(
            f"A share record has the schema {str(data.get('schema'))[:20]}, not {SCHEMA}.",
            "Bring both sides to the same version of cokernel.",
        )
    fields = _Fields(data)
    return ShareRecord(
        share=fields.matching("share", _SHARE_ID),
        ide=fields.text("ide"),
        title=fields.text("title"),
        mode=fields.text("mode"),
        endpoint=_endpoint(data.get("endpoint")),
        token=Secret(fields.matching("token", _TOKEN)),
        connection_file=fields.text("connection_file"),
        kernel_pid=None if data.get("kernel_pid") is None else fields.pid("kernel_pid"),
        workspaces=fields.texts("workspaces"),
        bridge_pid=fields.pid("bridge_pid"),
        bridge_started=fields.number("bridge_started"),
        host=fields.text("host"),
        boot=fields.text("boot"),
        created=fields.number("created"),
        used=fields.number("used"),
    )


def _endpoint(value: object) -> Endpoint:
    if not isinstance(value, dict):
        raise _bad("endpoint")
    fields = _Fields(value)
    kind, address = fields.text("kind"), fields.text("address")
    if kind not in _ENDPOINT_KINDS or not address:
        raise _bad("endpoint")
    if kind == "tcp" and not re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]{0,4}", address, re.ASCII):
        raise _bad("endpoint")
    return Endpoint(kind, address)


class _Fields:
    """Typed looks into a JSON object that anyone may have written."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def text(self, key: str) -> str:
        return _text(key, self._data.get(key))

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or len(value) > _MAX_WORKSPACES:
            raise _bad(key)
        return tuple(_text(key, item) for item in value)

    def matching(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.text(key)
        if not pattern.match(value):
            raise _bad(key)
        return value

    def number(self, key: str) -> float:
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad(key)
        if not 0 <= value < 1e12:  # refuses inf and nan as well
            raise _bad(key)
        return float(value)

    def pid(self, key: str) -> int:
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
            raise _bad(key)
        return value


def _text(key: str, value: object) -> str:
    """Text that may be shown: no control characters, so no forged lines and no escape sequences for a terminal."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not _PRINTABLE.match(value):
        raise _bad(key)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise _bad(key) from error
    return value


def _bad(key: str) -> Untrusted:
    return Untrusted(f"The field {key} of a share record is missing or not what it must be.")
