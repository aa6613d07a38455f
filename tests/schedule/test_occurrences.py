"""When a schedule starts, and which local times it may not have."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from gameday.files.check_schedule import first_change
from gameday.schedule.occurrences import occurrences

from tests.schedule.memory import schedule

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def next_of(count=3, **values):
    return [each.id for each in islice(occurrences(schedule(**values), NOW.timestamp()), count)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["tue", "thu"], ["20261203T0930Z", "20261208T0930Z", "20261210T0930Z"]),
        (["first tue"], ["20270105T0930Z", "20270202T0930Z", "20270302T0930Z"]),
        (["last fri"], ["20261225T0930Z", "20270129T0930Z", "20270226T0930Z"]),
        (["1", "15"], ["20261215T0930Z", "20270101T0930Z", "20270115T0930Z"]),
        (["last sun"], ["20261227T0930Z", "20270131T0930Z", "20270228T0930Z"]),
    ],
)
def test_occurrences_of_each_form(days, expected):
    assert next_of(days=days) == expected


def test_occurrences_keep_local_time_over_a_clock_change():
    found = next_of(18, days=["tue"])
    assert (found[15], found[16]) == ("20270323T0930Z", "20270330T0830Z")


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", "02:30", "2027-03-28"),
        ("Europe/Berlin", "02:00", "2027-03-28"),
        ("Europe/Berlin", "03:00", None),
        ("Europe/Berlin", "01:59", None),
        ("America/New_York", "01:30", "2027-11-07"),
        ("Australia/Lord_Howe", "02:15", "2027-10-03"),
        ("Asia/Kolkata", "02:30", None),
        ("UTC", "02:30", None),
    ],
)
def test_time_of_a_clock_change_is_found(zone, at, day):
    change = first_change(schedule(zone=zone, at=at), NOW)
    assert (change and f"{change:%Y-%m-%d}") == day
