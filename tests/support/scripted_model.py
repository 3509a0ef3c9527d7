"""A scripted stand-in for the Anthropic Messages API on the loopback interface, for a real Claude Code.

The "model" is a list of turns; the one that answers is chosen by counting the assistant's messages so far, so that
retries do no harm. Standard library only: it runs as a program inside a network namespace that has nothing but
loopback, and prints what it was sent as one JSON document::

    python scripted_model.py TURNS.json -- COMMAND ...
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]
COMMAND_TIMEOUT_S = 120


class ScriptedModel:
    """Serves on a free port; `requests` are the conversation's, in their order."""

    def __init__(self, turns: list[list[Json]]) -> None:
        self._turns = turns
        self.requests: list[Json] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None: ...  # its name in the base

            def do_HEAD(self) -> None:  # the base calls it so
                self._answer(200, b"")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path.startswith("/v1/messages/count_tokens"):
                    self._answer(200, b'{"input_tokens": 10}')
                elif body.get("stream"):
                    self._stream(_events(model.turn(body)))
                else:
                    self._answer(200, json.dumps(_message(model.turn(body))).encode())

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self, events: Iterator[Json]) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                for event in events:
                    line = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
                    self.wfile.write(line.encode())
                self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def turn(self, body: Json) -> list[Json]:
        if not body.get("tools"):
            return [{"type": "text", "text": "ok"}]  # a title or a summary
        self.requests.append(body)
        spoken = sum(message["role"] == "assistant" for message in body["messages"])
        if spoken < len(self._turns):
            return self._turns[spoken]
        return [{"type": "text", "text": "done"}]


def _message(content: list[Json]) -> Json:
    uses_tool = any(block["type"] == "tool_use" for block in content)
    return {
        "id": f"msg_{secrets.token_hex(8)}",  # Claude Code takes equal ids for parts of one message
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": content,
        "stop_reason": "tool_use" if uses_tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    }


def _events(content: list[Json]) -> Iterator[Json]:
    whole = _message(content)
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    for index, block in enumerate(content):
        empty, delta = _halves(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 10}}
    yield {"type": "message_stop"}


def _halves(block: Json) -> tuple[Json, Json]:
    if block["type"] == "text":
        return {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return {**block, "input": {}}, delta


def main() -> int:
    turns, _, *command = sys.argv[1:]
    model = ScriptedModel(json.loads(Path(turns).read_text()))
    threading.Thread(target=model.server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{model.server.server_address[1]}"
    done = subprocess.run(
        command,
        env={**os.environ, "ANTHROPIC_BASE_URL": address, "ANTHROPIC_API_KEY": "dummy"},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
        timeout=COMMAND_TIMEOUT_S,
    )
    sys.stdout.write(json.dumps(model.requests))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
