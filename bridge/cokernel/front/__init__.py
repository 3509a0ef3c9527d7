"""`cokernel` as an agent's client starts it: MCP on stdio, handed on to the bridge that shares the kernel.

::

    client ──stdio── front ──local socket── bridge of an IDE or a terminal
                       └────stdio (child)── stand-alone bridge, if nothing is shared

The parts, from the outside in: `process` is stdio and signals, `relay` decides about every message,
`bridges` about which bridge is in use, `home` finds the one to connect to, `upstream` is one
connection, `messages` knows JSON-RPC, `lines` cuts bytes into lines. `early` comes before all of them.

The standard library only, and little of that: a front runs as long as its client does, in at most 15 MB, and starts in
tens of milliseconds. Threads and blocking reads rather than a loop, because stdio cannot be selected on Windows.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """The console script. Without arguments and with a client on stdin: the front; else the command line."""
    if len(sys.argv) > 1 or _terminal_on_stdin():
        from cokernel.cli import main as command_line

        return command_line(sys.argv[1:])
    from cokernel.front.early import spawn_if_nothing_is_shared

    early = spawn_if_nothing_is_shared()
    from cokernel.front.process import run  # meanwhile

    return run(early)


def _terminal_on_stdin() -> bool:
    try:
        return os.isatty(0)
    except OSError:  # no stdin at all
        return False
