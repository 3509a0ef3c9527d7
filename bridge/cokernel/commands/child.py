"""Be the bridge of an IDE that is not written in Python: commands as JSON lines on stdin, events on stdout.

IDEs start this themselves; docs/protocol.md has the lines."""

from __future__ import annotations

import argparse

from cokernel import child


def configure(parser: argparse.ArgumentParser) -> None:  # every command has one
    """There are no options: everything is said in the protocol."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001  # every command has one
    return child.main()
