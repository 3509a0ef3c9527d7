"""The wire format: signed both ways; nothing that arrives can do more than be refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import Session

from cokernel.errors import Untrusted
from cokernel.kernel.link import Channel, Message
from cokernel.kernel.wire import DELIMITER, MAX_BODY_BYTES, Codec

KEY = b"0123456789abcdef"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def signed(*parts: bytes) -> list[bytes]:
    """Frames that carry the kernel's signature, whatever they say."""
    return [DELIMITER, Codec(KEY)._sign(parts), *parts]


def packed(*values: Any) -> list[bytes]:
    return signed(*(json.dumps(value).encode() for value in values))


def jupyter() -> Session:
    return Session(key=KEY, signature_scheme="hmac-sha256")


def test_jupyter_client_reads_what_we_write():
    codec = Codec(KEY)
    msg_id, frames = codec.encode("execute_request", {"code": "x = 'ü🙂'"}, header={"agent": "a"})
    message = jupyter().deserialize(frames[1:])
    assert message["header"]["msg_id"] == msg_id
    assert message["header"]["session"] == codec.session_id
    assert message["header"]["agent"] == "a"
    assert message["content"] == {"code": "x = 'ü🙂'"}


def test_we_read_what_jupyter_client_writes():
    session = jupyter()
    parent = session.msg("execute_request", {"code": "1"})
    message = session.msg("stream", {"name": "stdout", "text": "ü🙂"}, parent=parent)
    frames = [b"stream", *session.serialize(message), b"a buffer"]
    read = Codec(KEY).decode(Channel.IOPUB, frames)
    assert read.msg_type == "stream"
    assert (read.parent_id, read.parent_type) == (parent["header"]["msg_id"], "execute_request")
    assert read.parent_session == session.session
    assert read.content == {"name": "stdout", "text": "ü🙂"}


def test_another_key_is_refused():
    frames = jupyter().serialize(jupyter().msg("stream", {}))
    with pytest.raises(Untrusted, match="signature"):
        Codec(b"another key").decode(Channel.IOPUB, frames)


@pytest.mark.parametrize("part", range(1, 6))
def test_a_changed_byte_anywhere_is_refused(part: int):
    frames = jupyter().serialize(jupyter().msg("stream", {"text": "x"}))
    frames[part] = frames[part][:-1] + b"~"
    with pytest.raises(Untrusted):
        Codec(KEY).decode(Channel.IOPUB, frames)


def test_a_connection_without_a_key_is_refused():
    with pytest.raises(Untrusted, match="no key"):
        Codec(b"")


@pytest.mark.parametrize(
    "scheme", ["", "hmac", "hmac-", "md5-hmac", "none", "hmac-foo", "hmac-shake_128", "hmac-\ud800"]
)
def test_unknown_signature_schemes_are_refused(scheme: str):
    with pytest.raises(Untrusted, match="signature scheme"):
        Codec(KEY, scheme)


def test_a_body_that_is_too_large_is_counted_and_not_held():
    body = json.dumps({"text": "x" * MAX_BODY_BYTES}).encode()
    header = json.dumps({"msg_id": "1", "msg_type": "stream"}).encode()
    read = Codec(KEY).decode(Channel.IOPUB, signed(header, b"{}", b"{}", body))
    assert (read.content, read.dropped_bytes) == ({}, len(body))


def test_deep_json_is_refused():
    deep = b"[" * 200_000
    header = json.dumps({"msg_id": "1", "msg_type": "stream"}).encode()
    with pytest.raises(Untrusted, match="malformed"):
        Codec(KEY).decode(Channel.IOPUB, signed(header, b"{}", b"{}", deep))


@given(frames=st.lists(st.binary(max_size=40) | st.just(DELIMITER), max_size=9))
def test_unsigned_bytes_are_refused(frames: list[bytes]):
    with pytest.raises(Untrusted):
        Codec(KEY).decode(Channel.SHELL, frames)


@given(parts=st.lists(st.binary(max_size=40), max_size=6))
def test_signed_bytes_are_read_or_refused(parts: list[bytes]):
    assert_read_or_refused(signed(*parts))


@given(header=JSON, parent=JSON, metadata=JSON, content=JSON)
def test_signed_json_is_read_or_refused(header: Any, parent: Any, metadata: Any, content: Any):
    assert_read_or_refused(packed(header, parent, metadata, content))


@given(
    header=st.fixed_dictionaries({"msg_id": JSON, "msg_type": JSON}),
    parent=st.dictionaries(st.sampled_from(["msg_id", "msg_type", "session"]), JSON),
    content=st.dictionaries(st.text(), JSON, max_size=3),
)
def test_what_is_read_has_the_types_that_it_says(
    header: dict[str, Any], parent: dict[str, Any], content: dict[str, Any]
):
    assert_read_or_refused(packed(header, parent, {}, content))


def assert_read_or_refused(frames: list[bytes]) -> None:
    try:
        read = Codec(KEY).decode(Channel.IOPUB, frames)
    except Untrusted:
        return
    assert isinstance(read, Message)
    texts = (read.msg_type, read.msg_id, read.parent_id, read.parent_type, read.parent_session)
    assert all(isinstance(text, str) for text in texts)
    assert isinstance(read.content, dict)
    assert isinstance(read.metadata, dict)
