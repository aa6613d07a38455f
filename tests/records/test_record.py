"""A record keeps everything a report says, and reads back or says why not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from gameday.errors import Exit, InvalidInput, Reason
from gameday.events import ChangeClosed, Ended, Judged, Sampled
from gameday.records.record import Record, read_record, rejudge, with_outcomes, write_record
from gameday.records.suite import Refusal, Suite
from gameday.steady_state.judging.judge import Verdict
from gameday.steady_state.samples import Sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.report.sample import broken, held, spread, stuck


@pytest.mark.parametrize("record", [held(), broken(), spread(), stuck(held())], ids=lambda record: record.name)
def test_a_record_reads_back_as_it_was_written(record: Record, tmp_path: Path) -> None:
    write_record(record, tmp_path / "record.json")
    assert read_record(tmp_path / "record.json") == record


def test_record_file_holds_one_event_a_line(tmp_path: Path) -> None:
    record = held()
    write_record(record, tmp_path / "record.json")
    lines = (tmp_path / "record.json").read_text().splitlines()
    assert len(lines) == len(record.events) + 2
    assert json.loads(lines[1].rstrip(","))["type"] == "phase"


def test_a_record_of_another_version_names_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"version": 99, "events": []}')
    with pytest.raises(InvalidInput, match=r"old\.json.*version 99.*reads version 1"):
        read_record(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "is not the record of a run"),
        ('{"format": 1}', "is not the record of a run"),
        ('{"version": 1, "events": []}', "is damaged at run: Field required"),
        ('{"version": 1, "events": [], "surprise": 1}', "is damaged at"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_read_record_names_the_place_of_damage(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=why) as caught:
        read_record(path)
    assert str(path) in caught.value.what
    assert caught.value.remedy


def test_read_record_of_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_record(tmp_path / "none.json")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda raw: json.dumps(raw).encode())
)
def test_any_file_is_a_record_or_invalid_input(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "any.json"
    path.write_bytes(raw)
    with pytest.raises(InvalidInput):
        read_record(path)


def test_late_sample_replaces_the_one_of_the_same_start() -> None:
    early, other, late = Sample(10, 1, 5, 5, 0.0), Sample(11, 1, 5, 0, 1.0), Sample(10, 1, 6, 0, 1.0)
    events = (Sampled(20, "orders", (other, early)), Sampled(30, "orders", (late,)))
    assert replace(held(), events=events).series == {"orders": (late, other)}


def test_phases_follow_each_other_without_a_gap() -> None:
    record = held()
    assert [span.phase for span in record.spans] == ["before", "inject", "during", "undo", "after"]
    assert all(first.end == second.start for first, second in zip(record.spans, record.spans[1:], strict=False))
    assert (record.spans[0].start, record.spans[-1].end) == (record.start, record.end)


def test_times_count_from_the_injection() -> None:
    record = held()
    assert record.judged
    assert record.zero == record.judged.phases.injected
    unjudged = without(record, Judged)
    assert unjudged.zero == unjudged.spans[1].start


@pytest.mark.parametrize(
    ("state", "before", "after"),
    [
        ("gone", Verdict.HELD, Verdict.UNKNOWN),
        ("gone", Verdict.BROKEN, Verdict.BROKEN),
        ("not-healed", Verdict.HELD, Verdict.BROKEN),
        ("healed", Verdict.HELD, Verdict.HELD),
        ("restored", Verdict.HELD, Verdict.HELD),
    ],
)
def test_with_outcomes_worst_of_verdict_and_outcome_counts(
    state: Literal["gone", "not-healed", "healed", "restored"], before: Verdict, after: Verdict
) -> None:
    judged = held().judged
    assert judged
    judgement = replace(judged.judgement, verdict=before)
    found = with_outcomes(judgement, [ChangeClosed(0.0, 0, state, "instance i-1")], judged.phases)
    assert found.verdict is after
    assert ("instance i-1" in found.sentence) == (state in ("gone", "not-healed"))


def test_unjudged_run_is_unknown_and_unended_run_is_stuck() -> None:
    record = held()
    assert (record.outcome, record.stuck) == ("held", False)
    assert without(record, Judged).outcome == "unknown"
    assert without(record, Ended).stuck
    assert stuck(record).stuck
    refused = replace(record, events=(*without(record, Ended).events, Ended(record.end, "untouched", Exit.REFUSED)))
    assert refused.outcome == "refused"


def test_a_stored_record_is_judged_again_without_aws(tmp_path: Path) -> None:
    write_record(broken(), tmp_path / "record.json")
    again = rejudge(read_record(tmp_path / "record.json"))
    assert again.again.verdict is Verdict.BROKEN
    assert again == rejudge(broken())


def test_a_run_without_phases_cannot_be_judged_again() -> None:
    with pytest.raises(InvalidInput, match="before Gameday could judge it"):
        rejudge(without(held(), Judged))


def test_the_exit_code_of_a_suite_is_the_worst_of_its_entries() -> None:
    def code(*entries: Record | Refusal) -> Exit:
        return Suite("day", "2026-09-22T09:30:00Z", entries).exit

    refusal = Refusal("idle", (Reason("", "no traffic"),))
    assert code(held()) == Exit.HELD
    assert code(held(), refusal) == Exit.REFUSED
    assert code(held(), broken(), refusal) == Exit.BROKEN
    assert code(broken(), stuck(held())) == Exit.STUCK
    assert code(broken(), without(held(), Ended)) == Exit.STUCK


def without(record: Record, kind: type) -> Record:
    return replace(record, events=tuple(event for event in record.events if not isinstance(event, kind)))
