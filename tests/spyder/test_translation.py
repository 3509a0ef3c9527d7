"""The catalogues of words: up to date, whole, and used by Spyder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from spyder.config import base

import spyder_mcp

sys.path.insert(0, str(Path(spyder_mcp.__file__).parents[1] / "bridge" / "scripts"))
import translations

PLACEHOLDER = re.compile(r"\{[^}]*\}|</?b>")
LANGUAGES = list(translations.languages())


def test_the_template_has_the_words_of_the_package() -> None:
    """If not: `python bridge/scripts/translations.py`."""
    with translations.TEMPLATE.open("rb") as file:
        template = translations.read_po(file)
    assert {m.id for m in template} == {m.id for m in translations.extracted()}


@pytest.mark.parametrize("po", LANGUAGES, ids=lambda po: po.parts[-3])
def test_a_language_has_every_word_with_its_placeholders(po: Path) -> None:
    catalog = translations.read(po)
    for message in translations.extracted():
        if message.id:
            said = catalog.get(message.id)
            assert said is not None, message.id
            assert sorted(PLACEHOLDER.findall(said.string)) == sorted(
                PLACEHOLDER.findall(message.id)
            ), message.id


@pytest.mark.parametrize("po", LANGUAGES, ids=lambda po: po.parts[-3])
def test_spyder_shows_what_was_compiled(po: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "load_lang_conf", lambda: po.parts[-3])
    monkeypatch.setenv("LANGUAGE", "")
    translate = base.get_translation("spyder_mcp")
    for message in translations.read(po):
        if message.id:
            assert translate(message.id) == message.string
