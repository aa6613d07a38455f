"""The record of a killed run, made from its journal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from gameday.engine.entries import Entry, Run
from gameday.errors import Exit, JournalError
from gameday.events import Aborted, Called, ChangeClosed, Ended
from gameday.records.record import Record, read_record
from gameday.records.suite import Suite
from gameday.report.write import write_reports
from gameday.restore.killed_run import record_of_killed

from tests.doubles.play import played

RUN = "test-run"


def killed(folder: Path, place: str = "aws") -> tuple[Run, list[Entry]]:
    """Return a run of the journal whose caller went away during the fault, with its entries."""
    with played(folder) as on:
        events = on.run()
        next(event for event in events if isinstance(event, Called))
        run = on.journal.run(RUN)
        entries = on.journal.entries(RUN)
    assert run
    assert entries
    return replace(run, place=place), entries


def test_killed_run_restored_is_unknown_with_each_change(tmp_path: Path) -> None:
    run, entries = killed(tmp_path)
    record = record_of_killed(run, [replace(entry, state="restored", note="as before") for entry in entries], 2e9)
    assert record.outcome == "unknown"
    assert [event.why for event in record.events if isinstance(event, Aborted)] == ["killed"]
    assert record.settled == {0: ChangeClosed(2e9, 0, "restored", "as before")}
    assert record.ended == Ended(2e9, "restored", Exit.UNKNOWN)
    assert [event.at for event in record.events] == sorted(event.at for event in record.events)
    assert record.plan.experiment.name == "short"


@pytest.mark.parametrize("state", ["open", "stuck"])
def test_killed_run_with_an_open_change_is_stuck(state: str, tmp_path: Path) -> None:
    run, entries = killed(tmp_path)
    record = record_of_killed(run, [replace(entry, state=state) for entry in entries], 2e9)  # type: ignore[arg-type]
    assert record.stuck
    assert record.ended == Ended(2e9, "stuck", Exit.STUCK)


def test_killed_run_without_entries_is_untouched(tmp_path: Path) -> None:
    run, _ = killed(tmp_path)
    record = record_of_killed(run, [], run.started + 5)
    assert record.ended == Ended(run.started + 5, "untouched", Exit.UNKNOWN)
    assert record.judged
    assert record.judged.phases.injected is None


def test_record_of_killed_twin_run_has_the_times_of_the_twin(tmp_path: Path) -> None:
    run, entries = killed(tmp_path, "twin")
    record = record_of_killed(run, entries, 9e9)
    assert record.end < 2e9
    assert record.start == entries[0].intended


def test_record_of_killed_run_is_written_and_read_back(tmp_path: Path) -> None:
    run, entries = killed(tmp_path / "home")
    record = record_of_killed(run, entries, 2e9)
    write_reports(tmp_path / "out", Suite(record.name, record.started, (record,)))
    again: Record = read_record(tmp_path / "out" / "short.json")
    assert again == record


def test_plan_that_cannot_be_read_raises(tmp_path: Path) -> None:
    run, entries = killed(tmp_path)
    with pytest.raises(JournalError) as raised:
        record_of_killed(replace(run, plan='{"plan": true}'), entries, 2e9)
    assert raised.value.gd_code == "GD-E301"
