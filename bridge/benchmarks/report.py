"""The report of one run: in the terminal, and in the page that keeps the last one."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import psutil
from measuring import Row, table

BEGIN = "<!-- one run, written by bridge/benchmarks -->"
VERSIONS = ("cokernel", "mcp", "pyzmq", "ipykernel", "IPython")


def section(title: str, rows: list[Row]) -> str:
    return f"\n## {title}\n\n{table(rows)}\n"


def machine() -> str:
    """When and where, in words."""
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    memory = round(psutil.virtual_memory().total / 1e9)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"Run of {when}: {platform.system()} on {platform.machine()}, {os.cpu_count()} processors, {memory} GB of "
        f"memory, load average {load} at the end; Python {platform.python_version()}, {versions}."
    )


def write(page: Path, sections: list[str]) -> None:
    """Replace the numbers of `page`; the words above them stay."""
    words = page.read_text("utf-8").partition(BEGIN)[0].rstrip() if page.exists() else ""
    page.write_text(f"{words}\n\n{BEGIN}\n\n{machine()}\n{''.join(sections)}", "utf-8")
