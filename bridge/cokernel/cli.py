"""The command line: which command it is, and what its end means for a shell.

Each command is a module of `cokernel.commands` with `configure(parser)` and `run(arguments) -> int`, imported only when
it is the one that was typed. Exit codes: 0 done; 1 done, and the outcome is bad (code raised, doctor found something);
2 wrong usage; 3 cokernel could not do it, with the reason on stderr; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from types import ModuleType

from cokernel import __version__
from cokernel.errors import CokernelError

EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130

COMMANDS: Mapping[str, str] = {
    "share": "share a running kernel with Claude or any MCP client",
    "shares": "list what is shared now",
    "setup": "register cokernel with Claude Code, or take it out again",
    "doctor": "check this machine and say why something does not work",
    "run": "run code once in a shared kernel, for scripts",
    "serve": "serve MCP clients without an IDE, on stdio or over HTTP",
    "child": "be the bridge of an IDE, as its child process",
}

_ABOUT = """You and your AI agent in one live Jupyter kernel.

Started by an agent's client, without arguments and without a terminal, `cokernel` is an MCP server on stdio."""

_EXIT_CODES = """exit codes:
  0 done   1 done, with a bad outcome   2 wrong usage   3 could not be done   130 Ctrl-C"""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the process's exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except CokernelError as error:
        sys.stderr.write(f"cokernel: {error}\n")
        return EXIT_FAILED
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, or Ctrl-D where something was asked
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`cokernel shares | head`); nothing more can be said there, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        return _help_and_shares()
    name = arguments[0]
    if name not in COMMANDS:
        _top_parser().parse_args(arguments)  # --help and --version end here
        return _unknown(name)
    command = importlib.import_module(f"cokernel.commands.{name}")
    parser = _parser_of(command, name)
    code: int = command.run(parser.parse_args(arguments[1:]))
    return code


def _parser_of(command: ModuleType, name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"cokernel {name}",
        description=_filled(command.__doc__ or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.configure(parser)
    return parser


def _filled(text: str) -> str:
    """Each paragraph wrapped to the terminal; argparse itself would run them together."""
    width = min(shutil.get_terminal_size().columns - 2, 100)
    return "\n\n".join(textwrap.fill(paragraph, width) for paragraph in text.split("\n\n"))


def _top_parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:8} {what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="cokernel",
        usage="cokernel [--help] [--version] COMMAND …",
        description=f"{_filled(_ABOUT)}\n\ncommands:\n{lines}\n\n`cokernel COMMAND --help` says more.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cokernel {__version__}")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    return parser


def _unknown(name: str) -> int:
    close = difflib.get_close_matches(name, COMMANDS, 1)
    meant = f" Did you mean `cokernel {close[0]}`?" if close else " `cokernel --help` lists them."
    sys.stderr.write(f"cokernel: There is no command {name!r}.{meant}\n")
    return EXIT_USAGE


def _help_and_shares() -> int:
    """What a person sees who types `cokernel`: it does not wait silently for JSON."""
    _top_parser().print_help()
    sys.stdout.write("\n")
    return _dispatch(["shares"])
