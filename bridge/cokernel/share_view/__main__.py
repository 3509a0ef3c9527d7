"""`python -m cokernel.share_view [asking] [light]`: the live view with a scripted bridge, for looking at it."""

from __future__ import annotations

import sys
import time

from cokernel.share_view.app import ShareView
from cokernel.share_view.gallery import NOW, ScriptedBridge, scene


def main() -> None:
    began = time.time()
    bridge = ScriptedBridge()
    view = ShareView(
        bridge,
        bridge.share,
        dark="light" not in sys.argv,
        clock=lambda: NOW + time.time() - began,
    )
    bridge.on_event = view.post
    for event in scene(bridge, asking="asking" in sys.argv) if "empty" not in sys.argv else []:
        view.post(event)
    view.run()


if __name__ == "__main__":
    main()
