"""What is kept of a record, and one run from its versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from gameday.records.history.entries import of_record
from gameday.records.history.kept_run import KeptRun, from_json, merged, to_json, with_evidence
from gameday.records.record import Record
from hypothesis import given
from hypothesis import strategies as st

from tests.records.history.kept import kept
from tests.report.sample import broken, held, spread, stuck


@pytest.mark.parametrize("record", [held(), broken(), spread(), stuck(held())], ids=lambda record: record.name)
def test_kept_run_reads_back_as_it_was_written(record: Record) -> None:
    assert from_json(to_json(of_record(record))) == of_record(record)


def test_kept_run_has_the_measures_of_claimed_kpis() -> None:
    measures = {(row.name, row.of): (row.value, row.low, row.high) for row in of_record(held()).measures}
    assert measures["recovery", "orders"] == (22.0, 20.0, 26.0)


def test_recovery_that_was_not_over_keeps_what_is_known() -> None:
    row = next(row for row in of_record(broken()).measures if row.of == "orders" and row.name == "recovery")
    assert (row.value, row.low, row.high, row.verdict) == (None, 421.5, None, "broken")


def test_recovery_that_was_not_needed_is_zero() -> None:
    row = next(row for row in of_record(broken()).measures if row.of == "checkout-capacity")
    assert (row.value, row.low, row.high) == (0.0, 0.0, 0.0)


def test_verdict_and_account_are_those_of_the_record() -> None:
    found = of_record(stuck(broken()))
    assert (found.verdict, found.left, found.exit) == ("broken", "stuck", 4)


def test_run_on_an_account_ends_with_its_last_event() -> None:
    record = held()
    plan = record.plan.model_copy(update={"place": "aws"})
    assert of_record(replace(record, plan=plan)).ended != record.started
    assert of_record(record).ended == record.started


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"release": "v1"}, "v1"),
        ({"release": None, "commit": "a" * 40}, "a" * 12),
        ({"release": None, "commit": "a" * 40, "is_dirty": True}, f"{'a' * 12}-dirty"),
        ({"release": None, "commit": None}, "unknown"),
    ],
)
def test_release_name_is_the_named_one_else_the_commit(fields: dict[str, object], name: str) -> None:
    assert kept(1, **fields).release_name == name


def test_line_of_a_newer_version_is_not_read() -> None:
    assert from_json(to_json(kept(1, version=2))) is None
    assert from_json(to_json(kept(1)).replace(b'"seed"', b'"grain"')) is None


def test_killed_run_is_completed_from_its_start() -> None:
    begun = kept(1, state="begun", verdict="unknown", left="unknown", release="v1", digests={"a": "b"}, who="me@here")
    killed = kept(1, state="killed", verdict="unknown", left="restored", release=None, commit=None, who=None)
    found = merged([begun, killed])
    assert (found.state, found.left, found.release, found.who) == ("killed", "restored", "v1", "me@here")
    assert found.digests == {"a": "b"}


def test_restore_of_a_stuck_run_keeps_its_verdict() -> None:
    ended = kept(1, state="ended", verdict="broken", left="stuck")
    restored = kept(1, state="killed", verdict="unknown", left="restored", ended="2026-01-05T12:00:00+00:00")
    found = merged([ended, restored])
    assert (found.verdict, found.left, found.ended) == ("broken", "restored", "2026-01-05T12:00:00+00:00")


VERSIONS = [
    kept(1, state="begun", ended=None, verdict="unknown", left="unknown", release="v1"),
    kept(1, state="ended", verdict="broken", left="stuck", release=None, commit=None),
    kept(1, state="killed", verdict="unknown", left="restored", release=None, commit=None),
    kept(1, state="killed", verdict="unknown", left="stuck", ended="2026-01-06T00:00:00+00:00"),
    kept(1, state="ended", verdict="held", about="again"),
]


@given(st.permutations(VERSIONS), st.integers(1, len(VERSIONS)))
def test_versions_merge_to_one_run_in_any_order(versions: list[KeptRun], count: int) -> None:
    chosen = versions[:count]
    assert merged(chosen) == merged(sorted(chosen, key=VERSIONS.index))
    assert merged([*chosen, *chosen]) == merged(chosen)


def test_path_of_evidence_is_no_part_of_the_digest(tmp_path: Path) -> None:
    here = with_evidence(kept(1), tmp_path / "a.json", "f00d")
    there = with_evidence(kept(1), tmp_path / "b.json", "f00d")
    assert here.digest == there.digest != kept(1).digest
