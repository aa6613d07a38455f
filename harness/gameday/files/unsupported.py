"""Words of the dialect that a later version brings: an error until then, never ignored."""

from __future__ import annotations

LATER_KINDS = ("gate",)

LATER_KEYS: dict[str, dict[str, str]] = {
    "Gameday": dict.fromkeys(("windows", "tell", "confirm", "playbook"), "leave it out: a later version brings it"),
}
"""Model → key → what to do meanwhile."""

LATER_WORDS = ("conflict-prone",)
"""Values of `allow`."""

LATER_IN_FAULTS = ("at", "for")
"""Keys beside a fault's name."""
