"""The terminal: progress that fits where it is shown, and a table of verdicts that says why."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from gameday.events import Aborted, Called, ChangeClosed, PhaseBegan, Sampled
from gameday.records.record import Record
from gameday.records.suite import Suite
from gameday.report.event_lines import clock
from gameday.report.live_display import LiveProgress, sparkline
from gameday.report.progress import PlainProgress, progress
from gameday.report.terminal import verdict_table
from gameday.steady_state.samples import Sample
from syrupy.assertion import SnapshotAssertion

from tests.report.sample import WORKLOAD, broken, held, stuck, suite
from tests.report.test_html import HOSTILE, hostile


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


def shown(record: Record, stream: io.StringIO) -> str:
    listener = progress(stream)
    listener.begin(record.plan, record.run)
    for event in record.events:
        listener.on_event(event)
    listener.close()
    return stream.getvalue()


def test_without_a_terminal_a_run_is_a_line_for_each_phase(snapshot: SnapshotAssertion) -> None:
    text = shown(broken(), io.StringIO())
    phases = ["before", "inject", "effect", "during", "undo", "after", "judged", "ended"]
    assert [line.split()[1] for line in text.splitlines()[1:]] == phases
    assert text == snapshot


def test_what_went_wrong_is_worth_a_line(snapshot: SnapshotAssertion) -> None:
    stream = io.StringIO()
    listener = PlainProgress(stream)
    listener.begin(held().plan, "r")
    listener.on_event(Called(0.0, "inject", 0, "ec2", "stop_instances", "us-east-1", {}, 0.1, "UnauthorizedOperation"))
    listener.on_event(Aborted(1.0, "guard", "orders is at 31%"))
    listener.on_event(ChangeClosed(2.0, 0, "conflict", "somebody else changed it"))
    listener.on_event(ChangeClosed(2.0, 1, "restored", "as it was"))
    lines = stream.getvalue().splitlines()[1:]
    assert len(lines) == 3
    assert lines == snapshot


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_dumb_terminal_gets_plain_lines(term: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    assert isinstance(progress(Terminal()), PlainProgress)


def test_terminal_without_unicode_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal("ascii")
    assert isinstance(progress(stream), PlainProgress)
    shown(hostile(held()), stream).encode("ascii")


def test_a_terminal_shows_phase_kpis_and_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    listener = progress(stream)
    assert isinstance(listener, LiveProgress)
    record = broken()
    listener.begin(record.plan, record.run)
    for event in record.events:
        if isinstance(event, PhaseBegan) and event.phase == "undo":
            break
        listener.on_event(event)
    listener.close()
    text = stream.getvalue()
    assert "during" in text
    assert "checkout-latency" in text
    assert "✗" in text
    assert "guard: at least 40%" in text
    assert "▁" in text
    assert "effect  payments reports throttles" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0, "the cursor comes back"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(broken(), Terminal())
    assert "orders" in text
    assert "\x1b[31m" not in text
    assert "\x1b[1;31m" not in text


def test_a_display_that_nobody_closed_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    listener = progress(stream)
    listener.begin(held().plan, "one")
    listener.begin(broken().plan, "two")
    listener.close()
    listener.close()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 2


def test_the_terminal_cannot_be_driven_by_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    record = hostile(held())
    evil = record.plan.experiment.model_copy(update={"hypothesis": "\x1b]0;owned\x07 [red]markup[/red]"})
    record = replace(held(), plan=record.plan.model_copy(update={"experiment": evil}))
    text = shown(record, io.StringIO())
    assert "\x1b" not in text
    assert "[red]markup[/red]" in text
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert "\x1b" not in verdict_table(Suite("day", "soon", (record,)))
    assert HOSTILE[:20] in verdict_table(Suite("day", "soon", (hostile(held()),)))


def test_the_table_says_each_verdict_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    lines = verdict_table(suite()).splitlines()
    cells = [line.split("  ") for line in lines[2:6]]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in cells]
    assert rows == [
        ["✓", "lose-a-zone", "held (twin)", "2m20s of 5m", "2 contained, 1 not judged", "restored"],
        ["✗", "throttle-payments", "broken (twin)", "not within 1m", "2 contained, 1 not judged", "restored"],
        [
            "✗",
            "lose-recommendations",
            "broken (twin)",
            "not claimed",
            "spread to search, 3 contained, 1 unknown",
            "restored",
        ],
        ["–", "stop-half-of-checkout", "refused", "untouched"],
    ]
    text = "\n".join(lines)
    assert "Orders fell to" in text
    assert "not injecting: i-0a9f does not carry the tag gameday: allowed" in text


def test_a_stuck_account_is_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    text = " ".join(verdict_table(Suite("day", "soon", (stuck(held()),))).split())
    assert "The account needs a person: was absent, is 5: somebody else changed it." in text


@pytest.mark.parametrize("columns", ["20", "60", "80", "200"])
def test_the_table_fits_any_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert max(map(len, verdict_table(suite()).splitlines())) <= max(60, min(120, int(columns)))


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (0.9, "0:00"), (65, "1:05"), (3723, "1:02:03")])
def test_elapsed_time_reads_like_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_small_chart_shows_the_dip() -> None:
    def good(bad: float) -> Sample:
        return Sample(0, 1, 10, bad, 1 - bad / 10)

    assert sparkline([good(0), good(10), good(0)], WORKLOAD.kpis["orders"]) == "█▁█"
    assert sparkline([good(0), Sample(1, 1, 0, 0, None), good(0)], WORKLOAD.kpis["orders"]) == "█·█"
    assert sparkline([good(0), good(10)], WORKLOAD.kpis["payments-errors"]) == "▁█"
    capacity = WORKLOAD.kpis["checkout-capacity"]
    assert sparkline([Sample(0, 1, 1, 0, 6.0), Sample(1, 1, 1, 0, 0.0)], capacity) == "█▁"
    assert sparkline([], capacity) == ""


def test_plain_progress_does_not_load_rich() -> None:
    code = "import sys, gameday.report.progress as t; t.progress(sys.stderr); print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "False"


def test_late_samples_do_not_upset_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    listener = LiveProgress(Terminal())
    listener.begin(held().plan, "r")
    listener.on_event(Sampled(10.0, "orders", (Sample(9, 1, 5, 0, 1.0),)))
    listener.on_event(Sampled(11.0, "orders", (Sample(9, 1, 6, 0, 1.0), Sample(10, 1, 5, 0, 1.0))))
    assert [sample.start for sample in listener._state.samples["orders"]] == [9, 10]
    listener.close()
