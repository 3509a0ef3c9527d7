"""The floor for an MCP server over a kernel: the SDK's low-level server, and the raw client. One tool, `execute_code`.

`python floor_server.py` starts a kernel of its own before it imports the SDK, so that both start together;
`python floor_server.py FILE` works in a running one. It does nothing else: no sharing, no looks, no limits.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from kernel_process import KernelProcess


def main() -> None:
    if len(sys.argv) > 1:
        run(json.loads(Path(sys.argv[1]).read_text()))
        return
    with tempfile.TemporaryDirectory(prefix="floor-") as folder:
        kernel = KernelProcess(Path(folder))
        try:
            run(kernel.connection)
        finally:
            kernel.end()


def run(connection: dict[str, object]) -> None:
    import asyncio

    asyncio.run(serve(connection))


async def serve(connection: dict[str, object]) -> None:
    import asyncio

    import mcp_types as types
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server
    from raw_kernel import RawClient

    client = RawClient(connection)
    ready = asyncio.create_task(client.ready())
    one_at_a_time = asyncio.Lock()
    tool = types.Tool(
        name="execute_code",
        description="Run code.",
        input_schema={"type": "object", "properties": {"code": {"type": "string"}}},
    )

    async def list_tools(
        _: ServerRequestContext, __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        _: ServerRequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        async with one_at_a_time:
            await ready
            outputs = await client.execute((params.arguments or {})["code"])
        text = types.TextContent(type="text", text="".join(outputs))
        return types.CallToolResult(content=[text])

    server = Server("floor", on_list_tools=list_tools, on_call_tool=call_tool)
    try:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    finally:
        ready.cancel()
        client.close()


if __name__ == "__main__":
    main()
