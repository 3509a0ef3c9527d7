"""Share Spyder's IPython console with Claude or any other MCP client."""

__version__ = "0.1.0"
