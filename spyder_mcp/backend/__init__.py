"""Which console is shared, and the one place where Qt meets the bridge."""
