"""Images in mime bundles: what they are, and scaling them down to what an agent can take."""

from __future__ import annotations


def image_label(mime: str, data: str) -> str:
    """Such as `640×480 png, 21 kB`."""
    return f"{mime.removeprefix('image/')}, {len(data) * 3 // 4 // 1000} kB"
