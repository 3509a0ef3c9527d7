"""`_`: every word that people read goes through it."""

from __future__ import annotations

from spyder.api.translations import get_translation

_ = get_translation("spyder_mcp")
