"""What can be come by from somewhere, one step after the other: who fails with whom, and what explains what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def reached(starts: Iterable[str], steps: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The starts, and all that steps lead to from them, directly or through others; cycles are fine."""
    found = frozenset(starts)
    while more := {other for one in found for other in steps.get(one, ())} - found:
        found |= more
    return found
