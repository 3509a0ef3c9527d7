"""A bridge without an IDE: `cokernel serve`, and what the front starts when nothing is shared.

The kernel is spawned before anything heavy is imported, so that both start together.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cokernel.kernel.environments import python_command
from cokernel.kernel.owned import OwnedKernel

if TYPE_CHECKING:
    from cokernel.kernel.link import LinkState
    from cokernel.session.activity import Activity
    from cokernel.session.bridge import Bridge
    from cokernel.session.session import Session

log = logging.getLogger(__name__)

CONNECTION_VARIABLES = ("COKERNEL_CONNECTION", "IPYTHON_MCP_CONNECTION")
"""Name a default connection file; the second is what an older server used."""


def serve_stdio(connection_file: str | None = None) -> int:
    """Serve one agent on stdin and stdout until stdin ends; the exit code.

    `connection_file` is the kernel that it works in; None takes the one that the environment names, else a private one.
    """
    connection_file = connection_file or default_connection()
    gc.disable()  # what is imported stays: looking through it for garbage finds nothing
    spare = _spawn(connection_file)

    async def serve(bridge: Bridge) -> None:
        await _import_meanwhile("cokernel.server.endpoint")
        from cokernel.server.endpoint import serve_stdio as serve_agent
        from cokernel.server.neighbours import other_kernels

        await serve_agent(bridge, lambda: other_kernels(bridge))

    return asyncio_run(_serve(serve, spare, connection_file))


def serve_http(port: int, token: str, connection_file: str | None = None) -> int:
    """Serve agents over HTTP on 127.0.0.1 with a bearer token until interrupted; the exit code."""
    connection_file = connection_file or default_connection()
    gc.disable()  # what is imported stays: looking through it for garbage finds nothing
    spare = _spawn(connection_file)

    async def serve(bridge: Bridge) -> None:
        await _import_meanwhile("cokernel.server.http")
        from cokernel.server.http import serve_agents
        from cokernel.server.neighbours import other_kernels

        await serve_agents(bridge, lambda: other_kernels(bridge), port=port, token=token)

    return asyncio_run(_serve(serve, spare, connection_file))


def default_connection() -> str | None:
    """The connection file that the environment names, as an absolute path; None if it names none."""
    named = next((os.environ[name] for name in CONNECTION_VARIABLES if os.environ.get(name)), None)
    return os.path.abspath(os.path.expanduser(named)) if named else None


def asyncio_run(main: Awaitable[int]) -> int:
    """Run in a loop that can wait for ZeroMQ's sockets (Windows' default cannot)."""
    loop = asyncio.SelectorEventLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def _spawn(connection_file: str | None) -> OwnedKernel | None:
    if connection_file is not None:
        return None
    kernel = OwnedKernel(python_command(), cwd=os.environ.get("CLAUDE_PROJECT_DIR") or None)
    kernel.start()
    return kernel


async def _serve(
    serve: Callable[[Bridge], Awaitable[None]],
    spare: OwnedKernel | None,
    connection_file: str | None,
) -> int:
    from cokernel.session.bridge import Bridge
    from cokernel.session.policy import Mode

    cwd = os.environ.get("CLAUDE_PROJECT_DIR") or None
    # Run freely: whoever started this chose it, and their client asks them itself.
    bridge = Bridge(place="", observer=_Silent(), mode=Mode.FREE, cwd=cwd, default=connection_file)
    if spare is not None:
        bridge.spawn_private(spare)
    stopping = _stop_on_signals()
    serving = asyncio.ensure_future(serve(bridge))
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
    finally:
        await _end(bridge, serving, quickly=stopping.done())
    return 0


async def _import_meanwhile(module: str) -> None:
    """Import in a thread, while the loop connects to the kernel; the last of the imports."""
    try:
        await asyncio.to_thread(importlib.import_module, module)
    finally:
        gc.freeze()
        gc.enable()


def _stop_on_signals() -> asyncio.Future[None]:
    """Done when the process is asked to end. Clients give it about half a second before they kill it."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if not stopping.done():
            stopping.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends the loop
            loop.add_signal_handler(number, stop)
    return stopping


async def _end(bridge: Bridge, serving: asyncio.Future[None], *, quickly: bool) -> None:
    if quickly:
        bridge.end_owned_now()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    await bridge.close("The bridge ended.")


class _Silent:
    """Nobody watches a stand-alone bridge."""

    def activity_changed(self, session: Session, entry: Activity) -> None: ...

    def outputs_changed(self, session: Session, number: int) -> None: ...

    def link_changed(self, session: Session, state: LinkState, detail: str) -> None:
        log.info("%s is %s. %s", session.title, state.value, detail)

    def agents_changed(self) -> None: ...
