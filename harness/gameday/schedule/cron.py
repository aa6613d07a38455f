"""A schedule as the lines of schedulers. Each line means the same days, or Gameday refuses to write it."""

from __future__ import annotations

from gameday.errors import InvalidInput
from gameday.files.schedule_block import ORDINALS, WEEKDAYS, DayRule, Schedule

NEVER_ON_TIME = "00"
"""The minute at which GitHub delays or drops starts (GitHub Docs, "Events that trigger workflows", `schedule`)."""


def cron_line(schedule: Schedule, scheduler: str) -> str:
    """Return the five fields of cron, with Sunday as 0. Raises InvalidInput for weekdays of the month.

    POSIX cron starts where the day of the month or the weekday fits, so `1-7` and `2` are not the first Tuesday.
    """
    if any(rule.nth is not None for rule in schedule.rules):
        raise InvalidInput(
            f"no cron line means {schedule.days[0]}, and {scheduler} reads cron lines",
            "write weekdays, or days of the month, or export to systemd or eventbridge",
            gd_code="GD-E124",
        )
    days = ",".join(str(rule.day) for rule in schedule.rules if rule.day is not None) or "*"
    weekdays = ",".join(str((rule.weekday + 1) % 7) for rule in schedule.rules if rule.weekday is not None) or "*"
    return f"{schedule.time.minute} {schedule.time.hour} {days} * {weekdays}"


def calendar_lines(schedule: Schedule) -> list[str]:
    """Return systemd's calendar expressions (systemd.time(7), "Calendar Events")."""
    return [f"{_calendar(rule)} {schedule.at}:00 {schedule.zone}" for rule in schedule.rules]


def _calendar(rule: DayRule) -> str:
    if rule.weekday is None:
        return f"*-*-{rule.day:02}"
    weekday = WEEKDAYS[rule.weekday].capitalize()
    if rule.nth is None:
        return f"{weekday} *-*-*"
    if rule.nth == ORDINALS["last"]:
        return f"{weekday} *-*~07/1"
    return f"{weekday} *-*-{7 * rule.nth - 6:02}..{7 * rule.nth:02}"


def eventbridge_lines(schedule: Schedule) -> list[str]:
    """Return cron expressions of EventBridge Scheduler, where Sunday is 1 and Saturday is 7.

    An expression takes one `#` alone (EventBridge Scheduler User Guide, "Cron-based schedules").
    """
    start = f"{schedule.time.minute} {schedule.time.hour}"
    rules = schedule.rules
    if rules[0].nth is not None:
        return [f"cron({start} ? * {_nth(rule)} *)" for rule in rules]
    if rules[0].day is not None:
        return [f"cron({start} {','.join(str(rule.day) for rule in rules)} * ? *)"]
    return [f"cron({start} ? * {','.join(str(_from_sunday(rule)) for rule in rules)} *)"]


def _from_sunday(rule: DayRule) -> int:
    return ((rule.weekday or 0) + 1) % 7 + 1


def _nth(rule: DayRule) -> str:
    return f"{_from_sunday(rule)}L" if rule.nth == ORDINALS["last"] else f"{_from_sunday(rule)}#{rule.nth}"
