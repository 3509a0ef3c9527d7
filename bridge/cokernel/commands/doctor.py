"""Check this machine and say why something does not work, and what to do.

Nothing is changed and no code is run. The exit code is 1 if there is a problem."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from cokernel.commands.checks import Finding, Level, everything
from cokernel.commands.console import say


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    findings: list[Finding] = []
    if arguments.json:
        findings.extend(everything())
        say(json.dumps([_plain(finding) for finding in findings], indent=2))
    else:
        findings.extend(_told(everything()))
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    if not arguments.json:
        say()
        say("No problem was found." if not problems else f"Problems: {problems}")
    return 1 if problems else 0


def _told(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Each finding is told as it comes: the last ones take seconds."""
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            say(area)
        say(f"  {finding.level.value:8} {finding.what}")
        if finding.next_step:
            say(f"  {'':8} → {finding.next_step}")
        yield finding


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "area": finding.area,
        "level": finding.level.value,
        "what": finding.what,
        "next": finding.next_step,
    }
