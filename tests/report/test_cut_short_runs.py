"""A run or a game day that was cut short: every report says what was seen, and what was not run."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from gameday.errors import Reason
from gameday.events import Aborted, Judged, Sampled
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report import phrases
from gameday.report.chart import chart
from gameday.report.html import page
from gameday.report.junit import junit
from gameday.report.live_display import LiveProgress
from gameday.report.markdown import markdown
from gameday.report.progress import PlainProgress
from gameday.report.terminal import verdict_table
from gameday.steady_state.judging.judge import Verdict

from tests.report.sample import EPOCH, broken, held

CUT = Suite(
    "storefront",
    "2026-09-22T09:30:00Z",
    (Refusal("lose-a-zone", (Reason("GD-P40", "SIGINT arrived, before anything was injected"),), interrupted=True),),
    not_run=("throttle-payments",),
)


def aborted() -> Record:
    """Orders fall to nothing for the two seconds before the guard ends the run.

    24 s in and before the fault takes effect.
    """
    record = broken()
    assert record.judged
    about = "orders is at 0% of 20 in 2s; the guard's bound is at least 40%"
    phases = replace(record.judged.phases, took_effect=None, undo=EPOCH + 24, aborted=f"guard: {about}")
    rows = tuple(
        replace(row, verdict=Verdict.UNKNOWN, seen="no data (the run did not get there)")
        if row.phase == "during"
        else row
        for row in record.judged.judgement.phases
    )
    judged = Judged(record.judged.at, phases, replace(record.judged.judgement, phases=rows))

    def hurt(event: Sampled) -> Sampled:
        samples = (
            replace(one, total=10.0, bad=10.0 if EPOCH + 22 <= one.start < EPOCH + 24 else 0.0) for one in event.samples
        )
        return replace(event, samples=tuple(samples))

    events = [
        judged if isinstance(event, Judged)
        else hurt(event) if isinstance(event, Sampled) and event.kpi == "orders"
        else event
        for event in record.events
    ]  # fmt: skip
    return replace(record, events=(*events[:-1], Aborted(EPOCH + 24, "guard", about), events[-1]))


def test_what_the_guard_saw_is_drawn_though_the_bin_hides_it() -> None:
    drawn = chart(aborted(), "orders")
    [index] = [index for index, worst in enumerate(drawn.worst) if worst is not None]
    assert drawn.values[index] is not None
    assert drawn.values[index] > 0.3
    assert drawn.worst[index] == 0.0
    assert drawn.y.low <= 0.0


def test_guard_and_abort_are_drawn() -> None:
    drawn = chart(aborted(), "orders")
    assert drawn.guard
    assert (drawn.guard.start, drawn.guard.low, drawn.guard.high) == (0.0, 0.4, None)
    assert [mark.at for mark in drawn.marks if mark.kind == "aborted"] == [24.0]
    text = page(Suite("day", "soon", (aborted(),)))
    assert '<i class="key guard">' in text
    assert "aborted +24s" in text


def test_guard_far_from_the_samples_does_not_flatten_the_line() -> None:
    drawn = chart(held(), "checkout-latency")
    assert drawn.guard is None


def test_steady_state_says_what_was_seen_until_the_abort() -> None:
    record = aborted()
    assert record.judged
    row = next(row for row in record.judged.judgement.phases if (row.kpi, row.phase) == ("orders", "during"))
    assert phrases.seen(record, row) == "91.7% of 240, until the abort"
    suite = Suite("day", "soon", (record,))
    for text in (page(suite), markdown(suite), junit(suite)):
        assert "91.7% of 240, until the abort" in text
        assert "did not get there" not in text


def test_a_phase_bound_by_nothing_has_a_neutral_mark() -> None:
    record = held()
    assert record.judged
    row = replace(record.judged.judgement.phases[0], bound="any", seen="all of it")
    judged = replace(record.judged, judgement=replace(record.judged.judgement, phases=(row,)))
    record = replace(record, events=tuple(judged if event is record.judged else event for event in record.events))
    suite = Suite("day", "soon", (record,))
    assert (
        'class="state not-judged"><svg class="icon" aria-hidden="true"><use href="#i-not-judged"/></svg>all of it'
        in page(suite)
    )
    assert "| all of it | any |" in markdown(suite)


def test_rows_not_run_or_interrupted_are_named_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    table = verdict_table(CUT)
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines()[2:4]]
    assert rows == [["–", "lose-a-zone", "interrupted", "untouched"], ["–", "throttle-payments", "not run"]]
    assert "interrupted, nothing injected: SIGINT arrived" in table
    assert CUT.tally == "1 interrupted, 1 not run"
    text = markdown(CUT)
    assert "| throttle-payments | not run |" in text
    assert "➖ interrupted" in text
    html = page(CUT)
    assert "throttle-payments" in html
    assert "not run" in html
    assert "<strong>interrupted</strong>" in html
    assert "refused</strong>" not in html


def test_what_was_not_run_is_skipped_in_junit() -> None:
    root = ET.fromstring(junit(CUT))
    messages = {case.get("name"): case.find("skipped").get("message") for case in root.iter("testcase")}
    assert messages == {
        "lose-a-zone": "interrupted: SIGINT arrived, before anything was injected [GD-P40]",
        "throttle-payments": "not run: the game day ended earlier",
    }
    assert (root.get("tests"), root.get("skipped")) == ("2", "2")


@pytest.mark.parametrize("display", [PlainProgress, LiveProgress])
def test_a_run_begins_with_the_warnings_of_its_plan(display: type[PlainProgress] | type[LiveProgress]) -> None:
    plan = held().plan
    stream = io.StringIO()
    listener = display(stream)
    listener.begin(plan.model_copy(update={"warnings": (Reason("GD-W10", "it is Friday"),)}), "r")
    listener.close()
    assert stream.getvalue().count("warning it is Friday [GD-W10]") == 1
