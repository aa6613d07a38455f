"""Processes by name, and schedules, for the tests of schedules."""

from __future__ import annotations

from gameday.files.schedule_block import Schedule


class Processes:
    """The processes of all machines, by name."""

    def __init__(self, me: str, dead: set[str]) -> None:
        self.me, self._dead = me, dead

    def is_dead(self, holder: str) -> bool:
        return holder in self._dead


def schedule(**values: object) -> Schedule:
    """A schedule of Tuesdays at 10:30 in Berlin, with other values."""
    return Schedule.model_validate({"days": ["tue"], "at": "10:30", "zone": "Europe/Berlin", **values})
