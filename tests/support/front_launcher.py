"""The real front, with the scripted stand-alone bridge in place of the real one."""

import sys
from pathlib import Path

from cokernel.front import early
from cokernel.front.process import run

early.COMMAND = (sys.executable, str(Path(__file__).with_name("scripted_bridge.py")))
sys.exit(run(early.spawn_if_nothing_is_shared()))
