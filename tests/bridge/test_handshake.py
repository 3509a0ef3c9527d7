"""The handshake's lines, both sides against each other, and what must be refused."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cokernel import handshake
from cokernel.errors import Untrusted

TOKEN = "ab" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
READERS = [handshake.read_challenge, handshake.read_answer, handshake.read_aside]


def shake(server_token: str, client_token: str) -> handshake.Welcome:
    challenge, nonce = handshake.new_nonce(), handshake.new_nonce()
    seen = handshake.read_challenge(handshake.challenge_line(challenge))
    line = handshake.answer(seen, nonce, client_token, share="spyder-1", cwd="/home/ada")
    reply = handshake.read_answer(line)
    assert reply.proves(server_token, challenge) == (server_token == client_token)
    welcome = handshake.welcome_line(
        reply, challenge, server_token, title="Console 1/A", ide="Spyder"
    )
    return handshake.read_welcome(welcome, seen, nonce, client_token)


def test_both_sides_prove_the_token_without_sending_it():
    assert shake(TOKEN, TOKEN) == handshake.Welcome("spyder-1", "Console 1/A", "Spyder")
    line = handshake.answer(handshake.new_nonce(), handshake.new_nonce(), TOKEN, share="s")
    assert TOKEN.encode() not in line


def test_an_impostor_that_does_not_know_the_token_is_found_out():
    with pytest.raises(Untrusted, match="does not know the token"):
        shake("cd" * 32, TOKEN)


def test_an_answer_cannot_be_replayed_against_another_challenge():
    first = handshake.new_nonce()
    reply = handshake.read_answer(handshake.answer(first, handshake.new_nonce(), TOKEN, share="s"))
    assert reply.proves(TOKEN, first)
    assert not reply.proves(TOKEN, handshake.new_nonce())


def test_the_clients_proof_does_not_serve_as_the_bridges():
    challenge, nonce = handshake.new_nonce(), handshake.new_nonce()
    reflected = json.loads(handshake.answer(challenge, nonce, TOKEN, share="s"))
    with pytest.raises(Untrusted):
        handshake.read_welcome(json.dumps(reflected).encode(), challenge, nonce, TOKEN)


def test_the_proof_is_the_documented_one():
    challenge, nonce = "0" * 32, "1" * 32
    body = json.loads(handshake.answer(challenge, nonce, TOKEN, share="s"))["cokernel"]
    message = f"client:{challenge}:{nonce}".encode()
    assert body["proof"] == hmac.new(TOKEN.encode(), message, hashlib.sha256).hexdigest()


@given(key=st.binary(max_size=200), message=st.binary(max_size=300))
def test_hmac_equals_the_standard_librarys(key: bytes, message: bytes):
    assert handshake.hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


def test_a_folder_that_does_not_fit_is_left_out():
    line = handshake.answer("0" * 32, "1" * 32, TOKEN, share="s", cwd="/ä" * 3000)
    assert len(line) <= handshake.LINE_LIMIT
    assert handshake.read_answer(line).cwd == ""


@pytest.mark.parametrize("version", [0, 2, True, 1.5, "1", None])
def test_another_version_is_refused(version: object):
    line = json.dumps({"cokernel": {"version": version, "nonce": "0" * 32}}).encode()
    with pytest.raises(Untrusted, match="version"):
        handshake.read_challenge(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00",
        b"[]",
        b"null",
        b'{"cokernel": 1}',
        b'{"cokernel": {"version": 1, "nonce": "' + b"0" * 31 + b'"}}',
        b'{"cokernel": {"version": 1, "nonce": "' + b"0" * 32 + b'\\n"}}',
        b'{"cokernel": {"version": 1, "nonce": ' + b"9" * 5000 + b"}}",
        b"[" * 4000,
    ],
)
@pytest.mark.parametrize("read", [handshake.read_challenge, handshake.read_answer])
def test_anything_else_is_refused(read: object, line: bytes):
    with pytest.raises(Untrusted):
        read(line)  # type: ignore[operator]  # one of three readers of the same shape


@given(st.binary(max_size=5000))
def test_random_bytes_are_refused_or_read_never_more(line: bytes):
    for read in READERS:
        _refused_or_read(read, line)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines are noisy
@given(
    st.dictionaries(
        st.sampled_from(["version", "nonce", "proof", "share", "cwd", "switch", "lost"]), JSON
    )
)
def test_random_fields_are_refused_or_read_never_more(body: dict[str, object]):
    line = json.dumps({"cokernel": {"version": 1, **body}}).encode()
    for read in READERS:
        _refused_or_read(read, line)
    _refused_or_read(lambda line: handshake.read_welcome(line, "0" * 32, "1" * 32, TOKEN), line)


def test_asides_are_read_as_they_were_written():
    assert handshake.read_aside(handshake.switch_line("vscode-1")) == handshake.Switch("vscode-1")
    lost = handshake.lost_line("Console 1/A was closed.", "Choose another.")
    assert lost.startswith(handshake.ASIDE_START)
    assert handshake.read_aside(lost) == handshake.Lost(
        "Console 1/A was closed.", "Choose another."
    )


def test_an_aside_of_a_later_version_is_passed_over():
    assert handshake.read_aside(b'{"cokernel": {"mood": {}}}') is None


def _refused_or_read(read: object, line: bytes) -> None:
    with contextlib.suppress(Untrusted):
        read(line)  # type: ignore[operator]  # one of the readers, see above
