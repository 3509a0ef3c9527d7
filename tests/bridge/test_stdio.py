"""`cokernel serve --stdio` on a stdin and stdout that are no pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

SERVE = [sys.executable, "-m", "cokernel", "serve", "--stdio"]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def environment(state: Path) -> dict[str, str]:
    return {**os.environ, "COKERNEL_STATE_DIR": str(state)}


def test_an_empty_stdin_that_is_no_pipe_ends_it(tmp_path: Path) -> None:
    done = subprocess.run(
        SERVE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(tmp_path),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_file_for_stdin_and_stdout_is_read_and_written(tmp_path: Path) -> None:
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    asked.write_text(json.dumps(INITIALIZE) + "\n")
    with asked.open("rb") as stdin, answered.open("wb") as stdout:
        done = subprocess.run(
            SERVE,
            stdin=stdin,
            stdout=stdout,
            env=environment(tmp_path / "state"),
            timeout=60,
            check=False,
        )
    assert done.returncode == 0
    answer = json.loads(answered.read_text().splitlines()[0])
    assert (answer["id"], answer["result"]["serverInfo"]["name"]) == (1, "cokernel")
