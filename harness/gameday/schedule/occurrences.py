"""The occurrences of a schedule: when it starts, and why one would be skipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gameday.files.schedule_block import Schedule
from gameday.files.workload import Freeze
from gameday.steady_state.kpi.units import show_duration


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One start of a game day: its instant, in seconds since the epoch, and its local time."""

    instant: float
    local: datetime

    @property
    def id(self) -> str:
        """Return the instant as a name: 20261201T0930Z."""
        return f"{datetime.fromtimestamp(self.instant, UTC):%Y%m%dT%H%MZ}"

    def __str__(self) -> str:
        return f"{self.local:%a %Y-%m-%d %H:%M} {self.local.tzinfo}"


def occurrences(schedule: Schedule, since: float) -> Iterator[Occurrence]:
    """Yield the occurrences from `since` on, in order, without end; a freeze or a window does not leave any out."""
    zone, rules, at = ZoneInfo(schedule.zone), schedule.rules, schedule.time
    day = datetime.fromtimestamp(since, zone).date()
    while day < date.max:
        if any(rule.is_on(day) for rule in rules):
            local = datetime.combine(day, at, zone)
            if local.timestamp() >= since:
                yield Occurrence(local.timestamp(), local)
        day += timedelta(days=1)


def why_skipped(schedule: Schedule, freezes: Sequence[Freeze], occurrence: Occurrence, now: float) -> str:
    """Return why an occurrence must not start at `now`; empty where it may. `freezes` are those of the workload."""
    late = now - occurrence.instant
    if late > schedule.start_within:
        return f"late by {show_duration(late)}: start_within is {show_duration(schedule.start_within)}"
    if not schedule.is_open(datetime.fromtimestamp(now, ZoneInfo(schedule.zone))):
        return "window closed"
    for freeze in (*schedule.freezes, *freezes):
        if freeze.covers(now):
            return f"freeze: {freeze.why}"
    return ""
