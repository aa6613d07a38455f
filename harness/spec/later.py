"""Words of the dialect that a later version brings: an error until then, never ignored."""

from __future__ import annotations

LATER_KINDS = ("gate",)

LATER_KEYS: dict[str, tuple[str, ...]] = {
    "Gameday": ("windows", "tell", "confirm", "playbook"),
    "Kpi": ("logs", "alarm"),
    "Reading": ("logs", "alarm"),
}
"""Model → keys."""

LATER_WORDS = ("conflict-prone",)
"""Values of `allow`."""

LATER_IN_FAULTS = ("at", "for")
"""Keys beside a fault's name."""
