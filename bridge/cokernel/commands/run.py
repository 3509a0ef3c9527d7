"""Run code once in a shared kernel, for scripts: as an agent does, seen by the person and under the share's mode.

What an agent would read goes to stdout, the line about the run to stderr. Exit codes: 0 ok; 1 the code raised; 3 it did
not run to its end (no kernel, denied, interrupted, restarted, lost). Ctrl-C interrupts the run. If the code calls
`input()`, it is asked for here; without a terminal on stdin the run is interrupted."""

from __future__ import annotations

import argparse
import os
import select
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
    execution, told = result.execution, ""
    while result.state in _UNFINISHED:
        if result.state != told and not quiet:
            told = result.state
            sys.stderr.write(f"{_about(result)}\n")
        if deadline is not None and time.monotonic() >= deadline:
            _interrupt(agent, execution)
            raise NoAnswer(f"The run did not end within {timeout_s:g} s and was interrupted.")
        arguments: dict[str, object] = {"execution": execution, "offset": 0}
        if result.state == "waiting_input":
            line = _input_for(agent, execution, deadline)
            if line is None:
                continue
            arguments["input"] = line
        result = agent.call("check_execution", {**arguments, "wait_s": _wait_s(deadline)})
        if result.is_error and "input" in arguments:
            _interrupt(
                agent, execution
            )  # it was not allowed, and nothing else would end the waiting
    return _finish(result, quiet)


def _input_for(agent: Agent, execution: int | None, deadline: float | None) -> str | None:
    """The line that the person at this terminal gives to the run; None at the deadline.

    Raises
    ------
    NoAnswer
        nobody is there; the run was interrupted.
    KeyboardInterrupt
        Ctrl-C; the same.
    """
    try:
        line = _typed(deadline) if sys.stdin.isatty() else ""
    except KeyboardInterrupt:
        _interrupt(agent, execution)
        raise
    if line == "":
        _interrupt(agent, execution)
        raise NoAnswer(
            "The code called input() and nobody could answer it, so the run was interrupted.",
            "Run it in a terminal, or without input().",
        )
    return line if line is None else line.removesuffix("\n")


def _typed(deadline: float | None) -> str | None:
    """A line with its newline; empty at the end of stdin, None at the deadline."""
    sys.stderr.write("input: ")
    sys.stderr.flush()
    # Windows cannot wait for a terminal with a limit: the deadline holds once the line is there.
    if deadline is not None and os.name == "posix":
        left = max(0.0, deadline - time.monotonic())
        if not select.select([sys.stdin], [], [], left)[0]:
            sys.stderr.write("\n")
            return None
    return sys.stdin.readline()


def _interrupt(agent: Agent, execution: int | None) -> None:
    agent.call("interrupt_execution", {"execution": execution})


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
