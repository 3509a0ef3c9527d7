"""Run code once in a shared kernel, for scripts: as an agent does, seen by the person and under the share's mode.

What an agent would read goes to stdout, the line about the run to stderr. Exit codes: 0 ok; 1 the code raised; 3 it did
not run to its end (no kernel, denied, interrupted, restarted, lost). Ctrl-C interrupts the run."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from cokernel.commands.agent import Agent, ToolResult, connected
from cokernel.errors import BadRequest, CokernelError, NoAnswer
from cokernel.kernel.connection_files import find_connection_file, read_connection_file
from cokernel.server.render import DATA_LABEL
from cokernel.session.guests import share_of

NAME = "cokernel run"
WAIT_S = 300.0
"""Of one call; a longer run is followed by further calls."""
_UNFINISHED = {"queued", "waiting_approval", "running", "waiting_input"}
_EXIT_CODES = {"ok": 0, "error": 1}
_DID_NOT_END = 3


def configure(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("code", nargs="?", help="the code; without it and --file, stdin is read")
    source.add_argument("--file", metavar="FILE", type=Path, help="a file with the code")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--kernel",
        metavar="SHARE",
        help="a share's id or title, or `new` for a private kernel that ends with the run; "
        "else the share of this folder, or the only one",
    )
    where.add_argument("--connection-file", metavar="FILE", help="the kernel of a connection file")
    parser.add_argument(
        "--timeout", metavar="S", type=float, help="seconds after which the run is interrupted"
    )
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr about the run")


def run(arguments: argparse.Namespace) -> int:
    code = _code(arguments)
    with connected(NAME, _environment(arguments)) as agent:
        try:
            return _run(agent, code, arguments.timeout, arguments.quiet)
        except KeyboardInterrupt:
            # The call was cancelled, which interrupts its run; leaving now lets the front hand that on.
            return 130


def _code(arguments: argparse.Namespace) -> str:
    if arguments.code is not None:
        return str(arguments.code)
    if arguments.file is not None:
        try:
            return str(arguments.file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadRequest(f"{arguments.file} cannot be read: {error}.") from error
    return sys.stdin.read()


def _environment(arguments: argparse.Namespace) -> Mapping[str, str]:
    environment = dict(os.environ)
    if arguments.kernel:
        environment["COKERNEL_SHARE"] = arguments.kernel
    if arguments.connection_file:
        environment.pop("COKERNEL_SHARE", None)
        environment.update(_way_to(find_connection_file(arguments.connection_file)))
    return environment


def _way_to(connection_file: str) -> Mapping[str, str]:
    """Through its share, if the kernel of this file is shared: under any name of the file."""
    try:
        record = share_of(read_connection_file(connection_file))
    except OSError as error:
        raise BadRequest(f"{connection_file} cannot be read: {error}.") from error
    if record is not None:
        return {"COKERNEL_SHARE": record.share}
    return {"COKERNEL_CONNECTION": connection_file}


def _run(agent: Agent, code: str, timeout_s: float | None, quiet: bool) -> int:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    result = agent.call("execute_code", {"code": code, "timeout_s": _wait_s(deadline)})
    told = ""
    while result.state in _UNFINISHED:
        if result.state != told and not quiet:
            told = result.state
            sys.stderr.write(f"{_about(result)}\n")
        if deadline is not None and time.monotonic() >= deadline:
            agent.call("interrupt_execution", {"execution": result.execution})
            raise NoAnswer(f"The run did not end within {timeout_s:g} s and was interrupted.")
        arguments = {"execution": result.execution, "wait_s": _wait_s(deadline), "offset": 0}
        result = agent.call("check_execution", arguments)
    return _finish(result, quiet)


def _wait_s(deadline: float | None) -> float:
    if deadline is None:
        return WAIT_S
    return max(0.0, min(WAIT_S, deadline - time.monotonic()))


def _finish(result: ToolResult, quiet: bool) -> int:
    if result.is_error:
        raise CokernelError(result.text)
    if not quiet:
        sys.stderr.write("".join(f"{line}\n" for line in (_about(result), result.news) if line))
    output = result.text.partition("\n")[2].removeprefix(f"{DATA_LABEL}\n")
    if output:
        sys.stdout.write(f"{output}\n")
    return _EXIT_CODES.get(result.state, _DID_NOT_END)


def _about(result: ToolResult) -> str:
    """The first line: kernel, execution, outcome, duration."""
    return result.text.partition("\n")[0]
