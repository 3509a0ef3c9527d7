"""Mime bundles as plain text, for readers that cannot draw: agents and terminals."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cokernel.kernel.figures import figure_summary
from cokernel.kernel.htmltext import html_text
from cokernel.kernel.terminal import plain_text

IMAGE_MIMES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What can be handed over as an image, best first."""

_JSON_CHARS = 4_000
_SAYS_NOTHING = re.compile(r"<[^\n]{1,300}>|Figure\(.*\)|alt\.\w*Chart\(\.\.\.\)", re.DOTALL)
"""A repr that only names the object: the other forms say more."""
_SVG_TAG = re.compile(r"<svg\b[^>]*>")
_SVG_SIDE = re.compile(r"""\s(width|height)=["']([\d.]+)""")
_WRITTEN = ("text/markdown", "text/latex")


def bundle_image(data: Mapping[str, str]) -> tuple[str, str] | None:
    """Mime type and base64 data of the image to show; None if the bundle has none."""
    return next(((mime, data[mime]) for mime in IMAGE_MIMES if data.get(mime)), None)


def bundle_text(data: Mapping[str, str]) -> str:
    """What the bundle says in words; empty if it is an image and nothing more."""
    plain = data.get("text/plain", "")
    has_words = bool(plain.strip()) and not (len(data) > 1 and _SAYS_NOTHING.fullmatch(plain))
    if has_words and len(data) == 1:
        return plain
    figures = [summary for mime in data if (summary := figure_summary(mime, data[mime]))]
    if figures:
        return figures[0]
    words = plain if has_words else _richer_text(data)
    drawing = data.get("image/svg+xml")
    if drawing and not bundle_image(data):
        return f"{words}\n{_svg_mention(drawing)}" if words else _svg_mention(drawing)
    if words or bundle_image(data):
        return words
    return plain or "\n".join(f"[{mime[:100]}, {size_words(len(data[mime]))}]" for mime in data)


def size_words(size: int) -> str:
    """Bytes as people read them: `812 bytes`, `21 kB`, `1.4 MB`."""
    if size < 1_000:
        return f"{size} bytes"
    if size < 1_000_000:
        return f"{round(size / 1_000)} kB"
    return f"{size / 1_000_000:.1f} MB"


def _richer_text(data: Mapping[str, str]) -> str:
    for mime in _WRITTEN:
        if data.get(mime):
            return plain_text(data[mime])
    if data.get("text/html"):
        return plain_text(html_text(data["text/html"]))
    if data.get("application/json"):
        return _json_text(data["application/json"])
    return ""


def _json_text(text: str) -> str:
    if len(text) <= _JSON_CHARS:
        return text
    return f"{text[:_JSON_CHARS]} [… {len(text) - _JSON_CHARS:,} more characters of JSON …]"


def _svg_mention(drawing: str) -> str:
    tag = _SVG_TAG.search(drawing[:10_000])
    sides = dict(_SVG_SIDE.findall(tag[0])) if tag else {}
    pixels = f"{sides['width']}×{sides['height']}, " if len(sides) == 2 else ""
    return f"[svg drawing, {pixels}{size_words(len(drawing))}, not shown]"
