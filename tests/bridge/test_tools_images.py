"""Images on their way from the kernel to an agent, through the tools."""

from __future__ import annotations

import base64
import io

import pytest
from mcp import Client
from PIL import Image

from cokernel.server.app import build_server
from tests.support.kernels import Kernel
from tests.support.sessions import agents_at

pytestmark = pytest.mark.live

BROKEN = """
from IPython.display import display
display({"image/png": "bm90IGFuIGltYWdl"}, raw=True)
"""
LARGE = """
import io
from PIL import Image as Pillow
from IPython.display import Image, display
file = io.BytesIO()
Pillow.effect_noise((3000, 2000), 64).save(file, "PNG")
display(Image(data=file.getvalue()))
"""


async def test_a_broken_image_is_a_sentence_and_a_large_one_is_scaled(plain_kernel: Kernel) -> None:
    async with agents_at(plain_kernel.connection_file) as agents:
        agent = agents.bridge.agent_connected("share")
        server = build_server(agents.bridge, lambda _: agent, switch=None, others=list)
        async with Client(server) as client:
            broken = await client.call_tool("execute_code", {"code": BROKEN})
            large = await client.call_tool("execute_code", {"code": LARGE})
    assert not broken.is_error
    assert [block.type for block in broken.content] == ["text"]
    assert "image 1 is not shown" in broken.content[0].text
    text, image = large.content
    assert text.type == "text"
    assert "3000×2000" in text.text
    assert image.type == "image"
    assert len(image.data) <= 1_000_000
    assert max(Image.open(io.BytesIO(base64.b64decode(image.data))).size) <= 1568
