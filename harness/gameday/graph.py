"""Reachability in a graph, for example: which modules fail together with these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def reached(starts: Iterable[str], steps: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the starts and all nodes that steps lead to from them, directly or through others; cycles may occur."""
    nodes = frozenset(starts)
    while more := {following for node in nodes for following in steps.get(node, ())} - nodes:
        nodes |= more
    return nodes
