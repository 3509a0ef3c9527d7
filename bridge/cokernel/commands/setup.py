"""Register cokernel with an agent's client, or take it out again.

It shows the exact command of the client that does it, asks, and runs that command. Nothing else is changed."""

from __future__ import annotations

import argparse

from cokernel import setup
from cokernel.child import front_command
from cokernel.commands.console import agrees, say, someone_is_there
from cokernel.errors import BadRequest
from cokernel.setup import Client, Scope


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("client", choices=setup.CLIENTS, help="the agent's client")
    parser.add_argument("--dry-run", action="store_true", help="show the command and do nothing")
    parser.add_argument("--undo", action="store_true", help="take the registration out again")
    parser.add_argument("--yes", action="store_true", help="do not ask; for scripts")
    parser.add_argument(
        "--scope",
        choices=[scope.value for scope in Scope],
        default=Scope.USER.value,
        help="user: all your projects (default); project: all who work in this folder; local: you, in this folder",
    )


def run(arguments: argparse.Namespace) -> int:
    client, scope = setup.CLIENTS[arguments.client], Scope(arguments.scope)
    command = _command(client, client.find() or "claude", scope, undo=arguments.undo)
    if arguments.dry_run:
        say(setup.shown(command))
        return 0
    program = setup.program_of(client, setup.shown(command))
    command = _command(client, program, scope, undo=arguments.undo)
    return (
        _undo(client, command, arguments.yes)
        if arguments.undo
        else _add(client, program, command, arguments.yes)
    )


def _command(client: Client, program: str, scope: Scope, *, undo: bool) -> list[str]:
    if undo:
        return client.remove(program, scope)
    return client.add(program, front_command(), scope)


def _add(client: Client, program: str, command: list[str], consent: bool) -> int:
    present = client.registered(program)
    if present is not None:
        return _tell_present(client, present)
    _do(client, command, consent)
    say(f"{client.title} knows cokernel now. Start it, and ask it about your variables.")
    return 0


def _tell_present(client: Client, present: setup.Registration) -> int:
    say(f"{client.title} has a server named {setup.NAME} already:")
    say(f"  {present.command}  ({present.scope})")
    if present.command == " ".join(front_command()):
        say("That is this cokernel; there is nothing to do.")
        return 0
    say("To register this cokernel in its place, first: cokernel setup claude-code --undo")
    return 1


def _undo(client: Client, command: list[str], consent: bool) -> int:
    _do(client, command, consent)
    say(f"{client.title} does not know cokernel any more.")
    return 0


def _do(client: Client, command: list[str], consent: bool) -> None:
    say(f"This is what changes {client.title}'s settings:")
    say(f"  {setup.shown(command)}")
    if not consent:
        if not someone_is_there():
            raise BadRequest(
                "Nobody is here to agree.", "Add --yes, or type that command yourself."
            )
        if not agrees("Run it?"):
            raise BadRequest("Nothing was changed.")
    if said := setup.carry_out(command):
        say(said)
