"""Compare every export with `gameday schedule next`, to the minute: 400 zones, 5 years, 200 schedules.

`python -m tests.benchmarks.bench_schedule [ZONES] [SCHEDULES]`. The reading of each export is code of its own
(`tests/schedule/schedulers.py`); `--systemd` also asks `systemd-analyze`, where it is installed, for a sample.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import available_timezones

from gameday.errors import InvalidInput
from gameday.files.check_schedule import OF_ONE_MACHINE, first_change
from gameday.files.schedule_block import ORDINALS, WEEKDAYS, Schedule
from gameday.schedule.cron import calendar_lines
from gameday.schedule.exports import Export
from gameday.schedule.occurrences import occurrences

from tests.schedule.schedulers import SCHEDULERS, starts_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)
END = NOW + timedelta(days=5 * 365)
AROUND = date(2026, 11, 29), date(2031, 12, 2)


def zones(count: int) -> list[str]:
    """The zones with the most differences first: places, not links of Etc."""
    named = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", *OF_ONE_MACHINE))
    )
    return random.Random(1).sample(named, min(count, len(named)))


def schedules(count: int) -> list[tuple[list[str], str]]:
    """Days and times of all forms; a third of the times are in the hours of clock changes."""
    chance = random.Random(2)
    made = []
    for _ in range(count):
        form = chance.randrange(3)
        if form == 0:
            days = chance.sample(WEEKDAYS, chance.randint(1, 7))
        elif form == 1:
            days = [
                f"{chance.choice(list(ORDINALS))} {weekday}"
                for weekday in chance.sample(WEEKDAYS, chance.randint(1, 3))
            ]
        else:
            days = [str(day) for day in chance.sample(range(1, 29), chance.randint(1, 4))]
        hour = chance.randrange(4) if chance.random() < 0.33 else chance.randrange(24)
        made.append((days, f"{hour:02}:{chance.choice((0, 7, 15, 30, 59)):02}"))
    return made


def compare(zone: str, days: list[str], at: str, *, refusing: bool = True) -> Counter[str]:
    """Count what agrees, what differs and what is refused, of one schedule in one zone."""
    schedule = Schedule.model_validate({"days": days, "at": at, "zone": zone})
    if refusing and first_change(schedule, NOW):
        return Counter({"refused schedules": 1})
    coming = takewhile(lambda each: each.instant < END.timestamp(), occurrences(schedule, NOW.timestamp()))
    ours = {int(each.instant) for each in coming}
    counted = Counter({"schedules": 1, "starts": len(ours)})
    for scheduler in SCHEDULERS:
        try:
            theirs = starts_of(scheduler, Export("day", "gameday.yaml", schedule, "twin"), *AROUND)
        except InvalidInput:
            counted["refused exports"] += 1
            continue
        same = {each for each in theirs if NOW.timestamp() <= each < END.timestamp()} == ours
        counted["exports that agree" if same else f"DIFFERS: {scheduler}"] += 1
    return counted


def ask_systemd(zone: str, days: list[str], at: str) -> bool:
    """Whether `systemd-analyze` names the same next 40 starts for each line."""
    for day in days:
        schedule = Schedule.model_validate({"days": [day], "at": at, "zone": zone})
        if first_change(schedule, NOW):
            return True
        (line,) = calendar_lines(schedule)
        command = ["systemd-analyze", "calendar", "--iterations=40", f"--base-time={NOW:%Y-%m-%d %H:%M:%S} UTC", line]
        text = subprocess.run(
            command, check=True, capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
        ).stdout
        rows = [row.split(": ", 1)[1] for row in text.splitlines() if "elapse:" in row or "Iter. #" in row]
        theirs = [datetime.strptime(row, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp() for row in rows]
        source = occurrences(schedule, NOW.timestamp() + 1)
        if theirs != [next(source).instant for _ in theirs] or len(theirs) != 40:
            print(f"DIFFERS: systemd-analyze {line}")
            return False
    return True


def main() -> None:
    """Print the counts; exit 1 where any export differs."""
    counts = [int(word) for word in sys.argv[1:] if word.isdigit()]
    places, lines = zones(counts[0] if counts else 400), schedules(counts[1] if len(counts) > 1 else 200)
    total: Counter[str] = Counter()
    for place in places:
        for days, at in lines:
            total += compare(place, days, at)
    without: Counter[str] = Counter()
    for place in places[:20]:
        for days, at in lines[:50]:
            without += compare(place, days, at, refusing=False)
    if "--systemd" in sys.argv:
        sample = random.Random(3)
        asked = [ask_systemd(sample.choice(places), *sample.choice(lines)) for _ in range(200)]
        total["systemd-analyze agrees"], total["DIFFERS: systemd-analyze"] = sum(asked), asked.count(False)
        total = +total
    print(f"{len(places)} zones × {len(lines)} schedules × 5 years")
    for name, number in sorted(total.items()):
        print(f"  {number:>12,}  {name}")
    differ = sum(number for name, number in without.items() if name.startswith("DIFFERS"))
    print(f"  without the refusal of clock changes, {differ:,} of the exports in 20 zones differ")
    sys.exit(any(name.startswith("DIFFERS") for name in total))


if __name__ == "__main__":
    main()
