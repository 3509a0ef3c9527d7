"""The benchmarks: cokernel beside its floors and its peers, in one run.

    python bridge/benchmarks [--quick] [--no-peers] [--write FILE]

`floor_server.py` and `raw_kernel.py` are the floors: the least that an MCP server, and a kernel's client, can be.
Nothing is remembered from run to run; every ratio is of numbers that were measured in turn, seconds apart.
"""

from __future__ import annotations

import argparse
import compileall
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import measures
import peers
import report
from measuring import Row

import cokernel

Measure = Callable[[int], Iterator[Row]]

PLAN: tuple[tuple[str, Measure, int, int], ...] = (
    ("Calls", measures.calls, 300, 60),
    ("Attaching", measures.attaching, 15, 5),
    ("Starting", measures.starting, 11, 3),
    ("Output", measures.output, 7, 3),
    ("Looks", measures.looks, 50, 20),
)
"""Title, what to run, rounds, rounds when quick."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--no-peers", action="store_true", help="leave out what would be installed")
    parser.add_argument("--only", choices=[title.lower() for title, *_ in PLAN], help="one part")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this page")
    arguments = parser.parse_args()

    _compile()
    sections = []
    for title, measure, rounds, quick_rounds in PLAN:
        if arguments.only in (None, title.lower()):
            rows = list(measure(quick_rounds if arguments.quick else rounds))
            sections.append(report.section(title, rows))
            print(sections[-1], flush=True)
    if not arguments.no_peers and arguments.only is None:
        sections.append(peers.compare(20 if arguments.quick else 60))
        print(sections[-1], flush=True)
    if arguments.write:
        report.write(arguments.write, sections)
    return 0


def _compile() -> None:
    """As an installer does. Where PYTHONDONTWRITEBYTECODE is set, a checkout would be compiled at each start else."""
    for folder in (cokernel.__path__[0], str(Path(__file__).parent)):
        compileall.compile_dir(folder, quiet=1)


if __name__ == "__main__":
    sys.exit(main())
