"""Pictures of the terminal's live view, from its scripted bridge: `python bridge/scripts/screenshot.py [FOLDER]`.

Without a folder it makes those of `docs/images`. Textual draws them as SVG; Chromium makes PNG of them.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

from cokernel.host import Event
from cokernel.share_view.app import ShareView
from cokernel.share_view.gallery import NOW, ScriptedBridge, scene

ROOT = Path(__file__).resolve().parents[2]
SCENES: dict[str, tuple[int, int, bool, bool | None]] = {
    # name: columns, rows, dark, asking (None: nothing has happened yet)
    "terminal": (100, 30, True, False),
    "terminal-light": (100, 30, False, False),
    "terminal-asking": (100, 30, True, True),
    "terminal-asking-light": (100, 30, False, True),
    "terminal-wide": (160, 30, True, False),
    "terminal-narrow": (48, 24, True, False),
    "terminal-empty": (80, 20, True, None),
}
IN_THE_DOCS = ("terminal", "terminal-asking-light")


async def draw(
    size: tuple[int, int], dark: bool, events: Sequence[Event], bridge: ScriptedBridge
) -> str:
    """The view after these events, as SVG."""
    inbox: SimpleQueue[Event] = SimpleQueue()
    for event in events:
        inbox.put(event)
    view = ShareView(bridge, bridge.share, inbox, dark=dark, clock=lambda: NOW, read_s=0)
    async with view.run_test(size=size) as pilot:
        await pilot.pause(0.2)
        return view.export_screenshot(title="cokernel share")


def rasterise(svg: str, png: Path) -> None:
    """Write a drawing as PNG, at twice its size in pixels.

    Raises
    ------
    FileNotFoundError
        there is no chromium.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    width, height = (float(part) for part in svg.split('viewBox="0 0 ')[1].split('"')[0].split())
    with tempfile.TemporaryDirectory() as folder:
        drawing = Path(folder) / "view.svg"
        drawing.write_text(svg, encoding="utf-8")
        command = [
            browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=2",
            f"--window-size={round(width)},{round(height)}", f"--screenshot={png.resolve()}", drawing.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        columns, rows, dark, asking = SCENES[name]
        bridge = ScriptedBridge()
        events = [] if asking is None else scene(bridge, asking=asking)
        svg = asyncio.run(draw((columns, rows), dark, events, bridge))
        rasterise(svg, folder / f"{name}.png")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), list(SCENES))
    else:
        main(ROOT / "docs" / "images", IN_THE_DOCS)
