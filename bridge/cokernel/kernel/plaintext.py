"""Mime bundles as plain text, for readers that cannot draw: agents and terminals."""

from __future__ import annotations

from collections.abc import Mapping

IMAGE_MIMES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What can be handed over as an image, best first."""


def bundle_image(data: Mapping[str, str]) -> tuple[str, str] | None:
    """Mime type and base64 data of the image to show; None if the bundle has none."""
    return next(((mime, data[mime]) for mime in IMAGE_MIMES if data.get(mime)), None)


def bundle_text(data: Mapping[str, str]) -> str:
    """What the bundle says in words; empty if it is an image and nothing more."""
    return data.get("text/plain", "")
