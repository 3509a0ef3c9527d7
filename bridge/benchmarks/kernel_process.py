"""A kernel for the benchmarks. Standard library only, so that the floor spawns it before it imports anything."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


class KernelProcess:
    """A kernel on Unix sockets in `folder`; it may be slow to answer at first."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        ports = {f"{channel}_port": number for number, channel in enumerate(CHANNELS, 1)}
        key = secrets.token_hex(16)
        self.connection: dict[str, Any] = {
            "transport": "ipc",
            "ip": str(folder / "k"),
            "key": key,
            "signature_scheme": "hmac-sha256",
            **ports,
        }
        self.connection_file = folder / "kernel.json"
        self.connection_file.touch(0o600)
        self.connection_file.write_text(json.dumps(self.connection))
        self.process = subprocess.Popen(
            [python, "-m", "ipykernel_launcher", "-f", str(self.connection_file)],
            env={**os.environ, "IPYTHONDIR": str(folder / "ipython")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
