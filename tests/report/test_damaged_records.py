"""A damaged or tampered record is refused with its place, or reported; the report never breaks, and never hangs."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gameday.cli.run import report_again, request_of
from gameday.engine.journal import Journal
from gameday.errors import Exit, InvalidInput
from gameday.events import ChangeClosed
from gameday.files.load import load_any
from gameday.files.loaded import LoadedExperiment
from gameday.records.record import Record, read_record, rejudge, write_record
from gameday.records.suite import Suite
from gameday.report import chart as charts
from gameday.report.axis import time_axis
from gameday.report.html import page
from gameday.report.junit import junit
from gameday.report.markdown import markdown
from gameday.run.experiment import ExperimentRunner
from gameday.steady_state.judging.judge import Verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.report.sample import broken, held

EXPERIMENT = Path(__file__).parent.parent.parent / "experiments" / "storefront" / "throttle-payments.yaml"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of a run on the twin, as JSON."""
    folder = tmp_path_factory.mktemp("twin")
    loaded = load_any(EXPERIMENT)
    assert isinstance(loaded, LoadedExperiment)
    record = ExperimentRunner(Journal.open(folder)).experiment(request_of(loaded, "twin", 0, production=False))
    assert isinstance(record, Record)
    write_record(record, folder / "record.json")
    raw: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return raw


@pytest.fixture(scope="module")
def twin(whole: dict[str, Any]) -> dict[str, Any]:
    """The same with every tenth look at the KPIs only: enough to be damaged, and quicker to read."""
    looks = [event for event in whole["events"] if event["type"] == "sampled"]
    dropped = {id(event) for number, event in enumerate(looks) if number % 10}
    return {**whole, "events": [event for event in whole["events"] if id(event) not in dropped]}


def sampled(raw: dict[str, Any]) -> dict[str, Any]:
    """The first sample in a record."""
    found: dict[str, Any] = next(event for event in raw["events"] if event["type"] == "sampled")["samples"][0]
    return found


