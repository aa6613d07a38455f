"""Run `gameday schedule next`, `export` and `run`, after click has parsed their options."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from gameday.cli.output import tell
from gameday.cli.run import RunOptions, day_policies, play
from gameday.cli.undo import restore_dead
from gameday.engine.process_lock import who
from gameday.engine.sqlite import home
from gameday.errors import Exit, InvalidInput
from gameday.files.load import load_any
from gameday.files.loaded import LoadedGameday
from gameday.files.schedule_block import Schedule
from gameday.files.workload import Workload
from gameday.files.write_once import write_draft
from gameday.schedule.book import Book
from gameday.schedule.exports import EXPORTS, Export
from gameday.schedule.holders import held
from gameday.schedule.occurrences import Occurrence, occurrences, why_skipped
from gameday.schedule.scheduler import ScheduledDay, Scheduler
from gameday.store.local_objects import LocalObjects
from gameday.store.opening import open_store
from gameday.store.s3 import Objects


class CalendarClock:
    """The calendar's time: it follows every correction of the machine's clock, since starts are calendar times."""

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`."""
        time.sleep(max(0.0, seconds))


def _scheduled(file: Path) -> tuple[LoadedGameday, Schedule, Workload]:
    loaded = load_any(file)
    if not isinstance(loaded, LoadedGameday):
        raise InvalidInput(f"{file} is not a gameday file", "name a file with `kind: gameday`", gd_code="GD-E101")
    if loaded.gameday.schedule is None:
        raise InvalidInput(
            f"{file} has no schedule",
            'add one, such as `schedule: {days: [tue], at: "10:30", zone: Europe/Berlin}`',
            gd_code="GD-E125",
        )
    return loaded, loaded.gameday.schedule, loaded.experiments[0].workload


def show_next(file: Path, count: int, *, as_json: bool) -> str:
    """Return the next occurrences as lines or as JSON."""
    _, schedule, workload = _scheduled(file)
    coming = list(islice(occurrences(schedule, time.time()), count))
    skipped = [why_skipped(schedule, workload.freezes, each, each.instant) for each in coming]
    if as_json:
        listed = [_as_json(each, reason) for each, reason in zip(coming, skipped, strict=True)]
        return json.dumps(listed, indent=2) + "\n"
    lines = (f"{each}{f'  skipped: {reason}' if reason else ''}" for each, reason in zip(coming, skipped, strict=True))
    return "".join(f"{line}\n" for line in lines)


def _as_json(occurrence: Occurrence, skipped: str) -> dict[str, str | None]:
    return {
        "id": occurrence.id,
        "utc": f"{datetime.fromtimestamp(occurrence.instant, UTC):%Y-%m-%dT%H:%MZ}",
        "local": occurrence.local.isoformat(timespec="minutes"),
        "zone": str(occurrence.local.tzinfo),
        "skipped": skipped or None,
    }


def write_export(file: Path, scheduler: str, folder: Path, place: str, *, production: bool) -> list[Path]:
    """Write the files of an export below a folder; return their paths. Raises InvalidInput."""
    loaded, schedule, workload = _scheduled(file)
    name, region = loaded.gameday.name, workload.regions[0]
    policy = None
    if scheduler == "eventbridge" and place == "aws":
        policies = day_policies(loaded, place, 0, production)
        policy = policies.caller or policies.run
    export = Export(name, str(file), schedule, place, production, region, policy)
    paths = []
    for path, text in EXPORTS[scheduler](export).items():
        write_draft(folder / path, text)
        paths.append(folder / path)
    return paths


def keep(files: Sequence[Path], *, once: bool, place: str, production: bool, local_journal: bool) -> Exit:
    """Start game days when they are due."""
    names: dict[str, Path] = {}
    with ExitStack() as stack:
        days = []
        for file in files:
            loaded, schedule, workload = _scheduled(file)
            if names.setdefault(loaded.gameday.name, file) != file:
                raise InvalidInput(
                    f"{names[loaded.gameday.name]} and {file} are both named {loaded.gameday.name}",
                    "give each game day a name of its own, since its occurrences are recorded by it",
                    gd_code="GD-E125",
                )
            objects = _objects(stack, workload, place, local_journal=local_journal)
            options = RunOptions(
                place, None, production, local_journal, True, False, None, f"gameday schedule run {file}"
            )
            book = Book(objects, workload.account, workload.name, loaded.gameday.name)
            days.append(
                ScheduledDay(
                    loaded.gameday.name,
                    schedule,
                    workload.freezes if place == "aws" else (),
                    book,
                    play=partial(play, file, options),
                    rescue=partial(restore_dead, None, local=local_journal),
                )
            )
        processes = stack.enter_context(held(home() / "schedule" / "processes"))
        scheduler = Scheduler(CalendarClock(), days, processes, who(), partial(tell, err=True))
        for day in [] if once else days:
            tell(f"{day.name}: the next start is {day.after(time.time())}", err=True)
        return scheduler.once() if once else scheduler.forever()


def _objects(stack: ExitStack, workload: Workload, place: str, *, local_journal: bool) -> Objects:
    """Return where occurrences are recorded: the team's store for an account, else this machine.

    A rehearsal on the twin must not take the place of a run on the account.
    """
    if place == "twin" or local_journal:
        return LocalObjects(home() / "schedule" / place)
    if not workload.store:
        raise InvalidInput(
            f"workload {workload.name} has no store, so two machines could start one game day",
            "add `store: s3://bucket/prefix` to the workload, or pass --local-journal if one machine alone starts it",
            gd_code="GD-E115",
        )
    return stack.enter_context(open_store(workload.store, workload.regions[0]))
