"""Check a schedule: that it starts at all, and that each scheduler starts it at the same minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gameday.files.schedule_block import WEEKDAYS, Schedule, rule_of
from gameday.files.yaml.document import Loc, Section
from gameday.files.yaml.mistake import Mistake, MistakeKind

YEARS = 5
"""For so long the local time of a schedule must exist once on each day."""
DAYS = YEARS * 366
OF_ONE_MACHINE = ("localtime", "Factory", "posixrules", "posix/", "right/")
"""Files of zoneinfo that are no zones for others: another machine has another one, or none (tzfile(5))."""


def check_schedule(document: Section, schedule: Schedule, now: datetime) -> Iterator[Mistake]:
    """Check a schedule from `now` (with its time zone) on."""
    loc: Loc = ("schedule",)
    if schedule.zone.startswith(OF_ONE_MACHINE):
        what = f"{schedule.zone} is no zone that each machine knows"
        yield document.mistake(
            (*loc, "zone"), what, "write its IANA name, like Europe/Berlin", kind=MistakeKind.BAD_VALUE
        )
    rules = schedule.rules
    for index, (day, rule) in enumerate(zip(schedule.days, rules, strict=True)):
        if day in schedule.days[:index]:
            yield document.mistake(
                (*loc, "days", index), f"{day} is named twice", "remove one", kind=MistakeKind.DUPLICATE
            )
        elif rule.form != rules[0].form:
            what = (
                f"{day} is {rule.form}, and {schedule.days[0]} is {rules[0].form}: schedulers combine them differently"
            )
            yield document.mistake((*loc, "days", index), what, "write days of one form")
        elif not _starts(schedule, day):
            what = f"{day} {schedule.at} is in no window, so the game day never starts then"
            yield document.mistake((*loc, "days", index), what, "correct `at`, the day, or the windows")
    if change := first_change(schedule, now):
        yield document.mistake((*loc, "at"), *_of_change(schedule, change))


def _starts(schedule: Schedule, day: str) -> bool:
    weekday = rule_of(day).weekday
    possible = range(len(WEEKDAYS)) if weekday is None else (weekday,)
    return not schedule.windows or any(
        window.covers(each, schedule.at) for window in schedule.windows for each in possible
    )


def first_change(schedule: Schedule, now: datetime) -> datetime | None:
    """Return the first day's local time that does not exist or comes twice; None where there is none in five years.

    On such a day systemd and EventBridge Scheduler skip, GitHub moves the start, and some cron libraries start twice.
    The weekday does not matter: a country may move its change of clocks to another.
    """
    zone = ZoneInfo(schedule.zone)
    first = datetime.combine(now.astimezone(zone).date(), schedule.time, zone)
    for days in range(DAYS):
        local = first + timedelta(days=days)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            return local
    return None


def _of_change(schedule: Schedule, local: datetime) -> tuple[str, str]:
    """Return what is wrong, and the remedy: a time before the change."""
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    missing = before is not None and after is not None and before < after
    how = "does not exist" if missing else "comes twice"
    what = f"on {local:%Y-%m-%d} the clocks of {schedule.zone} change: {schedule.at} {how}, and schedulers then differ"
    return what, f'write another time, such as `at: "{_sound(schedule, local)}"`'


def _sound(schedule: Schedule, local: datetime) -> str:
    """Return the next half hour of the day that exists once on each day."""
    for steps in range(1, 48):
        at = f"{(local.replace(tzinfo=None) + timedelta(minutes=30 * steps)):%H:%M}"
        if not first_change(schedule.model_copy(update={"at": at}), local):
            return at
    return "10:30"
