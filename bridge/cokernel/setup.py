"""Registering cokernel with the programs that agents live in, through those programs' own commands.

A `Client` says which commands do it; nothing here edits a client's files. Another client is another entry in `CLIENTS`.
"""

from __future__ import annotations

import enum
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cokernel.errors import NoAnswer, SetupFailed, Unsupported

NAME = "cokernel"
"""What agents' clients call us."""
ASK_TIMEOUT_S = 60.0
"""Claude Code starts a server to answer what it knows about it."""


class Scope(enum.Enum):
    """For whom a registration counts, in Claude Code's words."""

    USER = "user"
    """All projects of this user."""
    PROJECT = "project"
    """Everybody who works in this folder, through a file in it; Claude Code asks each of them."""
    LOCAL = "local"
    """This user in this folder."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a client has registered under our name."""

    command: str
    """As the client shows it."""
    scope: str
    status: str
    """Whether the client could connect, in its own words."""


class Client(Protocol):
    """A program that starts MCP servers for an agent."""

    title: str

    def find(self) -> str | None:
        """The client's own command on this machine."""
        ...

    def registered(self, program: str) -> Registration | None:
        """What it has registered under our name. May take seconds."""
        ...

    def add(self, program: str, server: Sequence[str], scope: Scope) -> list[str]:
        """The command that registers `server`."""
        ...

    def remove(self, program: str, scope: Scope) -> list[str]:
        """The command that takes the registration out again."""
        ...


class ClaudeCode:
    """Claude Code: `claude mcp add|get|remove`."""

    title = "Claude Code"

    def find(self) -> str | None:
        return shutil.which("claude")

    def registered(self, program: str) -> Registration | None:
        said = _ask([program, "mcp", "get", NAME])
        if said.returncode != 0:
            return None
        fields = dict(re.findall(r"^\s*(\w+): (.*?)\s*$", said.stdout, re.M))
        command = f"{fields.get('Command', '')} {fields.get('Args', '')}".strip()
        return Registration(command, fields.get("Scope", ""), fields.get("Status", ""))

    def add(self, program: str, server: Sequence[str], scope: Scope) -> list[str]:
        return [program, "mcp", "add", "--scope", scope.value, NAME, "--", *server]

    def remove(self, program: str, scope: Scope) -> list[str]:
        return [program, "mcp", "remove", "--scope", scope.value, NAME]


CLIENTS: Mapping[str, Client] = {"claude-code": ClaudeCode()}


def shown(command: Sequence[str]) -> str:
    """A command as a person can type it into this machine's shell."""
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)


def program_of(client: Client, by_hand: str) -> str:
    """The client's own command.

    Raises
    ------
    Unsupported
        it is not on this machine; the message says what to type where it is.
    """
    program = client.find()
    if program is None:
        raise Unsupported(
            f"{client.title} was not found on this machine's PATH.", f"Where it is, type: {by_hand}"
        )
    return program


def carry_out(command: Sequence[str]) -> str:
    """Run a client's own command; what it said.

    Raises
    ------
    SetupFailed
        it refused; the message has its own words.
    NoAnswer
        it did not end in time.
    """
    said = _ask(command)
    if said.returncode != 0:
        why = (said.stderr or said.stdout).strip() or f"exit code {said.returncode}"
        raise SetupFailed(f"{shown(command)}: {why}")
    return said.stdout.strip()


def _ask(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=ASK_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"{shown(command)} did not end within {ASK_TIMEOUT_S:g} s.") from None
    except OSError as error:
        raise SetupFailed(f"{command[0]} cannot be started: {error}.") from error
