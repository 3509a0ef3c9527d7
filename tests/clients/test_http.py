"""`cokernel serve --http`: who may come in, and what the others are told."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from cokernel.server.http import KEEP_AGENTS
from tests.support.mcp_clients import TOKEN, http_server

pytestmark = pytest.mark.live

BEARER = ("Authorization", f"Bearer {TOKEN}")
ACCEPT = ("Accept", "application/json, text/event-stream")
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


@pytest.fixture
async def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "s"))
    async with http_server() as address:
        yield address


async def test_no_other_program_listens_on_the_port_beside_us(url: str):
    with socket.socket() as other:
        # On Windows this takes a port that another program listens on, unless that one has claimed it for itself.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match=r"in use|forbidden"):
            other.bind(("127.0.0.1", urlsplit(url).port))


async def post(url: str, *headers: tuple[str, str], body: Any = INITIALIZE) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=60) as http:
        encoded = [(name.encode(), value.encode()) for name, value in (ACCEPT, *headers)]
        answer: httpx2.Response = await http.post(url, json=body, headers=encoded)
        return answer


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Authorization", "Bearer wrong"),),
        (("Authorization", f"Basic {TOKEN}"),),
        (("Authorization", "Bearer grüße"),),
        (BEARER, ("Authorization", "Bearer wrong")),
    ],
    ids=["none", "wrong", "another scheme", "not ASCII", "two"],
)
async def test_without_the_token_nobody_comes_in_and_is_told_how_to(
    url: str, headers: tuple[tuple[str, str], ...]
) -> None:
    answer = await post(url, *headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.text


async def test_token_lets_in(url: str) -> None:
    answer = await post(url, BEARER)
    assert answer.status_code == 200
    assert "cokernel" in answer.text


async def test_web_page_is_refused_even_with_the_token(url: str) -> None:
    evil_host = await post(url, BEARER, ("Host", "evil.example"))
    assert evil_host.status_code == 421
    for origin in ("https://evil.example", "null"):
        assert (await post(url, BEARER, ("Origin", origin))).status_code == 403


async def test_clients_that_never_say_goodbye_do_not_pile_up(url: str) -> None:
    """More sessions than are kept: the server still answers each."""
    for _ in range(KEEP_AGENTS + 5):
        opened = await post(url, BEARER)
        session = ("Mcp-Session-Id", opened.headers["mcp-session-id"])
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
        call["params"] = {"name": "list_kernels", "arguments": {}}
        assert (await post(url, BEARER, session, body=call)).status_code == 200
