"""Attacks on the promises: what was tried, and what failed; see `__main__`."""
