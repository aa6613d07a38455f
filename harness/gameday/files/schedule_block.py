"""The block `schedule` of a gameday file: on which days, at which local time, in which windows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from gameday.files.workload import Freeze, Zone
from gameday.steady_state.kpi.units import Wait
from gameday.steady_state.kpi.written import Written

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
ORDINALS: Mapping[str, int] = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
LAST_DAY = 28
"""The last day of the month that each month has."""
MOST_RULES = 28
_DAY = rf"(?:(?:{'|'.join(ORDINALS)}) )?(?:{'|'.join(WEEKDAYS)})|[1-9]|1[0-9]|2[0-8]"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"


@dataclass(frozen=True, slots=True)
class DayRule:
    """The days that one entry of `days` means: each week, once a month by weekday, or a day of the month."""

    weekday: int | None = None  # 0 is Monday
    nth: int | None = None  # 1 to 4, or -1 for the last of the month
    day: int | None = None

    @property
    def form(self) -> str:
        """Return which of the three forms this is."""
        if self.day is not None:
            return "a day of the month"
        return "a weekday" if self.nth is None else "a weekday of the month"

    def is_on(self, day: date) -> bool:
        """Return whether a date is one of these days."""
        if self.day is not None:
            return day.day == self.day
        if day.weekday() != self.weekday:
            return False
        if self.nth == ORDINALS["last"]:
            return (day + timedelta(days=7)).month != day.month
        return self.nth is None or (day.day + 6) // 7 == self.nth


def _day(raw: object) -> object:
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    if isinstance(text, str) and re.fullmatch(_DAY, text):
        return text
    if text in ("29", "30", "31"):
        msg = f"some months have no day {text}, and schedulers then differ; write a day from 1 to {LAST_DAY}"
    elif isinstance(text, str) and len(text.split()) == 5:
        msg = f'this looks like a cron line: {text!r}; write `days: [tue, thu]` and `at: "10:30"`'
    else:
        msg = f"a day is written like tue, first tue, last fri, or 15; found {raw!r}"
    raise ValueError(msg)


def _time(raw: object) -> object:
    if isinstance(raw, str) and re.fullmatch(_TIME, raw):
        return raw
    msg = f'a local time is written with two digits each, like "09:30"; found {raw!r}'
    raise ValueError(msg)


Day = Annotated[
    str,
    BeforeValidator(_day),
    Field(json_schema_extra={"pattern": f"^({_DAY.replace('(?:', '(')})$", "type": ["string", "integer"]}),
]
"""An entry of `days`."""
LocalTime = Annotated[
    str, BeforeValidator(_time), Field(json_schema_extra={"pattern": f"^{_TIME.replace('(?:', '(')}$"})
]
"""A time of day, to the minute."""


def rule_of(day: str) -> DayRule:
    """Return what an entry of `days` means."""
    if day.isdigit():
        return DayRule(day=int(day))
    *ordinal, weekday = day.split()
    return DayRule(WEEKDAYS.index(_weekday(weekday)), ORDINALS[ordinal[0]] if ordinal else None)


def _weekday(text: str) -> Weekday:
    return next(weekday for weekday in WEEKDAYS if weekday == text)


class Window(Written):
    """Hours of some weekdays in which a game day may start; `from` is inside, `to` is outside."""

    days: tuple[Weekday, ...] = Field(WEEKDAYS, min_length=1, max_length=7, description="weekdays, like [mon, tue]")
    from_: LocalTime = Field(alias="from", description="where it begins, as a local time")
    to: LocalTime = Field(description="where it ends on the same day, as a local time")

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.to <= self.from_:
            msg = f"the window ends before it begins: {self.from_} to {self.to}; write two windows to pass midnight"
            raise ValueError(msg)
        return self

    def covers(self, weekday: int, at: str) -> bool:
        """Return whether a weekday (0 is Monday) and a local time are in the window."""
        return WEEKDAYS[weekday] in self.days and self.from_ <= at < self.to


class Schedule(Written):
    """When a game day starts, in local time that exists once."""

    days: tuple[Day, ...] = Field(
        min_length=1,
        max_length=MOST_RULES,
        description="weekdays, like [tue, thu]; or weekdays of the month, like [first tue]; or days of the month",
    )
    at: LocalTime = Field(description="the local time of the start, like 10:30")
    zone: Zone = Field(description="the time zone of all times here, like Europe/Berlin")
    start_within: Wait = Field(600.0, ge=60, description="a start later than this is skipped, and recorded")
    windows: tuple[Window, ...] = Field((), max_length=100, description="a game day starts in these hours alone")
    freezes: tuple[Freeze, ...] = Field((), max_length=1000, description="days on which no game day starts")

    @property
    def rules(self) -> tuple[DayRule, ...]:
        """Return what `days` means."""
        return tuple(map(rule_of, self.days))

    @property
    def time(self) -> time:
        """Return the local time of the start."""
        return time.fromisoformat(self.at)

    def is_open(self, local: datetime) -> bool:
        """Return whether a local time is in a window; without windows each time is."""
        at = f"{local:%H:%M}"
        return not self.windows or any(window.covers(local.weekday(), at) for window in self.windows)
