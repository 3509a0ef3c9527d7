"""The floor below everything: a hand-made ZeroMQ client of a kernel, with nothing that a round trip can do without.

Standard library and pyzmq. It signs, sends, and waits for the reply and the kernel's `idle`; it does not verify
signatures, keep history of outputs, watch the process or survive anything. No product can be faster.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from datetime import datetime, timezone
from typing import Any

import zmq
import zmq.asyncio

DELIMITER = b"<IDS|MSG>"


class RawClient:
    """One request at a time."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._key = connection["key"].encode()
        self._session = uuid.uuid4().hex
        self._context = zmq.asyncio.Context()
        self._shell = self._connect(zmq.DEALER, connection, "shell")
        self._iopub = self._connect(zmq.SUB, connection, "iopub")

    def _connect(self, kind: int, connection: dict[str, Any], channel: str) -> zmq.asyncio.Socket:
        between = "-" if connection["transport"] == "ipc" else ":"
        port = connection[f"{channel}_port"]
        zsocket: zmq.asyncio.Socket = self._context.socket(kind)
        zsocket.set_hwm(0)
        zsocket.setsockopt(zmq.LINGER, 0)
        if kind == zmq.SUB:
            zsocket.setsockopt(zmq.SUBSCRIBE, b"")
        zsocket.connect(f"{connection['transport']}://{connection['ip']}{between}{port}")
        return zsocket

    async def ready(self) -> None:
        """Wait for the kernel to answer, and for the subscription to its outputs."""
        await self._send("kernel_info_request", {})
        while not await self._iopub.poll(100):
            await self._send("kernel_info_request", {})
        # What came may be the kernel's welcome to a subscription, after all those were answered unheard.
        await self._until_idle(await self._send("kernel_info_request", {}))

    async def execute(self, code: str) -> list[str]:
        """The outputs of a cell, after its reply and its `idle`."""
        msg_id = await self._send(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        outputs = await self._until_idle(msg_id)
        while json.loads((await self._receive(self._shell))[1]).get("msg_id") != msg_id:
            pass
        return outputs

    async def _send(self, msg_type: str, content: dict[str, Any]) -> str:
        msg_id = uuid.uuid4().hex
        header = {
            "msg_id": msg_id,
            "msg_type": msg_type,
            "session": self._session,
            "username": "raw",
            "date": datetime.now(timezone.utc).isoformat(),
            "version": "5.3",
        }
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        signer = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            signer.update(part)
        await self._shell.send_multipart([DELIMITER, signer.hexdigest().encode(), *parts])
        return msg_id

    async def _until_idle(self, msg_id: str) -> list[str]:
        outputs: list[str] = []
        while True:
            header, parent, _, content = await self._receive(self._iopub)
            if json.loads(parent).get("msg_id") != msg_id:
                continue
            msg_type, body = json.loads(header)["msg_type"], json.loads(content)
            if msg_type == "status" and body["execution_state"] == "idle":
                return outputs
            if msg_type == "stream":
                outputs.append(body["text"])
            elif msg_type in ("execute_result", "display_data"):
                outputs.append(body["data"].get("text/plain", ""))
            elif msg_type == "error":
                outputs.append("\n".join(body["traceback"]))

    async def _receive(self, zsocket: zmq.asyncio.Socket) -> list[bytes]:
        frames = await zsocket.recv_multipart()
        start = frames.index(DELIMITER) + 2
        return frames[start : start + 4]

    def close(self) -> None:
        self._context.destroy(linger=0)
