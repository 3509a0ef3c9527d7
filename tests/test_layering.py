"""Imports go one way: `errors < kernel < session < server < host < child < cli`.

Read from the source with `ast`, so that imports inside functions count too and nothing needs to be importable.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COKERNEL = ROOT / "bridge" / "cokernel"
SPYDER_PLUGIN = ROOT / "spyder_mcp"

LAYERS = (
    "errors",
    "kernel",
    "session",
    "events",
    "server",
    "sharing",
    "standalone",
    "host",
    "child",
    "cli",
)
FACES = {"__main__", "commands", "setup", "share_view"}
"""Parts of the command line: they stand where `cli` stands."""
LIGHT = {"front", "handshake", "shares", "state_folder"}
"""The standard library, `errors` and each other only: what starts in tens of milliseconds."""
MCP_FILES = {"server/app.py", "server/tasks.py", "server/endpoint.py"}
QT = {"PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "spyder", "spyder_kernels"}


@dataclass(frozen=True)
class Import:
    """One imported module, by its absolute name, and where that stands."""

    file: Path
    line: int
    module: str

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def part(self) -> str:
        """Which part of cokernel it is: `kernel` for `cokernel.kernel.link`."""
        return self.module.split(".")[1] if "." in self.module else ""

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def imports_of(file: Path, package: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, file, package)
            yield Import(file, node.lineno, base)
            # `from cokernel import shares` imports a module too.
            if base == package:
                yield from (Import(file, node.lineno, f"{base}.{a.name}") for a in node.names)


def _absolute(node: ast.ImportFrom, file: Path, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    root = COKERNEL if package == "cokernel" else SPYDER_PLUGIN
    parents = [package, *file.relative_to(root).parent.parts]
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def part_of(file: Path) -> str:
    return file.relative_to(COKERNEL).parts[0].removesuffix(".py")


def rank(part: str) -> int:
    return LAYERS.index("cli" if part in FACES else part)


FILES = sorted(COKERNEL.rglob("*.py"))


def found(fits: Callable[[Import], bool], files: Iterable[Path] = FILES) -> list[str]:
    """Every import in these files that fits, as text."""
    return [str(i) for file in files for i in imports_of(file, "cokernel") if fits(i)]


def test_every_module_has_a_layer() -> None:
    known = {*LAYERS, *FACES, *LIGHT, "__init__"}
    assert [str(file) for file in FILES if part_of(file) not in known] == []


def test_imports_go_down_only() -> None:
    def goes_up(one: Import) -> bool:
        if one.top != "cokernel" or one.part in {"", "__version__", *LIGHT}:
            return False
        return rank(one.part) > rank(part_of(one.file))

    layered = [file for file in FILES if part_of(file) not in {*LIGHT, "__init__"}]
    assert found(goes_up, layered) == []


def test_the_light_modules_need_the_standard_library_only() -> None:
    def is_heavy(one: Import) -> bool:
        if one.top != "cokernel":
            return one.top not in sys.stdlib_module_names
        # With a terminal on stdin, or a command: only then is the rest loaded.
        lazily = {"cli"} if part_of(one.file) == "front" else set()
        return one.part not in {"", "__version__", "errors", *LIGHT, *lazily}

    assert found(is_heavy, [file for file in FILES if part_of(file) in LIGHT]) == []


def test_only_three_files_know_mcp() -> None:
    others = [file for file in FILES if file.relative_to(COKERNEL).as_posix() not in MCP_FILES]
    assert found(lambda one: one.top in {"mcp", "mcp_types"}, others) == []


def test_qt_never_enters_the_bridge() -> None:
    assert found(lambda one: one.top in QT) == []


def test_the_spyder_plugin_sees_the_facade_only() -> None:
    seen = [
        str(one)
        for file in sorted(SPYDER_PLUGIN.rglob("*.py"))
        for one in imports_of(file, "spyder_mcp")
        if one.top == "cokernel" and one.module not in {"cokernel", "cokernel.host"}
    ]
    assert seen == []


def test_no_import_cycle_between_modules() -> None:
    graph = {
        _module_name(file): {
            one.module for one in imports_of(file, "cokernel") if one.top == "cokernel"
        }
        for file in FILES
        # A package's own __init__ may name its modules.
        if file.name != "__init__.py"
    }
    graph["cokernel.front"] = graph.get("cokernel.front", set()) - {"cokernel.cli"}
    assert _cycle(graph) == []


def _module_name(file: Path) -> str:
    return ".".join(["cokernel", *file.relative_to(COKERNEL).with_suffix("").parts])


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """One cycle, if there is any: what remains after modules that import nothing that remains are taken away."""
    left = {name: {other for other in needs if other in graph} for name, needs in graph.items()}
    while leaves := {name for name, needs in left.items() if not needs & left.keys()}:
        left = {name: needs for name, needs in left.items() if name not in leaves}
    return sorted(left)
