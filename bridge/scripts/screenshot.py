"""Pictures of the terminal's live view, from its scripted bridge: `python bridge/scripts/screenshot.py [FOLDER]`.

Textual draws them as SVG; Chromium, where there is one, makes PNG of them. `docs/images/terminal.png` is made so.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
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


async def draw(
    size: tuple[int, int], dark: bool, events: Sequence[Event], bridge: ScriptedBridge
) -> str:
    """The view after these events, as SVG."""
    inbox: SimpleQueue[Event] = SimpleQueue()
    for event in events:
        inbox.put(event)
    view = ShareView(bridge, bridge.share, inbox, dark=dark, clock=lambda: NOW)
    async with view.run_test(size=size) as pilot:
        await pilot.pause(0.2)
        return view.export_screenshot(title="cokernel share")


def rasterise(svg: Path) -> None:
    """A PNG beside an SVG, twice its size in pixels."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print(f"{svg}: no chromium here, so no PNG")
        return
    width, height = (
        float(part) for part in svg.read_text().split('viewBox="0 0 ')[1].split('"')[0].split()
    )
    command = [
        browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=2",
        f"--window-size={round(width)},{round(height)}", f"--screenshot={svg.with_suffix('.png')}", svg.as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows, dark, asking) in SCENES.items():
        bridge = ScriptedBridge()
        events = [] if asking is None else scene(bridge, asking=asking)
        svg = folder / f"{name}.svg"
        svg.write_text(asyncio.run(draw((columns, rows), dark, events, bridge)), encoding="utf-8")
        rasterise(svg)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
