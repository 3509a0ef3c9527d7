"""Overrides of the shared console: no agent harms it, and a restart is told. Each names the code upstream."""
