"""Spyder's start waits for nothing that only people who share need."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_spyder import DEADLINE_S, spyder_that

pytestmark = [pytest.mark.slow, pytest.mark.live]

LOOK = """\
def made():
    ours = [m for m in sys.modules if m.split(".")[0] in ("cokernel", "mcp")]
    return pane._controller is not None, sorted(ours)[:1]

print("at start:", *made(), file=sys.__stdout__)
window.get_plugin("claude").switch_to_plugin()
until(lambda: pane._controller is not None)
assert "mcp" not in sys.modules
until(pane.controller.pane.guide.isVisible)
"""

TAKE_OUT_UNSEEN = """\
from spyder.api.plugin_registration.registry import PLUGIN_REGISTRY
PLUGIN_REGISTRY.delete_plugin("claude")
for _ in range(20):
    app.processEvents()
print("made:", pane._controller is not None, file=sys.__stdout__)
"""


@pytest.mark.timeout(DEADLINE_S + 30)
def test_bridge_and_calls_are_not_even_imported_until_they_are_needed(tmp_path: Path) -> None:
    assert "at start: False []" in spyder_that(LOOK, tmp_path)


@pytest.mark.timeout(DEADLINE_S + 30)
def test_the_plugin_can_be_taken_out_before_anybody_looked_at_it(tmp_path: Path) -> None:
    assert "made: False" in spyder_that(TAKE_OUT_UNSEEN, tmp_path)
