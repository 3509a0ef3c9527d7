"""`make demo`: a real kernel, shared with `cokernel share`, and a real MCP client that works in it; as a transcript.

The person's side is played here as well: their cell goes to the kernel through `jupyter_client`, as a notebook's would.
Everything stands in a folder of its own under `build/demo` and ends with the demo.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import mcp_types as types
from jupyter_client.blocking.client import BlockingKernelClient
from mcp import Client, StdioServerParameters

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "demo"
START_TIMEOUT_S = 60.0

FRAME = """\
import numpy as np, pandas as pd
rng = np.random.default_rng(7)
df = pd.DataFrame({"dose": np.repeat([0.0, 0.5, 1.0, 2.0], 250)})
df["response"] = 3 * df.dose / (0.8 + df.dose) + rng.normal(0, 0.2, len(df))"""
TABLE = 'df.groupby("dose").response.agg(["mean", "std", "count"]).round(3)'
PLOT = """\
%matplotlib inline
import matplotlib.pyplot as plt
df.groupby("dose").response.mean().plot(marker="o", title="Dose and response");"""
LONG = """\
import time
for epoch in range(1, 7):
    print(f"epoch {epoch}/6  loss {1 / epoch:.3f}", flush=True)
    time.sleep(0.5)
model = "fitted\""""


class Transcript:
    """What the agent asks and what it gets, one step after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._steps = 0

    async def step(self, about: str, tool: str, /, **arguments: object) -> types.CallToolResult:
        """Call a tool and print both sides."""
        self._steps += 1
        print(f"\n── {self._steps}. {about} ".ljust(78, "─"))
        asked = ", ".join(f"{k}={v!r}" for k, v in arguments.items() if k != "code")
        print(f"{tool}({asked})")
        if "code" in arguments:
            print(textwrap.indent(str(arguments["code"]), "  > "))
        result = await self._client.call_tool(tool, dict(arguments))
        for block in result.content:
            self._show(block)
        return result

    def _show(self, block: types.ContentBlock) -> None:
        if isinstance(block, types.TextContent):
            print(textwrap.indent(block.text.rstrip(), "  "))
        elif isinstance(block, types.ImageContent):
            path = FOLDER / f"plot-{self._steps}.{block.mime_type.removeprefix('image/')}"
            path.write_bytes(base64.b64decode(block.data))
            print(f"  (the plot is saved as {path.relative_to(ROOT)})")


async def main() -> None:
    began = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with kernel() as connection_file, shared(connection_file), person(connection_file) as cell:
        environment = {"COKERNEL_STATE_DIR": str(FOLDER / "state")}
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "cokernel"], env=environment, cwd=str(FOLDER)
        )
        info = types.Implementation(name="demo-agent", title="Demo agent", version="1")
        async with Client(server, client_info=info) as client:
            await play(Transcript(client), cell)
    print(
        f"\nThe share, the kernel and the client have ended. {time.monotonic() - began:.0f} s in all."
    )


async def play(agent: Transcript, cell: Person) -> None:
    await agent.step("Which kernel is this?", "list_kernels")
    await agent.step("Code", "execute_code", code=FRAME)
    await agent.step("A result", "execute_code", code="len(df), df.response.max().round(2)")
    await agent.step("A table", "execute_code", code=TABLE)
    await agent.step("A plot", "execute_code", code=PLOT)
    await agent.step("An error", "execute_code", code="df.reponse.mean()")
    started = await agent.step(
        "A long run, in the background", "execute_code", code=LONG, background=True
    )
    number = execution_of(started)
    await agent.step("Checked once", "check_execution", execution=number, wait_s=1.2)
    await agent.step("Checked again, to its end", "check_execution", execution=number, wait_s=30)
    started = await agent.step(
        "A run that goes on too long", "execute_code", code="while True: pass", timeout_s=1
    )
    await agent.step("… is stopped", "interrupt_execution", execution=execution_of(started))

    print("\n── The person runs a cell of their own: time.sleep(3); threshold = 0.05")
    cell.run("import time; time.sleep(3); threshold = 0.05")
    await agent.step("A look while that cell runs", "list_variables", pattern="*")
    await agent.step("One of them", "inspect", expression="df")
    await agent.step("A run queues behind it", "execute_code", code="threshold * 2")
    await agent.step("What happened, and what changed", "recent_activity")


def execution_of(result: types.CallToolResult) -> int:
    """The number under which a run can be followed."""
    return int((result.meta or {})["cokernel/execution"])


@contextlib.contextmanager
def kernel() -> Iterator[Path]:
    """A kernel as a notebook or a console has one."""
    file = FOLDER / "kernel-demo.json"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(file)]
    with started(command) as process:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("demo: the kernel did not start")
            time.sleep(0.05)
        print(f"A kernel runs: process {process.pid}, {file.relative_to(ROOT)}")
        yield file


@contextlib.contextmanager
def shared(connection_file: Path) -> Iterator[None]:
    """`cokernel share`, as a person types it in a terminal, without the live view."""
    options = [
        "--no-ui",
        "--mode",
        "free",
        "--title",
        "demo",
        "--connection-file",
        str(connection_file),
    ]
    with started([sys.executable, "-m", "cokernel", "share", *options]) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "share":
                break
        else:
            sys.exit("demo: the kernel could not be shared")
        print("$ cokernel share --no-ui --mode free --title demo\nSharing with Claude: demo")
        yield


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the demo."""
    environment = {**os.environ, "COKERNEL_STATE_DIR": str(FOLDER / "state")}
    process = subprocess.Popen(
        command, cwd=FOLDER, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


class Person:
    """Whoever uses the kernel: with a client of their own."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str) -> None:
        """Run a cell; wait until it has begun."""
        asked = self._client.execute(code)
        while True:
            message = self._client.get_iopub_msg(timeout=START_TIMEOUT_S)
            if (
                message["parent_header"].get("msg_id") == asked
                and message["msg_type"] == "execute_input"
            ):
                return


@contextlib.contextmanager
def person(connection_file: Path) -> Iterator[Person]:
    client = BlockingKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    client.start_channels(hb=False)
    try:
        yield Person(client)
    finally:
        client.stop_channels()


if __name__ == "__main__":
    asyncio.run(main())
