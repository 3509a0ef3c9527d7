"""You and your AI agent in one live Jupyter kernel.

This file imports nothing: `cokernel` as an agent's command starts in tens of milliseconds.
"""

__version__ = "0.1.0"
