"""Kernels that this bridge starts, and so may restart and end.

On Unix an owned kernel listens on Unix sockets in a folder that only its user can enter: no other user can connect or
read, and no port can be taken by another program. Where that cannot be had it listens on loopback TCP, with CurveZMQ
keys if the kernel takes them. It runs in a process group of its own, without the secrets of the agent's client in its
environment, and ends with its bridge: on request, or by its leash if the bridge is killed (`environments`). What a
killed bridge leaves in the temporary folder is swept up by the next one (`remains`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from cokernel.errors import StartFailed, Untrusted
from cokernel.kernel.environments import KernelCommand
from cokernel.state_folder import MAX_SOCKET_PATH, short_folder

if TYPE_CHECKING:
    from cokernel.kernel.remains import Claim

FOLDER_PREFIX = "cokernel-"
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
END_GRACE_S = 1.5
MAX_STDERR_CHARS = 2_000

_CLIENT_SECRETS = ("ANTHROPIC_", "CLAUDE", "COKERNEL_", "MCP_", "AWS_BEARER_TOKEN_")


class OwnedKernel:
    """One kernel process. `start` at once; whoever made it calls `end`."""

    def __init__(self, command: KernelCommand, *, cwd: str | None = None) -> None:
        self.command = command
        self.cwd = cwd
        self._folder = _new_folder()
        self._claim: Claim | None = None
        self.connection_file = str(self._folder / "kernel.json")
        self.connection = _connection(command, self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        _write_private(Path(self.connection_file), json.dumps(self.connection))

    @property
    def pid(self) -> int:
        assert self._process is not None, "start it first"
        return self._process.pid

    def start(self) -> None:
        """Spawn the process; it does not wait for the kernel to answer.

        On Linux the kernel ends with the *thread* that calls this: it must be one that lives as long as the bridge.

        Raises
        ------
        StartFailed
            the command cannot be run.
        """
        argv = [
            part.replace("{connection_file}", self.connection_file) for part in self.command.argv
        ]
        with (self._folder / "stderr").open("wb") as stderr:
            try:
                self._process = subprocess.Popen(
                    argv,
                    cwd=self.cwd,
                    env=_environment(self.command),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    start_new_session=True,
                )
            except OSError as error:
                raise StartFailed(
                    f"The kernel did not start: {error.filename or argv[0]}: {error.strerror}."
                ) from error
        self._claim_folder(self._process.pid)

    def _claim_folder(self, pid: int) -> None:
        # Imported here, so that the kernel is at work already.
        from cokernel.kernel.remains import Claim

        if self._claim is None:
            self._claim = Claim(self._folder)
        self._claim.note_kernel(pid)

    def failure(self) -> str:
        """Why the process ended by itself, from its last words; empty while it runs."""
        if self._process is None or self._process.poll() is None:
            return ""
        with contextlib.suppress(OSError):
            words = (self._folder / "stderr").read_text(errors="replace").strip()
            return f"exit code {self._process.returncode}: {words[-MAX_STDERR_CHARS:]}"
        return f"exit code {self._process.returncode}"

    async def restart(self) -> None:
        """End the process and start a new one on the same sockets. All its variables are gone."""
        await self._end_process()
        self.start()

    async def end(self) -> None:
        """End the process and all that it started, and remove its files. Idempotent."""
        await self._end_process()
        self._remove_files()

    def end_now(self) -> None:
        """The same without an event loop and without grace: for a signal handler or the end of the interpreter."""
        self._signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_GRACE_S)
        self._remove_files()

    def _remove_files(self) -> None:
        if self._claim is not None:
            self._claim.release()
            self._claim = None
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        self._signal_group(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.to_thread(process.wait, END_GRACE_S), END_GRACE_S + 1)
        except (subprocess.TimeoutExpired, asyncio.TimeoutError):
            self._signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))
            await asyncio.to_thread(process.wait)
        # What the kernel's code started stays in its group; nothing of it outlives the kernel.
        self._signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _signal_group(self, number: int) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.terminate()


def _new_folder() -> Path:
    """A folder of mode 0700 in the temporary folder, or in a short one if socket paths would become too long there."""
    parent = tempfile.gettempdir()
    if sys.platform != "win32" and not _fits_sockets(Path(parent, f"{FOLDER_PREFIX}12345678")):
        from cokernel.shares import private_folder  # late: it is rarely needed

        # If that one cannot be ours either, the kernel listens on TCP.
        with contextlib.suppress(Untrusted, OSError):
            parent = private_folder(short_folder())
    return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent))


def _fits_sockets(folder: Path) -> bool:
    return len(os.fsencode(folder / f"k-{len(CHANNELS)}")) <= MAX_SOCKET_PATH


def _connection(command: KernelCommand, folder: Path) -> Mapping[str, Any]:
    base = {"key": secrets.token_hex(32), "signature_scheme": "hmac-sha256", "kernel_name": ""}
    if sys.platform != "win32" and command.language == "python" and _fits_sockets(folder):
        ports = {f"{channel}_port": number for number, channel in enumerate(CHANNELS, 1)}
        return {**base, "transport": "ipc", "ip": str(folder / "k"), **ports}
    keys = _curve_keys() if command.supports_encryption or command.language == "python" else {}
    return {**base, "transport": "tcp", "ip": "127.0.0.1", **_free_ports(), **keys}


def _curve_keys() -> dict[str, str]:
    import zmq  # late, so that a kernel on Unix sockets is spawned before anything is imported

    if not zmq.has("curve"):
        return {}
    public, secret = zmq.curve_keypair()
    return {"curve_publickey": public.decode(), "curve_secretkey": secret.decode()}


def _free_ports() -> dict[str, int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in CHANNELS]
    ports = {
        f"{channel}_port": listener.getsockname()[1]
        for channel, listener in zip(CHANNELS, listeners, strict=True)
    }
    for listener in listeners:
        listener.close()
    return ports


def _environment(command: KernelCommand) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_CLIENT_SECRETS)}
    # ipykernel's parent poller: the kernel ends by itself when the bridge is killed, also where there is no leash.
    kept["JPY_PARENT_PID"] = str(os.getpid())
    # As jupyter_client does: a kernelspec may refer to variables of its starter.
    kept.update((name, Template(value).safe_substitute(kept)) for name, value in command.env)
    return kept


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
