"""Messages from iopub, as a link would hand them on."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from cokernel.kernel.link import Channel, Message
from cokernel.kernel.outputs import OutputBuffer


def iopub(msg_type: str, content: dict[str, Any], *, dropped_bytes: int = 0) -> Message:
    return Message(
        channel=Channel.IOPUB,
        msg_type=msg_type,
        msg_id="m",
        parent_id="p",
        parent_type="execute_request",
        parent_session="s",
        content=content,
        metadata={},
        dropped_bytes=dropped_bytes,
    )


def stream(text: str, name: str = "stdout") -> Message:
    return iopub("stream", {"name": name, "text": text})


def display(data: dict[str, Any], display_id: str = "") -> Message:
    transient = {"display_id": display_id} if display_id else {}
    return iopub("display_data", {"data": data, "metadata": {}, "transient": transient})


def update(data: dict[str, Any], display_id: str) -> Message:
    content = {"data": data, "metadata": {}, "transient": {"display_id": display_id}}
    return iopub("update_display_data", content)


def result(data: dict[str, Any], count: int = 1) -> Message:
    return iopub("execute_result", {"data": data, "metadata": {}, "execution_count": count})


def error(ename: str, evalue: str, *traceback: str) -> Message:
    return iopub("error", {"ename": ename, "evalue": evalue, "traceback": list(traceback)})


def clear(*, wait: bool = False) -> Message:
    return iopub("clear_output", {"wait": wait})


def buffer_of(*messages: Message) -> OutputBuffer:
    buffer = OutputBuffer()
    for message in messages:
        buffer.add(message)
    return buffer


def transcript_of(*messages: Message) -> str:
    return buffer_of(*messages).page(0, 10**9).text


def png(width: int, height: int, *, noise: bool = False) -> str:
    """An image as base64; noise cannot be compressed."""
    picture = (
        Image.effect_noise((width, height), 80).convert("RGB")
        if noise
        else Image.new("RGB", (width, height), "red")
    )
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
