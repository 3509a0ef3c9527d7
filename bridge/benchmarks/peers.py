"""Other MCP servers with a Python kernel, as they install from the registry, beside cokernel.

Each lives in a cached environment of its own, outside the repository. One that cannot be had is printed as such. They
do different things: most start a kernel of their own, and none shares one; the numbers are of what all of them do.
Left out: what needs a Jupyter server or other programs beside it, what leaves its kernel running when it ends
(ipython-mcp), what does not run without a network (loommux), what cannot be installed any more (newer clikernel).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from measuring import Series, interleave, stopwatch
from product import FRONT, scratch
from stdio_client import StdioClient

CODE = "1+1"
ONE_MEGABYTE = "for _ in range(10_000): print('x' * 99)"
INSTALL_TIMEOUT_S = 900
STARTS = 3

Run = Callable[[StdioClient, str], str]


def with_tool(tool: str, argument: str = "code", **others: Any) -> Callable[[StdioClient], Run]:
    """A peer whose one tool runs code."""
    return lambda _: lambda client, code: client.call(tool, **{argument: code}, **others)


def _kernel_with_id(client: StdioClient) -> Run:
    """jupyter-kernel-mcp: `start_kernel` answers with an id."""
    answer = client.call("start_kernel", env_path=sys.executable, language="python")
    found = re.search(r'"kernel_id":\s*"([^"]+)"', answer)
    if found is None:
        raise RuntimeError(f"no kernel id in {answer[:200]}")
    return lambda client, code: client.call("execute_code", code=code, kernel_id=found[1])


def _named_session(client: StdioClient) -> Run:
    """aipython: a session with a kernel of its own."""
    client.call("start_session", backend="kernel")
    return lambda client, code: client.call("execute", code=code, timeout=60)


@dataclass(frozen=True)
class Peer:
    """One server, with the pins that make it start."""

    name: str
    version: str
    command: str
    begin: Callable[[StdioClient], Run]
    pins: tuple[str, ...] = ()
    note: str = ""


PEERS = (
    Peer(
        "clikernel",
        "0.1.7",
        "clikernel-mcp",
        with_tool("execute"),
        ("mcp<2",),
        "in its own process, no kernel",
    ),
    Peer("jupymcp", "0.3.2", "jupymcp", with_tool("execute")),
    Peer("jupyter-kernel-mcp", "0.2.0", "jupyter-kernel-mcp", _kernel_with_id, ("mcp<2",)),
    Peer("aipython-mcp", "0.1.3", "aipython-mcp", _named_session),
)


@dataclass(frozen=True)
class Contestant:
    name: str
    note: str
    command: tuple[str, ...]
    begin: Callable[[StdioClient], Run]


def compare(rounds: int) -> str:
    """A section of the report: short calls in turn, starts in turn, 1 MB of output."""
    contestants = [Contestant("cokernel", "", FRONT, with_tool("execute_code"))]
    missing = []
    for peer in PEERS:
        try:
            command = (str(_installed(peer)),)
        except RuntimeError as error:
            missing.append(f"| {peer.name} {peer.version} | could not be had: {error} | | | |")
            continue
        pins = f"with {', '.join(peer.pins)}" if peer.pins else ""
        note = "; ".join(filter(None, (pins, peer.note)))
        contestants.append(Contestant(f"{peer.name} {peer.version}", note, command, peer.begin))
    lines = _table(contestants, rounds)
    return "\n".join(["\n## Peers\n", _HEAD, *lines, *missing]) + "\n"


_HEAD = """| | 1+1, ms | start to first result, ms | 1 MB of output: ms, characters that the agent gets | |
|---|---|---|---|---|"""


def _table(contestants: list[Contestant], rounds: int) -> list[str]:
    running: dict[str, Callable[[], float]] = {}
    floods: dict[str, str] = {}
    failed: dict[str, str] = {}
    with ExitStack() as ending:
        for one in contestants:
            try:
                client, run = ending.enter_context(_running(one))
                running[one.name] = stopwatch(partial(run, client, CODE))
                floods[one.name] = _flood(client, run)
            except (RuntimeError, OSError) as error:
                failed[one.name] = " ".join(str(error).split())[:120]
        calls = interleave(rounds, running, warm_up=5)
    starts = interleave(STARTS, {c.name: _starting(c) for c in contestants if c.name in running}, 0)
    return [_line(one, calls, starts, floods, failed) for one in contestants]


def _line(
    one: Contestant,
    calls: dict[str, Series],
    starts: dict[str, Series],
    floods: dict[str, str],
    failed: dict[str, str],
) -> str:
    if one.name in failed:
        return f"| {one.name} | failed: {failed[one.name]} | | | {one.note} |"
    call, start = calls[one.name].median_ms, starts[one.name].median_ms
    return f"| {one.name} | {call:.1f} | {start:.0f} | {floods[one.name]} | {one.note} |"


def _flood(client: StdioClient, run: Run) -> str:
    answers: list[str] = []
    took = stopwatch(lambda: answers.append(run(client, ONE_MEGABYTE)))()
    return f"{took * 1000:.0f}, {len(answers[0]):,}"


@contextmanager
def _running(one: Contestant) -> Iterator[tuple[StdioClient, Run]]:
    with scratch() as (folder, env):
        # As if its environment were activated: some start the kernel that they find.
        env["PATH"] = os.pathsep.join((str(Path(one.command[0]).parent), env.get("PATH", "")))
        with StdioClient(one.command, env, cwd=str(folder)) as client:
            client.start()
            run = one.begin(client)
            run(client, CODE)
            yield client, run


def _starting(one: Contestant) -> Callable[[], float]:
    """From the start of the process to its first result; its end is not counted."""

    def run() -> float:
        with ExitStack() as ending:
            return stopwatch(lambda: ending.enter_context(_running(one)))()

    return run


def _installed(peer: Peer) -> Path:
    """Its command, in an environment made once."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "cokernel-dev" / "peers" / f"{peer.name}-{peer.version}"
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    command = scripts / peer.command
    if not command.exists():
        with suppress(FileExistsError):
            folder.parent.mkdir(parents=True)
        wanted = (f"{peer.name}=={peer.version}", *peer.pins)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(scripts / "python"), "-m", "pip", "install", "-q", *wanted])
    return command


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise RuntimeError(last[0][:150])
