"""What an execution put out, as frozen values: what `OutputBuffer.snapshot` gives, and what IDEs draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamOutput:
    """Consecutive text of one stream, as a terminal would show it."""

    name: str
    """`stdout` or `stderr`."""
    text: str
    """Exact user text with carriage returns, backspaces and cursor moves applied and escape codes removed."""
    dropped_chars: int = 0
    """Characters that are not held any more, from the middle (head and tail are kept)."""
    dropped_at: int = 0
    """Where in `text` they stood."""


@dataclass(frozen=True, slots=True)
class DisplayOutput:
    """`display_data` or `execute_result`: a mime bundle. Binary mimes are base64 text, as on the wire."""

    data: Mapping[str, str]
    """JSON mimes are compact JSON text. If something was dropped, `text/plain` says so or is what is left."""
    execution_count: int | None = None
    """Set if it is the value of the cell's last expression."""
    display_id: str = ""
    dropped_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ErrorOutput:
    """An exception that the code raised."""

    ename: str
    evalue: str
    traceback: str
    """Without escape codes, whole (up to 256,000 characters)."""


Output = StreamOutput | DisplayOutput | ErrorOutput
