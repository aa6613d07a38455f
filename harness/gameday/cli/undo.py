"""Run `gameday restore`, which undoes dead runs, and `gameday halt`, which asks live runs to abort and undo."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from gameday.aws.client import Aws, open_account
from gameday.cli.keeping import keep_restored
from gameday.cli.losses import open_journal, tell_lost, told_losses
from gameday.cli.output import tell
from gameday.conform.case import SANDBOX
from gameday.engine.allowlist import AllowList
from gameday.engine.entries import Entry, Run
from gameday.engine.journal import Journal
from gameday.engine.process_lock import who
from gameday.errors import EntriesLost, Exit, GamedayError, InvalidInput, JournalError, Refused, worst
from gameday.faults.fault import counted
from gameday.files.load import load_workload
from gameday.records.history.phase_file import forget_phase
from gameday.records.suite import Suite
from gameday.report.write import write_reports
from gameday.restore.dead_runs import dead_runs, restore
from gameday.restore.killed_run import record_of_killed
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
from gameday.store.opening import open_store, region_of_buckets
from gameday.store.run_records import RunLocation
from gameday.store.s3 import Objects
from gameday.text import printable

log = logging.getLogger("gameday.restore")
REPORTS = Path("reports")
"""The folder of the records of killed runs."""


def list_dead(store: str | None) -> Exit:
    """List the dead runs of this machine, or the open runs of a store, and their open changes. Changes nothing."""
    if store is not None:
        return _list_store(store)
    journal = open_journal()
    dead, codes = dead_runs(journal), told_losses(journal)
    for run in dead:
        about = f"{run.id}  {run.workload} on {run.place}, account {run.account}"
        try:
            _show(about, journal.entries(run.id))
        except EntriesLost as lost:
            codes.append(tell_lost(run, lost))
    if not dead and not codes:
        tell("no dead runs", err=True)
    return worst(codes)


def _list_store(store: str) -> Exit:
    code = Exit.HELD
    with open_store(store, region_of_buckets()) as objects:
        places = unfinished(objects)
        for place in places:
            about = f"{place.run}  {place.workload}, account {place.account}"
            try:
                known = recorded(objects, place)
            except JournalError as error:
                tell(f"{printable(about)}: {error}", err=True)
                code = Exit.STUCK
                continue
            _show(f"{about} ({known.run.who})" if known else about, known.entries if known else ())
    if not places:
        tell(printable(f"no open runs in {store}"), err=True)
    return code


def _show(about: str, entries: Sequence[Entry]) -> None:
    unsettled = [entry for entry in entries if entry.is_open]
    tell(printable(f"{about}: {counted(len(unsettled), 'change')} not settled"))
    for entry in unsettled:
        tell(printable(f"  {entry.change.about}"))


def restore_dead(store: str | None, *, local: bool = False) -> Exit:
    """Undo what dead runs left behind, one after the other; return the worst exit code.

    Writes the record and the page of each run into its own folder below ./reports; another restore of the run writes
    them anew. With `local`, skip the stores of this machine's runs, for a store that no longer exists.
    """
    journal = open_journal()
    if store is not None:
        with open_store(store, region_of_buckets()) as objects:
            codes = _restore_all(objects, journal)
    else:
        codes = [_restored(run, journal) if local else restore_here(run, journal) for run in dead_runs(journal)]
        codes += told_losses(journal)
    if not codes:
        tell("no dead runs: there is nothing to restore", err=True)
    return worst(codes)


def _restore_all(objects: Objects, journal: Journal) -> list[Exit]:
    places, codes = unfinished(objects), []
    died_here = {run.id for run in dead_runs(journal)}
    mine = {place.run for place in places if place.run in died_here and not was_taken_over(objects, place)}
    if len(mine) < len(places):
        tell(f"watching leases for at most {UNMOVED:.0f} s, to see which machines are alive", err=True)
    for waited in watched(objects, places, mine.__contains__, time.sleep):
        if not waited.is_dead:
            tell(f"{waited.place.run}: alive, since it renews its lease; not touched")
            continue
        try:
            codes.append(_in_store(objects, waited, journal))
        except JournalError as error:
            tell(f"{waited.place.run}: {error}", err=True)
            codes.append(Exit.STUCK)
    return codes


def restore_here(run: Run, journal: Journal) -> Exit:
    """Undo a dead run of this machine, print the outcome, and release its workload in its store."""
    store = _store_of(run)
    if store is None:
        return _restored(run, journal)
    place = RunLocation(run.id, run.workload, run.account)
    try:
        with open_store(store, run.region) as objects:
            return _in_store(objects, _sighting_of(objects, place), journal)
    except JournalError as error:
        # The journal of this machine also holds the open changes; a later restore closes the run in the store.
        tell(f"{run.id}: {error}", err=True)
        again = "run `gameday restore` again to close it in the store, with --local-journal if the store is gone"
        tell(f"{run.id}: undone from this machine's journal; {again}", err=True)
        return worst([_restored(run, journal, closes=False), Exit.UNKNOWN])


def _sighting_of(objects: Objects, place: RunLocation) -> Waited:
    """Return a dead run of this machine with its lease; wait only if another machine has taken the run over."""
    seen = look(objects, place, None, time.monotonic())
    if seen is None or not was_taken_over(objects, place):
        return Waited(place, seen, is_dead=True)
    tell(f"{place.run}: another machine took it over; watching its lease for at most {UNMOVED:.0f} s", err=True)
    return next(iter(watched(objects, [place], lambda _: False, time.sleep)))


def _in_store(objects: Objects, waited: Waited, journal: Journal) -> Exit:
    run_id = waited.place.run
    if not waited.is_dead:
        tell(f"{run_id}: another machine is restoring it; not touched")
        return Exit.REFUSED
    if waited.seen is None and caught_up(objects, waited.place, journal):
        tell(f"{run_id}: another machine has restored it")
        return Exit.HELD
    try:
        with taken_over(objects, waited, journal):
            run = journal.run(run_id)
            if run:
                tell(f"{run_id}: waiting until none of its calls can still arrive", err=True)
                return _restored(run, journal)
            tell(f"{run_id}: had recorded no change; its lease is released")
            return Exit.HELD
    except Refused as error:
        tell(printable(f"{run_id}: not touched: {'; '.join(map(str, error.reasons))}"), err=True)
        return Exit.REFUSED


def _restored(run: Run, journal: Journal, *, closes: bool = True) -> Exit:
    def account() -> Aws:
        aws = open_account()
        if named_by(run, "role"):
            aws = rescuing(aws, run)
        return aws.allowing(AllowList.of_journal(journal.entries(run.id), run.id))

    try:
        restored = restore(run, journal, WallClock(), lambda _: None, account, closes=closes)
    except EntriesLost as lost:
        return tell_lost(run, lost)
    except GamedayError as error:
        tell(f"{run.id}: {error}", err=True)
        _record(run, journal)
        return Exit.STUCK
    except Exception as error:  # the other runs are restored all the same
        log.exception("restoring run %s failed", run.id)
        tell(f"{run.id}: not restored, because of a bug of Gameday: {type(error).__name__}: {error}", err=True)
        _record(run, journal)
        return Exit.STUCK
    tell(printable(f"{run.id}: {restored.about}"))
    for settled in restored.settled:
        tell(printable(f"  {settled.state:<11} {settled.about}"))
    if not restored.alive:
        _record(run, journal)
    bad = any(settled.state in ("stuck", "conflict") for settled in restored.settled)
    if bad or (closes and not restored.closed):
        return Exit.STUCK
    return Exit.UNKNOWN if any(settled.state == "gone" for settled in restored.settled) else Exit.HELD


def _record(run: Run, journal: Journal) -> None:
    """Write the record and the page of a killed run; print an error, since the restore itself counts."""
    if run.workload == SANDBOX:
        return  # a case of `gameday conform` has no verdict
    try:
        record = record_of_killed(run, journal.entries(run.id), time.time())
        page = write_reports(REPORTS / f"{run.id}-{record.name}", Suite(record.name, record.started, (record,)))
    except GamedayError as error:
        tell(f"{run.id}: {error}", err=True)
    else:
        tell(f"  report: {page}")
        evidence, store = page.with_name(f"{record.name}.json"), record.plan.workload.store
        keep_restored(record, evidence, store, partial(tell, err=True))
        forget_phase(journal.runs_folder, run.id)


def _store_of(run: Run) -> str | None:
    """Return the store of a run of the journal, if any; None where its plan cannot be read."""
    with suppress(JournalError):
        return named_by(run, "store") if run.place == "aws" else None
    return None


def halt(name: str, store: str | None) -> Exit:
    """Ask the runs that hold a workload to abort and undo. Raises InvalidInput if none does."""
    if name.endswith((".yaml", ".yml")):
        workload = load_workload(Path(name)).workload
        name, store = workload.name, store or workload.store
    journal = Journal.open()
    runs = [run.id for run in journal.taken(name)]
    for run in runs:
        _request_halt(journal.runs_folder, run)
    if store is not None and not runs:
        with open_store(store, region_of_buckets()) as objects:
            runs = [place.run for place in held_by(objects) if place.workload == name]
            for run in runs:
                halt_in(objects, run, who())
    if not runs:
        where = store or "the journal of this machine"
        remedy = "for runs of other machines pass --store s3://…; for dead runs use `gameday restore`"
        raise InvalidInput(f"no run in {where} holds workload {name}", remedy, gd_code="GD-E116")
    for run in runs:
        tell(f"{run}: asked to abort and undo")
    return Exit.HELD


def _request_halt(folder: Path, run: str) -> None:
    try:
        halt_here(folder, run, who())
    except OSError as error:
        raise JournalError(
            f"{folder} cannot be written: {error.strerror}", "free the disk, or end the run", gd_code="GD-E302"
        ) from error
