"""The catalogues of the Spyder plugin's words: `python bridge/scripts/translations.py`, where Spyder is installed.

Reads every `_("…")` of `spyder_mcp`, writes the template `spyder_mcp/locale/spyder_mcp.pot`, brings the languages up to
date with it and compiles them. What a language lacks is named; Spyder shows it in English. To begin one:

    python bridge/scripts/translations.py --add pt_BR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[2] / "spyder_mcp"
DOMAIN = "spyder_mcp"
LOCALE = PACKAGE / "locale"
TEMPLATE = LOCALE / f"{DOMAIN}.pot"
EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""In place of the time: a file changes when its words change."""
TEAM = "The Cokernel developers"
HEADER = {
    "project": DOMAIN,
    "header_comment": "# The words of Cokernel's plugin for Spyder.",
    "version": "0.1.0",
    "msgid_bugs_address": TEAM,
    "copyright_holder": TEAM,
    "last_translator": TEAM,
    "language_team": TEAM,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--add", metavar="LANGUAGE", help="begin a translation: de, pt_BR, …")
    arguments = parser.parse_args()
    template = extracted()
    _write(template, TEMPLATE)
    if arguments.add:
        _begin(arguments.add, template)
    for po in languages():
        _bring_up_to_date(po, template)
    return 0


def extracted() -> Catalog:
    """The words of the package as they are now."""
    catalog = Catalog(creation_date=EPOCH, fuzzy=False, **HEADER)
    for file, _line, words, _comments, _context in extract_from_dir(
        str(PACKAGE), method_map=[("**.py", "python")], keywords={"_": None}
    ):
        catalog.add(words, locations=[(f"{DOMAIN}/{Path(file).as_posix()}", None)])
    return catalog


def languages() -> Iterator[Path]:
    """The catalogue of each language."""
    return iter(sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))


def read(po: Path) -> Catalog:
    with po.open("rb") as file:
        return read_po(file, locale=po.parts[-3], domain=DOMAIN)


def _begin(language: str, template: Catalog) -> None:
    po = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if po.exists():
        raise SystemExit(f"{po} is there already.")
    po.parent.mkdir(parents=True)
    catalog = Catalog(locale=language, creation_date=EPOCH, revision_date=EPOCH, **HEADER)
    catalog.fuzzy = False
    catalog.update(template)
    _write(catalog, po)


def _bring_up_to_date(po: Path, template: Catalog) -> None:
    catalog = read(po)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = catalog.revision_date = EPOCH
    _write(catalog, po)
    with po.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)
    for message in catalog:
        if message.id and not message.string:
            print(f"{po.parts[-3]} lacks: {message.id}")


def _write(catalog: Catalog, path: Path) -> None:
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_by_file=True, include_lineno=False)


if __name__ == "__main__":
    sys.exit(main())
