"""Measuring side by side: every round runs each contestant once, so that a noisy machine is noisy for all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

MS = 1000.0


@dataclass
class Series:
    """The times of one contestant, in seconds."""

    times: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times) * MS

    @property
    def p95_ms(self) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] * MS


def interleave(
    rounds: int, contestants: Mapping[str, Callable[[], float]], warm_up: int = 3
) -> dict[str, Series]:
    """Let each contestant measure itself `rounds` times, in turn, each round beginning with another one."""
    series = {name: Series() for name in contestants}
    names = list(contestants)
    for number in range(-warm_up, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            took = contestants[name]()
            if number >= 0:
                series[name].times.append(took)
    return series


def stopwatch(work: Callable[[], object]) -> Callable[[], float]:
    """Do it, and tell the seconds that it took."""

    def run() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return run


@dataclass(frozen=True)
class Row:
    """One line of the report."""

    what: str
    measured: float
    unit: str
    target: float | None = None
    """At most so much; None for what stands there to compare with."""
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "met" if self.measured <= self.target else "MISSED"


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table that reads well in a terminal."""
    cells = [("", "measured", "target", "", "")]
    cells += [
        (
            row.what,
            f"{row.measured:.3g} {row.unit}"
            if row.measured < 1000
            else f"{row.measured:.0f} {row.unit}",
            "" if row.target is None else f"≤ {row.target:g} {row.unit}",
            row.verdict,
            row.note,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    ruler = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([*islice(lines, 1), ruler, *lines[1:]])
