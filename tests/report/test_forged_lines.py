"""No text of a file or an account adds a line to what Gameday prints, turns one around, or hides a part of it."""

from __future__ import annotations

import io
import logging
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from gameday.cli.log import _formatter
from gameday.cli.undo import list_dead
from gameday.engine.entries import Entry
from gameday.errors import Exit, JournalError, Reason
from gameday.events import Called, ChangeClosed, Judged, Remark
from gameday.files.yaml.mistake import Mistake
from gameday.plan.plan import Plan
from gameday.pytest_plugin.failure_text import details
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report.explanations import explained
from gameday.report.html import page
from gameday.report.junit import junit
from gameday.report.live_display import LiveProgress
from gameday.report.markdown import markdown
from gameday.report.plan_text import plan_text
from gameday.report.progress import PlainProgress
from gameday.report.terminal import verdict_table
from gameday.text import printable

from tests.doubles.runs import RUN, begun
from tests.doubles.shelf import LEVEL, setting_change
from tests.report.sample import broken

FORGED = "FORGED"
BREAKS = ("\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\x1b[1A\r", "\n\n    ")
MARKS = "\t\x1b\x07\x9b\u061c\u200b\u200e\u200f\u202e\u2066\ufeff"
FOREIGN = "Fine" + "".join(f"{sign}{FORGED}" for sign in BREAKS) + MARKS
"""A text that tries each way to begin a line, and holds each kind of mark that hides or turns text."""


def forged_plan(plan: Plan) -> Plan:
    """A plan whose texts from files and from the account are all foreign."""
    experiment = plan.experiment.model_copy(update={"hypothesis": FOREIGN})
    kpis = {name: kpi.model_copy(update={"about": FOREIGN}) for name, kpi in plan.workload.kpis.items()}
    workload = plan.workload.model_copy(update={"provides": FOREIGN, "kpis": kpis})
    faults = tuple(fault.model_copy(update={"label": FOREIGN}) for fault in plan.planned_faults)
    reasons = (Reason("GD-W01", FOREIGN, FOREIGN),)
    return plan.model_copy(
        update={
            "experiment": experiment,
            "workload": workload,
            "planned_faults": faults,
            "principal": FOREIGN,
            "warnings": reasons,
            "refusals": reasons,
        }
    )


def forged() -> Record:
    """A record whose texts from files and from the account are all foreign."""
    record = broken()
    events = [
        replace(event, judgement=replace(event.judgement, sentence=FOREIGN)) if isinstance(event, Judged) else event
        for event in record.events
    ]
    more = [
        Remark(record.end, FOREIGN),
        Called(record.end, "undo", 0, "ec2", FOREIGN, "us-east-1", {}, 1.0, FOREIGN, FOREIGN),
        ChangeClosed(record.end, 0, "conflict", FOREIGN),
    ]
    changed = replace(record, principal=FOREIGN, command=FOREIGN, commit=FOREIGN)
    return replace(changed, plan=forged_plan(record.plan), events=(*events, *more))


def suite() -> Suite:
    record = forged()
    refusal = Refusal("refused", (Reason("GD-P01", FOREIGN, FOREIGN),), record.plan, FOREIGN)
    return Suite("suite", "2026-01-01T00:00:00+00:00", (record, refusal), ("not-run",))


def progress_of(listener: Callable[[io.StringIO], PlainProgress | LiveProgress]) -> str:
    stream, record = io.StringIO(), forged()
    shown = listener(stream)
    shown.begin(record.plan, record.run)
    for event in record.events:
        shown.on_event(event)
    shown.close()
    return stream.getvalue()


def xml_texts(text: str) -> str:
    """The values of an XML file, a line each: line breaks within a value are what we look for."""
    values = [value for node in ET.fromstring(text).iter() for value in (*node.attrib.values(), node.text or "")]
    return "\n".join(values)


def logged() -> str:
    record = logging.LogRecord("gameday", logging.INFO, "x.py", 1, "remark: %s", (FOREIGN,), None)
    return _formatter().format(record)


SHOWN: dict[str, Callable[[], str]] = {
    "plain progress": lambda: progress_of(PlainProgress),
    "table of verdicts": lambda: verdict_table(suite()),
    "markdown": lambda: markdown(suite()),
    "junit": lambda: xml_texts(junit(suite())),
    "page": lambda: page(suite()),
    "plan": lambda: plan_text(forged().plan),
    "failing test": lambda: details(forged(), FOREIGN, [FOREIGN]),
    "mistake": lambda: Mistake(FOREIGN, 1, 3, FOREIGN, FOREIGN, FOREIGN).render(),
    "error": lambda: str(JournalError(FOREIGN, FOREIGN)),
    "log": logged,
}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that breaks no line of these texts by itself."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("where", SHOWN)
def test_foreign_text_begins_no_line_and_hides_nothing(where: str) -> None:
    shown = SHOWN[where]()
    assert FORGED in shown
    assert [line for line in shown.splitlines() if line.lstrip(" >-*#│✗?–").startswith(FORGED)] == []
    assert [char for char in shown if char != "\n" and hides(char)] == []


def hides(char: str) -> bool:
    # Markdown needs U+200B of our own, which keeps words from becoming links.
    return char != "\u200b" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_live_display_shows_no_line_of_a_foreign_text() -> None:
    shown = progress_of(LiveProgress)
    assert FORGED in shown
    assert [line for line in shown.splitlines() if line.lstrip().startswith(FORGED)] == []
    assert not set(shown) & set("\u202e\u2066\u200e\u061c\x07")


def test_explanation_of_a_foreign_record_is_ours() -> None:
    lines = [printable(line) for line in explained(forged())]
    assert [line for line in lines if line.lstrip().startswith(FORGED)] == []


def test_restore_lists_a_foreign_change_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "state"))
    journal = begun(tmp_path)
    change = setting_change(LEVEL, before=1, after=0).model_copy(update={"about": FOREIGN})
    journal.intend(RUN, [Entry(0, 0, 0, change)])
    journal.close()
    assert list_dead(None) == Exit.HELD
    assert len(capsys.readouterr().out.splitlines()) == 2
