"""Everything that a person or an agent can name is in `docs/`."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cokernel import cli, errors
from cokernel.server.tools import TOOLS
from cokernel.session.policy import Mode

ROOT = Path(__file__).resolve().parents[1]
PAGES = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
DOCS = "\n".join(PAGES.values())
SOURCES = [
    file
    for folder, pattern in (
        ("bridge/cokernel", "*.py"),
        ("spyder_mcp", "*.py"),
        ("vscode-extension/src", "*.ts"),
    )
    for file in sorted((ROOT / folder).rglob(pattern))
    if ".test." not in file.name
]
ONLY_TESTS = {"COKERNEL_TEST_PYTHON"}


def missing(names: set[str], text: str = DOCS) -> list[str]:
    """Those that do not stand in the text as a word of their own."""
    return sorted(n for n in names if not re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text))


def test_every_tool_and_its_arguments() -> None:
    names = {tool.name for tool in TOOLS}
    arguments = {name for tool in TOOLS for name in tool.arguments.model_fields}
    assert missing(names | arguments, PAGES.get("tools.md", "")) == []


def test_every_command() -> None:
    headings = {f"cokernel {name}" for name in cli.COMMANDS}
    assert [h for h in headings if f"\n## {h}\n" not in PAGES["commands.md"]] == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_option_of(name: str) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    importlib.import_module(f"cokernel.commands.{name}").configure(parser)
    options = {o for action in parser._actions for o in action.option_strings}
    page = PAGES["commands.md"]
    section = page.split(f"\n## cokernel {name}\n")[1].split("\n## ")[0]
    assert missing(options, section) == []


def test_every_mode() -> None:
    assert missing({mode.value for mode in Mode}, PAGES["commands.md"]) == []


def test_every_error_code() -> None:
    codes = {kind.code for kind in _all_errors(errors.CokernelError)}
    assert [code for code in codes if f"| `{code}` |" not in PAGES["commands.md"]] == []


def _all_errors(kind: type[errors.CokernelError]) -> Iterator[type[errors.CokernelError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all_errors(child)


def test_every_environment_variable() -> None:
    pattern = re.compile(r"""["'`.]((?:COKERNEL|IPYTHON_MCP)_[A-Z_]+)\b""")
    names = {name for file in SOURCES for name in pattern.findall(file.read_text(encoding="utf-8"))}
    assert missing(names - ONLY_TESTS) == []


def test_every_preference_of_the_spyder_plugin() -> None:
    assert missing(_spyder_options()) == []


def _spyder_options() -> set[str]:
    """The keys of `CONF_DEFAULTS`, read from the source: Spyder itself is not in this environment."""
    tree = ast.parse((ROOT / "spyder_mcp" / "config.py").read_text(encoding="utf-8"))
    defaults = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONF_DEFAULTS"
    )
    assert isinstance(defaults, ast.List)
    section = defaults.elts[0]
    assert isinstance(section, ast.Tuple)
    options = section.elts[1]
    assert isinstance(options, ast.Dict)
    return {ast.literal_eval(key) for key in options.keys if key is not None}


def _extension() -> dict[str, Any]:
    manifest = json.loads((ROOT / "vscode-extension" / "package.json").read_text(encoding="utf-8"))
    contributes: dict[str, Any] = manifest["contributes"]
    return contributes


def test_every_command_of_the_vs_code_extension() -> None:
    titles = json.loads(
        (ROOT / "vscode-extension" / "package.nls.json").read_text(encoding="utf-8")
    )
    shown = {
        re.sub(r"%(.+?)%", lambda found: titles[found[1]], command["title"])
        for command in _extension()["commands"]
    }
    assert [title for title in shown if title not in DOCS] == []


def test_every_setting_of_the_vs_code_extension() -> None:
    properties = _extension()["configuration"]["properties"]
    assert missing(set(properties)) == []


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("page", [*sorted(PAGES), "../README.md", "../CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    here = ROOT / "docs" / page
    broken = []
    for target, anchor in LINK.findall(here.read_text(encoding="utf-8")):
        file = (here.parent / target).resolve() if target else here.resolve()
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def _anchors(file: Path) -> set[str]:
    """As the usual renderers of Markdown make them from headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
