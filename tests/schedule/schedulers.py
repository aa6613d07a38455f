"""What each scheduler does with its line, written without the code that made the line.

A scheduler is its reading of a line (which dates) and its way with clock changes (which instants). Sources: crontab(5),
systemd.time(7), EventBridge Scheduler User Guide ("Schedule types"), GitHub Docs ("Events that trigger workflows");
the ways with clock changes as measured with `systemd-analyze calendar`, cronsim 2.8 and croniter 7.0.0.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from gameday.schedule.exports import EXPORTS, Export

Dates = tuple[date, ...]
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Line:
    """A line as a scheduler reads it: its dates are cached by the line's text, since no zone is in it."""

    text: str
    zone: str
    hour: int
    minute: int


@cache
def days(first: date, last: date) -> Dates:
    return tuple(first + timedelta(days=count) for count in range((last - first).days + 1))


@cache
def cron_dates(text: str, first: date, last: date) -> Dates:
    """POSIX: where both fields are restricted, one that fits is enough."""
    of_month, month, of_week = text.split()
    assert month == "*"
    numbers = None if of_month == "*" else set(map(int, of_month.split(",")))
    weekdays = None if of_week == "*" else {int(each) % 7 for each in of_week.split(",")}

    def fits(day: date) -> bool:
        in_month = numbers is not None and day.day in numbers
        in_week = weekdays is not None and day.isoweekday() % 7 in weekdays
        return in_month or in_week or (numbers is None and weekdays is None)

    return tuple(filter(fits, days(first, last)))


@cache
def aws_dates(text: str, first: date, last: date) -> Dates:
    of_month, month, of_week, year = text.split()
    assert (month, year) == ("*", "*")
    assert (of_month == "?") != (of_week == "?")

    def fits(day: date) -> bool:
        from_sunday = day.isoweekday() % 7 + 1
        if of_week == "?":
            return day.day in set(map(int, of_month.split(",")))
        if found := re.fullmatch(r"([1-7])#([1-5])", of_week):
            return (from_sunday, (day.day - 1) // 7 + 1) == (int(found[1]), int(found[2]))
        if found := re.fullmatch(r"([1-7])L", of_week):
            return from_sunday == int(found[1]) and day.day + 7 > monthrange(day.year, day.month)[1]
        return from_sunday in set(map(int, of_week.split(",")))

    return tuple(filter(fits, days(first, last)))


@cache
def systemd_dates(text: str, first: date, last: date) -> Dates:
    found = re.fullmatch(r"(?:(\w{3}) )?\*-\*(-|~)(\*|\d\d)(?:\.\.(\d\d)|/1)?", text)
    assert found, text

    def fits(day: date) -> bool:
        if found[1] and NAMES[day.weekday()] != found[1]:
            return False
        if found[2] == "~":  # from the seventh day before the month's end on
            return day.day > monthrange(day.year, day.month)[1] - int(found[3])
        return found[3] == "*" or int(found[3]) <= day.day <= int(found[4] or found[3])

    return tuple(filter(fits, days(first, last)))


SKIP, LATER = "skip", "later"
FIRST, BOTH = "first", "both"


@lru_cache(maxsize=256)
def instants_of(zone: str, hour: int, minute: int, first: date, last: date) -> dict[date, tuple[int, ...]]:
    """The instants of a local time on each day: none where it does not exist, by going to UTC and back."""
    info, found = ZoneInfo(zone), {}
    for day in days(first, last):
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=info)
        both = {int(local.timestamp()), int(local.replace(fold=1).timestamp())}
        fits = {
            at for at in both if datetime.fromtimestamp(at, info).replace(tzinfo=None) == local.replace(tzinfo=None)
        }
        found[day] = tuple(sorted(fits))
    return found


def instants(line: Line, dates: Dates, missing: str, twice: str, first: date, last: date) -> Iterator[int]:
    """The instants of a line in seconds, with a scheduler's way with clock changes."""
    table = instants_of(line.zone, line.hour, line.minute, first, last)
    for day in dates:
        there = table[day]
        if not there and missing == LATER:
            local = datetime(day.year, day.month, day.day, line.hour, line.minute, tzinfo=ZoneInfo(line.zone))
            yield int(local.timestamp())
        yield from there if twice == BOTH else there[:1]


Read = Callable[[dict[str, str]], list[tuple[Line, Callable[[str, date, date], Dates]]]]


def _cron(line: str, zone: str) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    minute, hour, rest = line.split(" ", 2)
    return [(Line(rest, zone, int(hour), int(minute)), cron_dates)]


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found[1]


def github(files: dict[str, str]) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    (text,) = files.values()
    return _cron(_found(r'cron: "(.*)"', text), _found(r'timezone: "(.*)"', text))


def gitlab(files: dict[str, str]) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    body = json.loads(next(text for path, text in files.items() if path.endswith(".json")))
    return _cron(body["cron"], body["cron_timezone"])


def kubernetes(files: dict[str, str]) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    (text,) = files.values()
    return _cron(_found(r'schedule: "(.*)"', text), _found(r'timeZone: "(.*)"', text))


def jenkins(files: dict[str, str]) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    (text,) = files.values()
    return _cron(_found(r"\\n(.*)'\)", text), _found(r"'TZ=(.*)\\n", text))


def systemd(files: dict[str, str]) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    timer = next(text for path, text in files.items() if path.endswith(".timer"))
    assert "Persistent=false" in timer
    lines = []
    for calendar in re.findall("^OnCalendar=(.*)$", timer, re.M):
        *dates, time, zone = calendar.split(" ")
        hour, minute, second = map(int, time.split(":"))
        assert second == 0
        text = " ".join(dates)
        lines.append((Line(text, zone, hour, minute), systemd_dates))
    return lines


def eventbridge(files: dict[str, str]) -> list[tuple[Line, Callable[[str, date, date], Dates]]]:
    (text,) = files.values()
    starts = [each["Properties"] for each in json.loads(text)["Resources"].values() if "Schedule" in each["Type"]]
    lines = []
    for start in starts:
        minute, hour, rest = _found(r"^cron\((.*)\)$", start["ScheduleExpression"]).split(" ", 2)
        lines.append((Line(rest, start["ScheduleExpressionTimezone"], int(hour), int(minute)), aws_dates))
    return lines


SCHEDULERS: dict[str, tuple[Read, str, str]] = {
    "github": (github, LATER, FIRST),
    "gitlab": (gitlab, LATER, FIRST),
    "kubernetes": (kubernetes, SKIP, BOTH),
    "jenkins": (jenkins, LATER, BOTH),
    "systemd": (systemd, SKIP, FIRST),
    "eventbridge": (eventbridge, SKIP, FIRST),
}
"""Scheduler → how it reads its files, and what it does with times that are missing or come twice.

They differ on purpose: an export agrees only because no such time is ever in it.
"""


def starts_of(scheduler: str, export: Export, first: date, last: date) -> set[int]:
    """When a scheduler starts from its exported files. Raises InvalidInput where Gameday refuses the export."""
    read, missing, twice = SCHEDULERS[scheduler]
    found: set[int] = set()
    for line, dates in read(EXPORTS[scheduler](export)):
        found |= set(instants(line, dates(line.text, first, last), missing, twice, first, last))
    return found
