"""Words that a later version of the file format brings. Until then they are mistakes, and never ignored."""

from __future__ import annotations

LATER_KINDS = ("gate",)

LATER_KEYS: dict[str, dict[str, str]] = {
    "Gameday": dict.fromkeys(("tell", "confirm", "playbook"), "leave it out: a later version brings it"),
}
"""Model → key → what to do until then."""

LATER_WORDS = ("conflict-prone",)
"""Values of `allow`."""
