"""The three lines that open a connection to a bridge, and the bridge's asides: bytes in, bytes out, no I/O.

A front (or any program of the same user)::

    challenge = read_challenge(line_1)
    send(answer(challenge, nonce := new_nonce(), token, share=..., cwd=...))
    welcome = read_welcome(line_3, challenge, nonce, token)        # raises Untrusted for an impostor

A bridge::

    send(challenge_line(challenge := new_nonce()))
    reply = read_answer(line_2)                                    # reply.share says whose token counts
    if not reply.proves(token, challenge): close()
    send(welcome_line(reply, challenge, token, title=..., ide=...))

Both sides prove that they know the token and neither sends it, so an impostor on a reused port learns nothing. Lines
are at most `LINE_LIMIT` bytes, and whoever reads them gives up after `DEADLINE_S`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from _operator import _compare_digest as same_digest  # what `hmac` uses where there is no OpenSSL
from collections.abc import Callable
from typing import Any, NamedTuple

from cokernel.errors import Untrusted

VERSION = 1
LINE_LIMIT = 4096
"""Bytes of a line of the handshake, its newline included."""
DEADLINE_S = 5.0
"""Seconds for the whole handshake."""
ASIDE_START = b'{"cokernel"'
"""What an aside begins with and a JSON-RPC message never does."""

_NONCE = re.compile(r"[0-9a-f]{32}\Z")
_PROOF = re.compile(r"[0-9a-f]{64}\Z")
_SHARE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Answer(NamedTuple):
    """What a client said of itself."""

    share: str
    nonce: str
    proof: str
    cwd: str
    """The folder it works in; may be empty. For display and choice only: nothing vouches for it."""

    def proves(self, token: str, challenge: str) -> bool:
        """Whether the client knows the token."""
        return same_digest(self.proof, _proof("client", challenge, self.nonce, token))


class Welcome(NamedTuple):
    """What a bridge that proved itself said of the share."""

    share: str
    title: str
    ide: str


class Switch(NamedTuple):
    """Aside: after the answer of the `use_kernel` call, connect to this share."""

    share: str


class Lost(NamedTuple):
    """Aside: the share ended; the connection closes after it."""

    what: str
    next_step: str


def new_nonce() -> str:
    """128 random bits."""
    return os.urandom(16).hex()


def challenge_line(challenge: str) -> bytes:
    """Line 1, from the bridge."""
    return _line({"version": VERSION, "nonce": challenge})


def read_challenge(line: bytes) -> str:
    """The bridge's nonce.

    Raises
    ------
    Untrusted
        whatever listens there is not a bridge, or speaks another version.
    """
    return _matching(_body(line), "nonce", _NONCE)


def answer(challenge: str, nonce: str, token: str, *, share: str, cwd: str = "") -> bytes:
    """Line 2, from the client. A `cwd` for which the line has no room is left out."""
    body = {
        "version": VERSION,
        "share": share,
        "nonce": nonce,
        "proof": _proof("client", challenge, nonce, token),
        "cwd": cwd,
    }
    line = _line(body)
    return line if len(line) <= LINE_LIMIT else _line({**body, "cwd": ""})


def read_answer(line: bytes) -> Answer:
    """What the client claims; ask `Answer.proves` before believing any of it.

    Raises
    ------
    Untrusted
        it is not line 2 of this protocol: close the connection without an answer.
    """
    body = _body(line)
    return Answer(
        share=_matching(body, "share", _SHARE),
        nonce=_matching(body, "nonce", _NONCE),
        proof=_matching(body, "proof", _PROOF),
        cwd=_text(body, "cwd"),
    )


def welcome_line(reply: Answer, challenge: str, token: str, *, title: str, ide: str) -> bytes:
    """Line 3, from the bridge."""
    return _line(
        {
            "version": VERSION,
            "proof": _proof("bridge", challenge, reply.nonce, token),
            "share": reply.share,
            "title": title[:200],
            "ide": ide[:200],
        }
    )


def read_welcome(line: bytes, challenge: str, nonce: str, token: str) -> Welcome:
    """Who the bridge is, once it has proved that it knows the token.

    Raises
    ------
    Untrusted
        it does not know the token, or does not keep to the protocol.
    """
    body = _body(line)
    proof = _matching(body, "proof", _PROOF)
    if not same_digest(proof, _proof("bridge", challenge, nonce, token)):
        raise Untrusted("What listens there does not know the token of the share.")
    share = _matching(body, "share", _SHARE)
    return Welcome(share, _text(body, "title"), _text(body, "ide"))


def switch_line(share: str) -> bytes:
    """The aside that sends the front to another bridge."""
    return _line({"switch": {"share": share}})


def lost_line(what: str, next_step: str) -> bytes:
    """The aside that says why the share ended."""
    return _line({"lost": {"what": what[:1000], "next": next_step[:1000]}})


def read_aside(line: bytes) -> Switch | Lost | None:
    """An aside; None for one of a later version, which is passed over.

    Raises
    ------
    Untrusted
        it is not JSON, or not built as it must be.
    """
    body = _object(line, "cokernel", limit=4 * LINE_LIMIT)
    if "switch" in body:
        return Switch(_matching(_member(body, "switch"), "share", _SHARE))
    if "lost" in body:
        lost = _member(body, "lost")
        return Lost(_text(lost, "what"), _text(lost, "next"))
    return None


def _lean_sha256() -> Callable[[bytes], Any]:
    """SHA-256 as `random` takes its hash: `hashlib` and `hmac` load OpenSSL, 3 MB and 5 ms more."""
    for module in ("_sha2", "_sha256"):  # Python 3.12 and later; up to 3.11
        with contextlib.suppress(ImportError):
            found: Callable[[bytes], Any] = __import__(module).sha256
            return found
    from hashlib import sha256  # this Python was built without its own

    return sha256


_sha256 = _lean_sha256()


def _proof(role: str, challenge: str, nonce: str, token: str) -> str:
    return hmac_sha256(token.encode(), f"{role}:{challenge}:{nonce}".encode()).hex()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104; a test compares it with the standard library's."""
    if len(key) > _BLOCK:
        key = _sha256(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    inner = _sha256(key.translate(_INNER) + message).digest()
    digest: bytes = _sha256(key.translate(_OUTER) + inner).digest()
    return digest


def _line(body: dict[str, Any]) -> bytes:
    return json.dumps({"cokernel": body}, separators=(",", ":")).encode() + b"\n"


def _body(line: bytes) -> dict[str, Any]:
    body = _object(line, "cokernel", limit=LINE_LIMIT)
    version = body.get("version")
    if version != VERSION or isinstance(version, bool):
        raise Untrusted(
            "The other side speaks another version of the handshake.",
            "Bring both sides to the same version of cokernel.",
        )
    return body


def _object(line: bytes, key: str, *, limit: int) -> dict[str, Any]:
    if len(line) > limit:
        raise Untrusted("A line is too long.")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Untrusted("A line is not JSON.") from error
    if not isinstance(data, dict):
        raise Untrusted("A line is not a JSON object.")
    return _member(data, key)


def _member(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if not isinstance(value, dict):
        raise Untrusted(f"A line has no object {key}.")
    return value


def _matching(body: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = _text(body, key)
    if not pattern.match(value):
        raise Untrusted(f"The field {key} of a line is not what it must be.")
    return value


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str):
        raise Untrusted(f"The field {key} of a line is not text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise Untrusted(f"The field {key} of a line is not Unicode text.") from error
    return value
