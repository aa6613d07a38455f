"""What `gameday restore` and `gameday halt` do: dead runs are undone, living ones are asked to undo themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from gameday.aws.client import Aws, open_account
from gameday.cli.run import tell
from gameday.engine.allowlist import AllowList, by_planned_fault
from gameday.engine.entries import Entry, Run
from gameday.engine.journal import Journal, who
from gameday.errors import Exit, GamedayError, InvalidInput, JournalError, Refused, worst
from gameday.faults.fault import counted
from gameday.files.load import load_workload
from gameday.restore.dead_runs import dead_runs, restore
from gameday.restore.take_over import (
    Waited,
    caught_up,
    held_by,
    look,
    recorded,
    taken_over,
    unfinished,
    was_taken_over,
    watched,
)
from gameday.run.sessions import named_by, rescuing
from gameday.steady_state.clock import WallClock
from gameday.store.halt import halt_here, halt_in
from gameday.store.lease import UNMOVED
from gameday.store.opening import open_store
from gameday.store.run_records import RunLocation
from gameday.store.s3 import Objects


def list_dead(store: str | None) -> Exit:
    """Show dead runs of this machine, or the runs that a store holds open, and what they owe; changes nothing."""
    if store is not None:
        return _list_of(store)
    journal = Journal.open()
    dead = dead_runs(journal)
    for one in dead:
        _show(f"{one.id}  {one.workload} on {one.place}, account {one.account}", journal.entries(one.id))
    if not dead:
        tell("no dead runs", err=True)
    return Exit.HELD


def _list_of(store: str) -> Exit:
    code = Exit.HELD
    with open_store(store, _region()) as objects:
        places = unfinished(objects)
        for place in places:
            about = f"{place.run}  {place.workload}, account {place.account}"
            try:
                known = recorded(objects, place)
            except JournalError as error:
                tell(f"{about}: {error}", err=True)
                code = Exit.STUCK
                continue
            _show(f"{about} ({known.run.who})" if known else about, known.entries if known else ())
    if not places:
        tell(f"no open runs in {store}", err=True)
    return code


def _show(about: str, rows: Sequence[Entry]) -> None:
    owed = [row for row in rows if row.is_open]
    tell(f"{about}: {counted(len(owed), 'change')} not settled")
    for row in owed:
        tell(f"  {row.change.about}")


def restore_dead(store: str | None, *, local: bool = False) -> Exit:
    """Undo what dead runs left behind, one after the other; the worst outcome is the exit code.

    With `local`, ignore the stores of this machine's runs: for a store that is gone for good.
    """
    journal = Journal.open()
    if store is not None:
        with open_store(store, _region()) as objects:
            codes = _all_of(objects, journal)
    else:
        codes = [_restored(one, journal) if local else restore_here(one, journal) for one in dead_runs(journal)]
    if not codes:
        tell("nothing to restore: no dead runs", err=True)
    return worst(codes)


def _all_of(objects: Objects, journal: Journal) -> list[Exit]:
    places, codes = unfinished(objects), []
    died_here = {run.id for run in dead_runs(journal)}
    mine = {place.run for place in places if place.run in died_here and not was_taken_over(objects, place)}
    if len(mine) < len(places):
        tell(f"watching leases, for {UNMOVED:.0f} s at most, to see which machines live", err=True)
    for found in watched(objects, places, mine.__contains__, time.sleep):
        if not found.is_dead:
            tell(f"{found.place.run}: lives, and renews its lease: left alone")
            continue
        try:
            codes.append(_in_store(objects, found, journal))
        except JournalError as error:
            tell(f"{found.place.run}: {error}", err=True)
            codes.append(Exit.STUCK)
    return codes


def restore_here(one: Run, journal: Journal) -> Exit:
    """Undo a dead run of this machine, tell so, and free its workload in its store."""
    store = _store_of(one)
    if store is None:
        return _restored(one, journal)
    place = RunLocation(one.id, one.workload, one.account)
    try:
        with open_store(store, one.region) as objects:
            return _in_store(objects, _found(objects, place), journal)
    except JournalError as error:
        # What is owed is known here too; the store learns of it when it answers again.
        tell(f"{one.id}: {error}", err=True)
        again = "restore again to close it in the store; if that is gone for good: gameday restore --local-journal"
        tell(f"{one.id}: undone from this machine's journal; {again}", err=True)
        return worst([_restored(one, journal, closes=False), Exit.UNKNOWN])


def _found(objects: Objects, place: RunLocation) -> Waited:
    """A dead run of this machine, and its lease: not waited for, unless another machine has had the run meanwhile."""
    seen = look(objects, place, None, time.monotonic())
    if seen is None or not was_taken_over(objects, place):
        return Waited(place, seen, is_dead=True)
    tell(f"{place.run}: another machine was at it; watching its lease, for {UNMOVED:.0f} s at most", err=True)
    return next(iter(watched(objects, [place], lambda _: False, time.sleep)))


def _in_store(objects: Objects, found: Waited, journal: Journal) -> Exit:
    run = found.place.run
    if not found.is_dead:
        tell(f"{run}: another machine restores it: left alone")
        return Exit.REFUSED
    if found.seen is None and caught_up(objects, found.place, journal):
        tell(f"{run}: another machine has restored it")
        return Exit.HELD
    try:
        with taken_over(objects, found, journal):
            one = journal.run(run)
            if one:
                tell(f"{run}: reading until nothing of it can come any more", err=True)
                return _restored(one, journal)
            tell(f"{run}: had noted nothing; its lease is free again")
            return Exit.HELD
    except Refused as error:
        tell(f"{run}: left alone: {'; '.join(map(str, error.reasons))}", err=True)
        return Exit.REFUSED


def _restored(one: Run, journal: Journal, *, closes: bool = True) -> Exit:
    def account() -> Aws:
        aws = block.enter_context(closing(open_account()))
        if named_by(one, "role"):
            aws = block.enter_context(rescuing(aws, one))
        return aws.allowing(AllowList(by_planned_fault(journal.entries(one.id)), one.id))

    try:
        with ExitStack() as block:
            found = restore(one, journal, WallClock(), lambda _: None, account, closes=closes)
    except GamedayError as error:
        tell(f"{one.id}: {error}", err=True)
        return Exit.STUCK
    tell(f"{one.id}: {found.about}")
    for settled in found.settled:
        tell(f"  {settled.state:<11} {settled.about}")
    bad = any(settled.state in ("stuck", "conflict") for settled in found.settled)
    return Exit.STUCK if bad or (closes and not found.closed) else Exit.HELD


def _store_of(run: Run) -> str | None:
    """The store that a run of the journal is known to, if any; a plan that cannot be read names none."""
    with suppress(JournalError):
        return named_by(run, "store") if run.place == "aws" else None
    return None


def _region() -> str:
    """Where to ask for a bucket: S3 says where it is (Amazon S3 API Reference, "Redirects")."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def halt(name: str, store: str | None) -> Exit:
    """Ask the runs that have a workload to abort and undo. Raises InvalidInput where none has it."""
    if name.endswith((".yaml", ".yml")):
        workload = load_workload(Path(name)).workload
        name, store = workload.name, store or workload.store
    journal = Journal.open()
    runs = [run.id for run in journal.taken(name)]
    for run in runs:
        _leave_word(journal.runs_folder, run)
    if store is not None and not runs:
        with open_store(store, _region()) as objects:
            runs = [place.run for place in held_by(objects) if place.workload == name]
            for run in runs:
                halt_in(objects, run, who())
    if not runs:
        where = store or "this machine"
        remedy = "for runs of other machines say --store s3://…; dead runs are undone by gameday restore"
        raise InvalidInput(f"no run on {where} has taken workload {name}", remedy, gd_code="GD-E116")
    for run in runs:
        tell(f"{run}: asked to abort and undo")
    return Exit.HELD


def _leave_word(folder: Path, run: str) -> None:
    try:
        halt_here(folder, run, who())
    except OSError as error:
        raise JournalError(
            f"{folder} cannot be written: {error.strerror}", "free the disk, or end the run", gd_code="GD-E302"
        ) from error
