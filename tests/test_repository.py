"""What no file of the repository may hold, and what must agree between its files."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
THIS = Path(__file__).resolve()

# Put together here, so that this file names none itself.
HOSTS = (
    ("pypi", "org"),
    ("pypi", "python"),
    ("registry", "npm"),
    ("deb", "debian"),
    ("security", "debian"),
    ("crates", "io"),
)
NAMES = (("python", "hosted"), ("npm", "js"))
FORBIDDEN = {
    "a package registry's host": re.compile(
        "|".join([rf"{a}\.{b}" for a, b in HOSTS] + [rf"{a}{b}\." for a, b in NAMES]),
        re.I,
    ),
    "a path of one machine": re.compile(
        r"/(?:work|root)/[a-z.]|[A-Z]:\\\\?Users\\\\?[a-z]+\\", re.I
    ),
    "a merge's leftovers": re.compile(r"^(?:<{7}|>{7}) ", re.M),
}


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    names = listing.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]!r}"
        for file in tracked_files()
        if file != THIS
        for match in FORBIDDEN[what].finditer(_text(file))
    ]
    assert found == []


def _text(file: Path) -> str:
    data = file.read_bytes()
    return "" if b"\0" in data[:8000] else data.decode("utf-8", "replace")


def _version_in(file: str, pattern: str) -> str:
    match = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.M)
    assert match, f"{file} names no version"
    return match[1]


def test_all_parts_carry_the_newest_version_of_the_changelog() -> None:
    newest = _version_in("CHANGELOG.md", r"^## (\d+\.\d+\.\d+)")
    versions = {
        "pyproject.toml": _version_in("pyproject.toml", r'^version = "(.+)"'),
        "bridge/pyproject.toml": _version_in("bridge/pyproject.toml", r'^version = "(.+)"'),
        "cokernel.__version__": _version_in(
            "bridge/cokernel/__init__.py", r'^__version__ = "(.+)"'
        ),
    }
    extension = ROOT / "vscode-extension" / "package.json"
    if extension.exists():
        versions["package.json"] = json.loads(extension.read_text(encoding="utf-8"))["version"]
    assert set(versions.values()) == {newest}, versions


def test_no_module_of_the_bridge_grows_past_what_one_sitting_reads() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in (ROOT / "bridge" / "cokernel").rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}
