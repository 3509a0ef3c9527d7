"""Share records for tests: of this very process unless a field says otherwise."""

from __future__ import annotations

import os
from typing import Any

from cokernel import shares


def make_record(**fields: Any) -> shares.ShareRecord:
    """A record that readers take; any field of `ShareRecord` may be set."""
    title = fields.pop("title", "Console 1/A")
    workspaces = tuple(fields.pop("workspaces", ()))
    record = shares.describe(
        fields.pop("share", shares.new_share_id("spyder")),
        ide=fields.pop("ide", "Spyder"),
        title=title,
        mode=fields.pop("mode", "free"),
        endpoint=fields.pop("endpoint", shares.Endpoint("unix", "/nonexistent/socket")),
        token=fields.pop("token", None) or shares.new_token(),
        connection_file=fields.pop("connection_file", ""),
    )
    return record._replace(workspaces=workspaces, **fields)


def write_private(path: str, data: bytes) -> None:
    """A file of mode 0600, whatever the umask."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
