"""`make demo` shows what it promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.live
def test_demo_prints_a_transcript_of_all_that_agents_do() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bridge" / "scripts" / "demo.py")],
        capture_output=True,
        encoding="utf-8",
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "Out[2]: (1000, " in said
    assert "new: rng (Generator), df (DataFrame 1000×2)" in said
    assert "dose" in said.split("A table")[1]
    saved = re.search(r"the plot is saved as (\S+)\)", said)
    assert saved
    assert (ROOT / saved[1]).read_bytes().startswith(b"\x89PNG")
    assert "AttributeError: 'DataFrame' object has no attribute 'reponse'" in said
    assert "execution 6 · running" in said.split("Checked once")[1]
    assert "In[6] · ok" in said.split("Checked again")[1]
    assert "In[7] · interrupted" in said
    assert "the user's cell has been running" in said.split("A look while that cell runs")[1]
    assert "the user · In[8] · ok" in said
