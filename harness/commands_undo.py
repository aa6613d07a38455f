"""What `gameday restore` and `gameday halt` do: dead runs are undone, living ones are asked to undo themselves."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, closing
from pathlib import Path

from harness.account.aws import Aws, open_account
from harness.account.filter import Filter, by_injection
from harness.account.journal import Journal, who
from harness.account.rows import Run
from harness.commands import tell
from harness.errors import Exit, GamedayError, InvalidInput, JournalError, Refused, worst
from harness.faults.fault import counted
from harness.rescue import Waited, caught_up, held_by, look, taken_over, told, unfinished, watched
from harness.restore import dead_runs, restore
from harness.spec.load import load_workload
from harness.store.halt import halt_here, halt_in
from harness.store.lease import UNMOVED
from harness.store.objects import Objects
from harness.store.opening import open_store
from harness.store.records import Place
from harness.suites.acting import rescuing, role_of
from steady_state.clock import WallClock


def list_dead(store: str | None) -> Exit:
    """Show dead runs of this machine, or the runs that a store holds open, and what they owe; changes nothing."""
    if store:
        with open_store(store, _region()) as objects:
            found = [(place, told(objects, place)) for place in unfinished(objects)]
        for place, known in found:
            owed = counted(known.owed, "change") if known else "nothing noted"
            by = f" ({known.run.who})" if known else ""
            tell(f"{place.run}{by}  {place.workload}, account {place.account}: {owed} not settled")
        if not found:
            tell("no open runs in the store", err=True)
        return Exit.HELD
    journal = Journal.open()
    dead = dead_runs(journal)
    for one in dead:
        owed = counted(sum(row.is_open for row in journal.rows(one.id)), "change")
        tell(f"{one.id}  {one.workload} on {one.place}, account {one.account}: {owed} not settled")
    if not dead:
        tell("no dead runs", err=True)
    return Exit.HELD


def restore_dead(store: str | None) -> Exit:
    """Undo what dead runs left behind, one after the other; the worst outcome is the exit code."""
    journal = Journal.open()
    if store:
        with open_store(store, _region()) as objects:
            codes = _all_of(objects, journal)
    else:
        codes = [_of_this_machine(one, journal) for one in dead_runs(journal)]
    if not codes:
        tell("nothing to restore: no dead runs", err=True)
    return worst(codes)


def _all_of(objects: Objects, journal: Journal) -> list[Exit]:
    places = unfinished(objects)
    died_here = {run.id for run in dead_runs(journal)}
    if any(place.run not in died_here for place in places):
        tell(f"watching leases, for {UNMOVED:.0f} s at most, to see which machines live", err=True)
    codes = []
    for found in watched(objects, places, died_here.__contains__, time.sleep):
        if found.is_dead:
            codes.append(_in_store(objects, found, journal))
        else:
            tell(f"{found.place.run}: lives, and renews its lease: left alone")
    return codes


def _of_this_machine(one: Run, journal: Journal) -> Exit:
    store = _store_of(one)
    if store is None:
        return _restored(one, journal)
    place = Place(one.id, one.workload, one.account)
    try:
        with open_store(store, one.region) as objects:
            return _in_store(objects, Waited(place, look(objects, place, None, time.monotonic()), True), journal)
    except JournalError as error:
        # What is owed is known here too; the store learns of it when it answers again.
        tell(f"{one.id}: {error}", err=True)
        tell(f"{one.id}: undone from this machine's journal; restore again to close it in the store", err=True)
        return worst([_restored(one, journal, closes=False), Exit.UNKNOWN])


def _in_store(objects: Objects, found: Waited, journal: Journal) -> Exit:
    run = found.place.run
    if found.seen is None and caught_up(objects, found.place, journal):
        tell(f"{run}: another machine has restored it")
        return Exit.HELD
    try:
        with taken_over(objects, found, journal):
            one = journal.run(run)
            if one:
                return _restored(one, journal)
            tell(f"{run}: had noted nothing; its lease is free again")
            return Exit.HELD
    except Refused as error:
        tell(f"{run}: left alone: {'; '.join(error.reasons)}", err=True)
        return Exit.REFUSED


def _restored(one: Run, journal: Journal, *, closes: bool = True) -> Exit:
    def account() -> Aws:
        aws = block.enter_context(closing(open_account()))
        if role_of(one):
            aws = block.enter_context(rescuing(aws, one))
        block.enter_context(aws.only(Filter(by_injection(journal.rows(one.id)), one.id)))
        return aws

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
    try:
        store = json.loads(run.plan)["workload"].get("store") if run.place == "aws" else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return str(store) if store else None


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
    if store and not runs:
        with open_store(store, _region()) as objects:
            runs = [place.run for place in held_by(objects) if place.workload == name]
            for run in runs:
                halt_in(objects, run, who())
    if not runs:
        where = store or "this machine"
        remedy = "for runs of other machines say --store s3://…; dead runs are undone by gameday restore"
        raise InvalidInput(f"no run on {where} has taken workload {name}", remedy)
    for run in runs:
        tell(f"{run}: asked to abort and undo")
    return Exit.HELD


def _leave_word(folder: Path, run: str) -> None:
    try:
        halt_here(folder, run, who())
    except OSError as error:
        raise JournalError(f"{folder} cannot be written: {error.strerror}", "free the disk, or end the run") from error
