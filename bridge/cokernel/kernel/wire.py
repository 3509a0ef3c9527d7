"""The Jupyter wire format: frames ↔ messages, signed.

`jupyter_client.Session` does the same and more (dates to datetimes, replay history, traits); on the hot path of a
1 ms round trip that costs as much as the round trip itself, so these two functions stand here instead. Pure.
Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
"""

from __future__ import annotations

import hmac
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from cokernel.errors import Untrusted
from cokernel.kernel.link import Channel, Message

DELIMITER = b"<IDS|MSG>"
PROTOCOL_VERSION = "5.3"
MAX_BODY_BYTES = 32_000_000
"""A larger body of an output is counted, not held: one message of a kernel must not fill the bridge's memory."""

_BULKY = {
    "stream",
    "display_data",
    "execute_result",
    "update_display_data",
    "comm_msg",
    "comm_open",
}
_PARTS = 5


class Codec:
    """Signs what one client sends to one kernel, and reads what comes back."""

    def __init__(self, key: bytes, signature_scheme: str = "hmac-sha256") -> None:
        if not key:
            raise Untrusted(
                "The connection file has no key, so nobody could tell the kernel from an impostor.",
                "Start the kernel with a key (the default), then share it again.",
            )
        self.session_id = uuid.uuid4().hex
        self._signer = _signer(key, signature_scheme)
        self._sent = 0

    def encode(
        self,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        header: Mapping[str, Any] | None = None,
        parent: Mapping[str, Any] | None = None,
    ) -> tuple[str, list[bytes]]:
        """A new message's id and its frames. `header` adds to the standard header."""
        self._sent += 1
        msg_id = f"{self.session_id}_{os.getpid()}_{self._sent}"
        whole_header = {
            "msg_id": msg_id,
            "msg_type": msg_type,
            "session": self.session_id,
            "username": "cokernel",
            "date": datetime.now(timezone.utc).isoformat(),
            "version": PROTOCOL_VERSION,
            **(header or {}),
        }
        parts = [_pack(whole_header), _pack(parent or {}), b"{}", _pack(content)]
        return msg_id, [DELIMITER, self._sign(parts), *parts]

    def decode(self, channel: Channel, frames: Sequence[bytes]) -> Message:
        """The message in these frames.

        Raises
        ------
        Untrusted
            it is not signed with the kernel's key, or it is not a message at all.
        """
        parts = self._verified_parts(frames)
        body = parts[3]
        try:
            header, parent = json.loads(parts[0]), json.loads(parts[1])
            msg_type = _text(header["msg_type"])
            too_large = len(body) > MAX_BODY_BYTES and msg_type in _BULKY
            return Message(
                channel=channel,
                msg_type=msg_type,
                msg_id=_text(header["msg_id"]),
                parent_id=_text(parent.get("msg_id", "")),
                parent_type=_text(parent.get("msg_type", "")),
                parent_session=_text(parent.get("session", "")),
                content={} if too_large else _mapping(json.loads(body)),
                metadata=_mapping(json.loads(parts[2])),
                dropped_bytes=len(body) if too_large else 0,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Untrusted(
                f"The kernel sent a malformed message ({type(error).__name__})."
            ) from error

    def _verified_parts(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        try:
            start = list(frames).index(DELIMITER) + 1
        except ValueError:
            raise Untrusted("What arrived is not a Jupyter message.") from None
        signature, parts = frames[start : start + 1], frames[start + 1 : start + _PARTS]
        if len(parts) < _PARTS - 1:
            raise Untrusted("What arrived is only a part of a Jupyter message.")
        if not hmac.compare_digest(signature[0], self._sign(parts)):
            raise Untrusted("A message with an invalid signature arrived on the kernel's ports.")
        return parts

    def _sign(self, parts: Sequence[bytes]) -> bytes:
        signer = self._signer.copy()
        for part in parts:
            signer.update(part)
        return signer.hexdigest().encode()


def _signer(key: bytes, signature_scheme: str) -> hmac.HMAC:
    kind, _, digest = signature_scheme.partition("-")
    try:
        if kind != "hmac" or not digest:
            raise ValueError("not an HMAC")
        signer = hmac.new(key, digestmod=digest)
        signer.hexdigest()  # not every hash can sign: some have no length of their own
    except (ValueError, TypeError) as error:
        raise Untrusted(
            f"The connection file asks for the signature scheme {signature_scheme[:80]!r}, which is not known here.",
            "Start the kernel with hmac-sha256 (the default).",
        ) from error
    return signer


def _pack(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode()


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
