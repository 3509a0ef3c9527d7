"""The front's two parsers under arbitrary input: bytes into lines, lines into messages."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cokernel.front import messages
from cokernel.front.lines import LineSplitter
from cokernel.front.messages import Kind, MessageError

IDS = st.integers(-(2**53), 2**53) | st.text(max_size=20)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The data in chunks of these sizes, then the rest."""
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


@relaxed
@given(st.lists(st.binary().map(lambda b: b.replace(b"\n", b""))), st.lists(st.integers(0, 50)))
def test_lines_come_out_as_they_went_in_however_they_are_cut(lines: list[bytes], sizes: list[int]):
    data = b"".join(line + b"\n" for line in lines)
    splitter = LineSplitter()
    found = [line for chunk in cut(data, sizes) for line in splitter.feed(chunk)]
    assert found == [line + b"\n" for line in lines]


@pytest.mark.parametrize("size", [1, 65_536, 262_143, 262_144, 262_145, 1_000_000, 5_000_000])
def test_long_lines_are_whole_too(size: int):
    line = bytes(range(11, 256)) * (size // 245 + 1)
    line = line[:size] + b"\n"
    splitter = LineSplitter()
    data = b"short\n" + line + b"after\n"
    chunks = [data[i : i + 65_536] for i in range(0, len(data), 65_536)]
    found = [bytes(part) for chunk in chunks for part in splitter.feed(chunk) if part is not None]
    assert found == [b"short\n", line, b"after\n"]


def test_a_line_over_the_limit_is_dropped_and_the_next_one_is_not():
    splitter = LineSplitter(limit=10)
    assert splitter.feed(b"x" * 11) == []
    assert splitter.feed(b"x\nnext\n") == [None, b"next\n"]


@relaxed
@given(st.binary(max_size=2000))
def test_any_bytes_are_a_message_or_refused(line: bytes):
    for read in (messages.read, messages.read_from_bridge):
        with contextlib.suppress(MessageError):
            read(line)


@relaxed
@given(IDS, st.booleans(), st.sampled_from([None, (",", ":")]))
def test_an_answer_is_known_by_its_first_bytes_as_by_all_of_them(identity, is_error, separators):
    body = {"error": {"code": 1, "message": ""}} if is_error else {"result": {"id": 5}}
    line = json.dumps({"jsonrpc": "2.0", "id": identity, **body}, separators=separators).encode()
    assert messages.read_from_bridge(line) == messages.read(line)
    assert messages.read_from_bridge(line).key == messages.key_of(identity)


def test_the_rest_of_an_answer_is_not_read():
    message = messages.read_from_bridge(b'{"jsonrpc":"2.0","id":7,"result":{"image":"AAAA')
    assert (message.kind, message.key) == (Kind.ANSWER, "7")


def test_ids_of_different_types_stay_apart():
    assert (
        messages.read(b'{"id": 1, "method": "x"}').key
        != messages.read(b'{"id": "1", "method": "x"}').key
    )


def test_a_malformed_request_is_answered_to_its_id_where_that_can_be_read():
    with pytest.raises(MessageError) as caught:
        messages.read(b'{"id": "a", "method": "x", "params": ' + b"[" * 101 + b"]" * 101 + b"}")
    assert caught.value.key == '"a"'