def last(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(event for event in reversed(raw["events"]) if event["type"] == kind)
    return found


def drop(raw: dict[str, Any], kind: str) -> None:
    raw["events"] = [event for event in raw["events"] if event["type"] != kind]


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a sample at 0": (lambda raw: sampled(raw).update(start=0), r"samples\.0\.start: 0 is more than 31 days from"),
    "a sample at 1e12": (lambda raw: sampled(raw).update(start=1e12), r"samples\.0\.start: 1000000000000 is more"),
    "a sample without length": (lambda raw: sampled(raw).update(length=0), r"length: 0 s, where the KPI is read every"),
    "a sample of negative length": (lambda raw: sampled(raw).update(length=-1), r"length: -1 s, where"),
    "a sample at nan": (lambda raw: sampled(raw).update(start=math.nan), r"start: nan is no number that a run"),
    "an infinite sample": (lambda raw: sampled(raw).update(total=math.inf), r"total: inf is no number that a run"),
    "a sample below nothing": (lambda raw: sampled(raw).update(total=-5), "less than nothing was counted"),
    "an event at 1e12": (lambda raw: raw["events"][5].update(at=1e12), r"events\.5\.at: 1000000000000 is more than"),
    "an event at 1e308": (lambda raw: raw["events"][5].update(at=1e308), r"events\.5\.at: 1e\+308 is no number"),
    "a huge whole number": (lambda raw: raw["events"][5].update(at=10**400), r"events\.5\.at: 1000000000\d+ is no"),
    "no events": (lambda raw: raw["events"].clear(), "events: are missing"),
    "no phases": (lambda raw: drop(raw, "phase"), "no phase began"),
    "phases out of order": (lambda raw: last(raw, "phase").update(phase="inject"), "inject comes after undo"),
    "a phase in the past": (lambda raw: last(raw, "phase").update(at=raw["events"][0]["at"] - 1), "begins before"),
    "two ends": (lambda raw: raw["events"].append(last(raw, "ended")), "the run ended twice"),
    "no such exit code": (lambda raw: last(raw, "ended").update(exit=42), "42 is no exit code"),
    "no such change": (lambda raw: last(raw, "change-closed").update(position=99), "none at 99"),
    "no such fault": (lambda raw: last(raw, "took-effect").update(fault=-1), "none at -1"),
    "no such KPI": (lambda raw: last(raw, "sampled").update(kpi="x"), "the workload has no KPI 'x'"),
    "a claim on nothing": (lambda raw: raw["plan"]["experiment"]["steady_state"].append("x"), "has no KPI 'x'"),
    "no such module": (lambda raw: raw["plan"].update(hit=["x"]), "has no module 'x'"),
    "undone before injected": (
        lambda raw: last(raw, "judged")["phases"].update(undo=1e9),
        r"phases\.undo: 1000000000 is",
    ),
    "no start": (lambda raw: raw.update(started="soon"), "started: 'soon' is no time"),
    "a deep nest": (lambda raw: raw.update(files=json.loads("[" * 500 + "]" * 500)), "nested deeper than 100"),
    "half a character": (
        lambda raw: raw["plan"].update(warnings=[{"code": "", "text": "\ud800"}]),
        "plan: holds text that is no Unicode",
    ),
    "what nobody wrote": (lambda raw: raw.update(again=1), "is damaged at again: Unexpected"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_with_its_place_and_a_remedy(damage: str, twin: dict[str, Any], tmp_path: Path) -> None:
    raw = copy.deepcopy(twin)
    change, why = DAMAGE[damage]
    change(raw)
    path = tmp_path / "record.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(InvalidInput, match=why) as caught:
        read_record(path)
    assert str(path) in caught.value.what
    assert caught.value.remedy
    assert len(caught.value.what) < 500


def test_a_record_cut_off_at_any_place_is_said(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(held(), path)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 2, len(whole) // 20):
        path.write_bytes(whole[:size])
        with pytest.raises(InvalidInput, match="is not JSON"):
            read_record(path)


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero"), tmp_path):
        with pytest.raises(InvalidInput, match="is not a file"):
            read_record(path)
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InvalidInput, match=r"larger than any record \(1,048,576 MB\)"):
        read_record(tmp_path / "huge.json")


def test_more_samples_than_can_be_judged_are_said(twin: dict[str, Any], tmp_path: Path) -> None:
    raw = copy.deepcopy(twin)
    look = last(raw, "sampled")
    one = look["samples"][-1]
    look["samples"] = [{**one, "start": one["start"] + number * one["length"]} for number in range(100_001)]
    (tmp_path / "record.json").write_text(json.dumps(raw))
    with pytest.raises(InvalidInput, match=r"10\d,\d\d\d samples of .*; no more than 100,000 are judged"):
        read_record(tmp_path / "record.json")


# judged again ---------------------------------------------------------------------------------------------------------


def tampered(raw: dict[str, Any], verdict: str, code: int) -> dict[str, Any]:
    """The same record with another verdict and exit code than its samples give."""
    raw = copy.deepcopy(raw)
    last(raw, "judged")["judgement"]["verdict"] = verdict
    last(raw, "ended")["exit"] = code
    return raw


@pytest.mark.parametrize(("was", "code", "new"), [("held", 0, "broken"), ("broken", 1, "held")])
def test_of_two_verdicts_the_worse_counts_and_both_are_shown(
    was: str, code: int, new: str, whole: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, path = whole, tmp_path / "record.json"
    if new == "broken":
        write_record(broken(), path)
        raw = json.loads(path.read_text())
    path.write_text(json.dumps(tampered(raw, was, code)))
    assert report_again(path, tmp_path / "again") == Exit.BROKEN
    told = f"Judged again: {new} (twin); it was {was} (twin)."
    assert told in " ".join(capsys.readouterr().out.split())
    texts = {name: (tmp_path / "again" / name).read_text() for name in ("index.html", "summary.md", "junit.xml")}
    assert all(told in text for text in texts.values())
    assert 'failures="1"' in texts["junit.xml"]


def test_judging_again_names_what_was_struck_and_never_healed() -> None:
    record = held()
    events = tuple(event for event in record.events if event.type != "change-closed")
    hit = replace(record, events=(*events[:-1], ChangeClosed(record.end, 0, "not-healed", "i-1 is gone"), events[-1]))
    again = rejudge(hit)
    assert again.again.verdict is Verdict.BROKEN
    assert "never healed: i-1 is gone" in again.again.sentence


def test_a_verdict_that_the_exit_code_hides_counts(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(broken(), path)
    raw = json.loads(path.read_text())
    last(raw, "ended")["exit"] = 0
    path.write_text(json.dumps(raw))
    assert Suite("day", "", (read_record(path),)).exit == Exit.BROKEN


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    record = held()
    write_record(record, tmp_path / "record.json")
    for folder in ("one", "two"):
        report_again(tmp_path / "record.json", tmp_path / folder)
    for name in ("index.html", "junit.xml", "summary.md", f"{record.name}.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert f'timestamp="{record.started}"' in (tmp_path / "one" / "junit.xml").read_text()
    assert (tmp_path / "one" / f"{record.name}.json").read_bytes() == (tmp_path / "record.json").read_bytes()


def test_an_axis_has_few_ticks_however_long_it_is() -> None:
    for span in (1.0, 1e4, 1e7, 1e12, 1e20):
        assert len(time_axis(-span / 3, span).ticks) <= 10


# any damage at all ----------------------------------------------------------------------------------------------------

NUMBERS = (0, 1, -1, 3, 1e12, 1e308, -1e308, 1e-300, math.nan, math.inf, -math.inf, 2**70, 10**400)
ODD = st.sampled_from(
    [*NUMBERS, True, None, "", "x", "any", "1e308s", "99%", "\ud800", "../../x", [], {}, [1], {"x": 1}]
)


def places(raw: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where something stands in JSON; of many alike in a list only the first, one in the middle, and the last."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(raw, dict):
        inner = list(raw.items())
    elif isinstance(raw, list):
        kept = sorted({0, len(raw) // 2, len(raw) - 1} & set(range(len(raw)))) if len(raw) > 40 else range(len(raw))
        inner = [(number, raw[number]) for number in kept]
    return [(*place, key) for key, _ in inner] + [one for key, value in inner for one in places(value, (*place, key))]


def mutate(raw: Any, place: tuple[str | int, ...], how: str, odd: object) -> Any:
    """A copy of JSON with one place deleted, replaced, doubled, or something put before it; shares what is the same."""
    if not place:
        return odd
    raw = copy.copy(raw)
    key, *rest = place
    if rest:
        raw[key] = mutate(raw[key], tuple(rest), how, odd)
    elif how == "delete":
        del raw[key]
    elif how == "replace":
        raw[key] = odd
    elif isinstance(raw, list):
        raw.insert(int(key), raw[int(key)] if how == "double" else odd)
    else:
        raw[str(key) + "x"] = raw[key] if how == "double" else odd
    return raw


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_reported_or_refused(data: st.DataObject, twin: dict[str, Any], tmp_path: Path) -> None:
    found = data.draw(st.sampled_from(places(twin)))
    how = data.draw(st.sampled_from(["delete", "replace", "replace", "double", "insert"]))
    path = tmp_path / "record.json"
    path.write_text(json.dumps(mutate(twin, found, how, data.draw(ODD))))
    try:
        record = read_record(path)
    except InvalidInput:
        return
    suite = Suite(record.name, record.started, (rejudge(record) if record.judged else record,))
    assert suite.exit in (Exit.HELD, Exit.BROKEN, Exit.UNKNOWN, Exit.STUCK, Exit.REFUSED, Exit.INTERRUPTED)
    assert all(report(suite) for report in (page, markdown, junit))
    for kpi in record.plan.workload.kpis:
        drawn = charts.chart(record, kpi)
        assert len(drawn.values) <= 2 * charts.POINTS + 2
        assert len(drawn.x.ticks) <= 10
        assert len(drawn.y.ticks) <= 10
