"""`cokernel child`, the bridge as a child process of an IDE, and the lines in which it tells of events."""

from cokernel.child.encode import encode_event
from cokernel.child.process import PROTOCOL_VERSION, Child, front_command, main

__all__ = ["PROTOCOL_VERSION", "Child", "encode_event", "front_command", "main"]
