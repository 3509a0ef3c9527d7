"""A log on stderr, off below warnings unless `COKERNEL_LOG` names a level. `logging` itself costs 1 MB."""

from __future__ import annotations

import os
import sys
import time

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Never give it code, output or tokens."""

    def __init__(self, level: str | None = None) -> None:
        name = (level or os.environ.get("COKERNEL_LOG", "")).lower()
        self._threshold = _LEVELS.get(name, _LEVELS["warning"])

    def debug(self, text: str, *values: object) -> None:
        self._write("debug", text, values)

    def info(self, text: str, *values: object) -> None:
        self._write("info", text, values)

    def warning(self, text: str, *values: object) -> None:
        self._write("warning", text, values)

    def _write(self, level: str, text: str, values: tuple[object, ...]) -> None:
        if _LEVELS[level] < self._threshold or sys.stderr is None:
            return
        clock = time.strftime("%H:%M:%S")
        try:
            sys.stderr.write(f"{clock} cokernel front {level}: {text % values}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # the client closed its end; there is nobody left to tell
