"""The days of a freeze: both ends, in its time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from gameday.files.workload import Freeze


def freeze(**more: Any) -> Freeze:
    raw = {"from": "2026-12-01", "to": "2026-12-02", "why": "Cyber Week", **more}
    return Freeze.model_validate(raw)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_freeze_covers_its_days_in_its_zone(zone: str) -> None:
    frozen = freeze(zone=zone)
    inside = ["2026-12-01T00:00:00", "2026-12-02T23:59:59"]
    outside = ["2026-11-30T23:59:59", "2026-12-03T00:00:00"]
    assert [frozen.covers(at(text, zone)) for text in inside] == [True, True]
    assert [frozen.covers(at(text, zone)) for text in outside] == [False, False]


def test_freeze_without_zone_covers_the_day_of_every_place() -> None:
    frozen = freeze()
    assert frozen.covers(at("2026-12-01T00:00:00", "Pacific/Kiritimati"))
    assert frozen.covers(at("2026-12-02T23:59:59", "Etc/GMT+12"))
    assert not frozen.covers(at("2026-11-30T23:59:59", "Pacific/Kiritimati"))
    assert not frozen.covers(at("2026-12-03T00:00:00", "Etc/GMT+12"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_freeze_of_a_day_with_another_clock_is_whole(day: str, hours: int) -> None:
    frozen = freeze(**{"from": day, "to": day, "zone": "Europe/Berlin"})
    midnight = at(f"{day}T00:00:00", "Europe/Berlin")
    covered = [frozen.covers(midnight + 3600 * hour) for hour in range(-1, 26)]
    assert covered == [False, *[True] * hours, *[False] * (26 - hours)]
    assert datetime.fromtimestamp(midnight, UTC).hour in (22, 23)


@pytest.mark.parametrize("zone", ["Berlin", "europe", "../etc/passwd", "/etc/localtime", "", "UTC+1"])
def test_zone_that_iana_does_not_know_is_a_mistake(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        freeze(zone=zone)
