"""List what is shared now: by Spyder, VS Code and terminals of this user on this machine."""

from __future__ import annotations

import argparse
import json

from cokernel import shares
from cokernel.commands.console import say, short_path, table
from cokernel.shares import ShareRecord


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs; without the tokens")


def run(arguments: argparse.Namespace) -> int:
    records = shares.list_shares()
    if arguments.json:
        say(json.dumps([_public(record) for record in records], indent=2))
    elif records:
        say("Shared now, most recently used first:")
        say(table([_row(record) for record in records]))
    else:
        say("Nothing is shared. `cokernel share` shares a kernel that runs here.")
    return 0


def _row(record: ShareRecord) -> list[str]:
    folders = ", ".join(short_path(folder) for folder in record.workspaces)
    return [record.share, record.name, record.mode, folders]


def _public(record: ShareRecord) -> dict[str, object]:
    fields = record._asdict()
    del fields["token"]
    fields["endpoint"] = record.endpoint._asdict()
    return fields
