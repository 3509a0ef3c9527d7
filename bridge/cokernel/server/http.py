"""Serving a bridge over HTTP, for clients that cannot start a command: loopback only, bearer token always.

The SDK checks Host and Origin, so that no web page can reach it by DNS rebinding; the token keeps out other users and
other programs of this machine.
"""

from __future__ import annotations

import contextlib
import hmac
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse

from cokernel.errors import StartFailed
from cokernel.server.app import Context, build_server
from cokernel.server.calls import OtherKernel
from cokernel.session.agents import Agent
from cokernel.session.bridge import Bridge

HOST = "127.0.0.1"
CLOSE_GRACE_S = 1
KEEP_AGENTS = 64
"""HTTP does not say when a client has gone: the one that was silent longest makes room."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

if sys.platform == "win32":
    # SO_REUSEADDR would let any other program listen on the port beside us. Ports are free again at once anyway.
    _PORT_OPTION = socket.SO_EXCLUSIVEADDRUSE
else:
    _PORT_OPTION = socket.SO_REUSEADDR  # a bridge that follows another has its port at once

_HELP = (
    "This is cokernel. It needs the header `Authorization: Bearer <token>`; "
    "`cokernel serve --http` prints where the token is.\n"
)


async def serve_agents(
    bridge: Bridge, others: Callable[[], list[OtherKernel]], *, port: int, token: str
) -> None:
    """Serve until cancelled. Port 0 takes a free one.

    Raises
    ------
    StartFailed
        the port is taken.
    """
    agents = _Agents(bridge)
    server = build_server(bridge, agents.of, switch=None, others=others)
    app = server.streamable_http_app(host=HOST)
    config = uvicorn.Config(
        _bearer(app, token),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=CLOSE_GRACE_S,
    )
    listener = _listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/mcp"
    sys.stderr.write(f"cokernel: serving on {address}\n")
    await _Quiet(config).serve(sockets=[listener])


class _Quiet(uvicorn.Server):
    """The command that serves owns the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


class _Agents:
    """Which agent a request belongs to: its MCP session if it has one, else the client's name."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._agents: dict[str, Agent] = {}
        """The one that was heard of last comes last."""

    def of(self, ctx: Context) -> Agent:
        key = self._key(ctx)
        agent = self._agents.pop(key, None) or self._bridge.agent_connected(None)
        self._agents[key] = agent
        while len(self._agents) > KEEP_AGENTS:
            self._bridge.agent_gone(self._agents.pop(next(iter(self._agents))))
        return agent

    def _key(self, ctx: Context) -> str:
        headers = getattr(ctx.request, "headers", None) or {}
        params = ctx.session.client_params
        name = params.client_info.name if params is not None else ""
        return headers.get("mcp-session-id") or f"client {name}"


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol: without it each answer waits
    # 40 ms for a delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, _PORT_OPTION, 1)
    try:
        listener.bind((HOST, port))
        # From here on clients can connect: the address may be told before the server accepts.
        listener.listen()
    except OSError as error:
        listener.close()
        raise StartFailed(
            f"Port {port} cannot be used: {error.strerror}.", "Choose another with --port."
        ) from error
    return listener


def _bearer(app: App, token: str) -> App:
    expected = f"Bearer {token}".encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _authorized(scope, expected):
            headers = {"WWW-Authenticate": "Bearer"}
            await PlainTextResponse(_HELP, 401, headers)(scope, receive, send)
            return
        await app(scope, receive, send)

    return guarded


def _authorized(scope: Scope, expected: bytes) -> bool:
    given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    return len(given) == 1 and hmac.compare_digest(given[0], expected)
