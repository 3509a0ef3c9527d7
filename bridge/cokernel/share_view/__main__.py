"""`python -m cokernel.share_view [asking|empty] [light]`: the live view with a scripted bridge, for looking at it."""

from __future__ import annotations

import sys
import time
from queue import SimpleQueue

from cokernel.host import Event
from cokernel.share_view.app import ShareView
from cokernel.share_view.gallery import NOW, ScriptedBridge, scene


def main() -> None:
    began = time.time()
    events: SimpleQueue[Event] = SimpleQueue()
    bridge = ScriptedBridge(on_event=events.put)
    if "empty" not in sys.argv:
        for event in scene(bridge, asking="asking" in sys.argv):
            events.put(event)
    view = ShareView(
        bridge,
        bridge.share,
        events,
        dark="light" not in sys.argv,
        clock=lambda: NOW + time.time() - began,
    )
    view.run()


if __name__ == "__main__":
    main()
