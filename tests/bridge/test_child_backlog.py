"""An IDE that stops reading: what waits for it has an end, and it learns that something was left out."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cokernel.child.encode import Wire
from cokernel.child.writer import Backlog, LineWriter, dropped_event

CONTRACT = Path(__file__).parents[1] / "contract"


def news(number: int) -> Wire:
    return {"event": "outputs", "share": "vscode-1", "number": number}


def taken(backlog: Backlog) -> list[Wire]:
    backlog.close()
    lines = []
    while (line := backlog.take()) is not None:
        lines.append(line)
    return lines


def test_lines_come_out_in_the_order_they_came() -> None:
    backlog = Backlog()
    lines: list[Wire] = [{"event": "started"}, news(1), {"id": 2, "ok": {}}, news(2)]
    for line in lines:
        backlog.put(line)

    assert taken(backlog) == lines


def test_oldest_news_are_left_out_and_that_is_said_first() -> None:
    backlog = Backlog(max_waiting=3)
    for number in range(10):
        backlog.put(news(number))

    assert taken(backlog) == [dropped_event(7), news(7), news(8), news(9)]


def test_answers_shares_and_clients_are_never_left_out() -> None:
    backlog = Backlog(max_waiting=2)
    lasting: list[Wire] = [
        {"event": "share", "share": {}},
        {"event": "clients", "clients": []},
        {"id": 7, "ok": {}},
        {"event": "failed", "code": "start_failed", "message": "…"},
    ]
    for line in lasting:
        backlog.put(line)
        for number in range(5):
            backlog.put(news(number))

    assert [line for line in taken(backlog) if line in lasting] == lasting


def test_a_reader_that_comes_back_is_told_once() -> None:
    backlog = Backlog(max_waiting=1)
    backlog.put(news(1))
    backlog.put(news(2))
    assert [backlog.take(), backlog.take()] == [dropped_event(1), news(2)]
    backlog.put(news(3))

    assert taken(backlog) == [news(3)]


def test_a_reader_that_sleeps_gets_the_end_of_a_flood(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb") as stream:
        writer = LineWriter(stream)
        for number in range(50_000):
            writer.send(news(number))
        writer.send({"id": 1, "ok": {}})
        lines = iter(reader.readline, b"")
        said = [json.loads(next(lines))]
        while said[-1] != {"id": 1, "ok": {}}:
            said.append(json.loads(next(lines)))
        writer.close(5.0)

    dropped = sum(line["count"] for line in said if line.get("event") == "dropped")
    seen = [line["number"] for line in said if line.get("event") == "outputs"]
    assert dropped > 0
    assert len(seen) + dropped == 50_000
    assert seen[-10_000:] == list(range(40_000, 50_000))


def test_event_is_as_the_contract_has_it() -> None:
    lines = [
        json.loads(line) for line in (CONTRACT / "events.jsonl").read_text("ascii").splitlines()
    ]

    assert [line for line in lines if line["event"] == "dropped"] == [dropped_event(12)]
