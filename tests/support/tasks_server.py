"""A server with the fixture tools that the conformance suite calls for tasks, over our own Tasks and transport.

Run as a program; prints its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from cokernel.server.tasks import Context, Progress, Tasks

GRACE_S = 0.05


async def greet(arguments: dict[str, Any]) -> str:
    return f"Hello, {arguments['name']}!"


async def slow_compute(arguments: dict[str, Any]) -> str:
    await asyncio.sleep(float(arguments.get("seconds", 1)))
    return "computed"


async def failing_job(_: dict[str, Any]) -> str:
    await asyncio.sleep(0.5)
    raise ValueError("the job failed")


async def protocol_error_job(_: dict[str, Any]) -> str:
    await asyncio.sleep(0.5)
    raise MCPError(types.INTERNAL_ERROR, "the job broke the protocol")


TOOLS = {tool.__name__: tool for tool in (greet, slow_compute, failing_job, protocol_error_job)}


def fixture_server() -> Server[Any]:
    tasks = Tasks(GRACE_S)

    async def list_tools(
        _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        schema = {"type": "object"}
        return types.ListToolsResult(
            tools=[types.Tool(name=name, input_schema=schema) for name in TOOLS]
        )

    async def run(params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            text = await TOOLS[params.name](params.arguments or {})
        except (ValueError, KeyError) as error:
            wrong = types.TextContent(type="text", text=str(error))
            return types.CallToolResult(content=[wrong], is_error=True)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])

    async def call_tool(
        ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | dict[str, Any]:
        async def report(_: float, __: str) -> None: ...

        return await tasks.answer(ctx, run(params), Progress(report))

    server = Server[Any]("fixtures", on_list_tools=list_tools, lifespan=tasks.lifespan)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)
    tasks.add_to(server)
    return server


def main() -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = fixture_server().streamable_http_app(host="127.0.0.1")
    config = uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
