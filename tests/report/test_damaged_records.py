"""A damaged or edited record is refused in plain words: no report misleads, breaks or hangs."""

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
from gameday.records.record import Record, read_record, record_hash, rejudge, write_record
from gameday.records.suite import Suite
from gameday.report.axis import time_axis
from gameday.run.experiment import ExperimentRunner
from gameday.steady_state.judging.judge import Verdict
from hypothesis import HealthCheck, assume, given, settings
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
    return rehashed({**whole, "events": [event for event in whole["events"] if id(event) not in dropped]})


def rehashed(raw: dict[str, Any]) -> dict[str, Any]:
    """The record of a run that ended so."""
    return {**raw, "hash": record_hash(raw)}


def sampled(raw: dict[str, Any]) -> dict[str, Any]:
    """The first sample in a record."""
    found: dict[str, Any] = next(event for event in raw["events"] if event["type"] == "sampled")["samples"][0]
    return found


def last(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(event for event in reversed(raw["events"]) if event["type"] == kind)
    return found


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a sample at nan": (lambda raw: sampled(raw).update(start=math.nan), r"start: nan is not a number that a run"),
    "an infinite sample": (lambda raw: sampled(raw).update(total=math.inf), r"total: inf is not a number that a run"),
    "an event at 1e308": (lambda raw: raw["events"][5].update(at=1e308), r"events\.5\.at: 1e\+308 is not a number"),
    "a huge whole number": (lambda raw: raw["events"][5].update(at=10**400), r"events\.5\.at: 1000000000\d+ is no"),
    "a wrong type": (lambda raw: sampled(raw).update(total=[]), r"samples\.0\.total: "),
    "a deep nest": (lambda raw: raw.update(files=json.loads("[" * 500 + "]" * 500)), "nested deeper than 100"),
    "what nobody wrote": (lambda raw: raw.update(again=1), "is damaged at again: Unexpected"),
    "a sample at 0": (lambda raw: sampled(raw).update(start=0), "was changed after it was written"),
    "no events": (lambda raw: raw["events"].clear(), "was changed after it was written"),
    "an event less": (lambda raw: raw["events"].pop(7), "was changed after it was written"),
    "another verdict": (lambda raw: last(raw, "ended").update(exit=1), "was changed after it was written"),
    "another plan": (lambda raw: raw["plan"].update(seed=9), "was changed after it was written"),
    "no hash": (lambda raw: raw.pop("hash"), "was changed after it was written"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_read_record_damaged_gives_place_and_remedy(damage: str, twin: dict[str, Any], tmp_path: Path) -> None:
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


def test_read_record_laid_out_anew_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(held(), path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=True, ensure_ascii=False))
    assert read_record(path) == held()


def test_a_record_cut_off_at_any_place_is_shown(tmp_path: Path) -> None:
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


# judged again ---------------------------------------------------------------------------------------------------------


def tampered(raw: dict[str, Any], verdict: str, code: int) -> dict[str, Any]:
    """The same record with another verdict and exit code than its samples give."""
    raw = copy.deepcopy(raw)
    last(raw, "judged")["judgement"]["verdict"] = verdict
    last(raw, "ended")["exit"] = code
    return rehashed(raw)


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


def test_rejudge_names_actions_that_never_healed() -> None:
    record = held()
    events = tuple(event for event in record.events if event.type != "change-closed")
    hit = replace(record, events=(*events[:-1], ChangeClosed(record.end, 0, "not-healed", "i-1 is gone"), events[-1]))
    again = rejudge(hit)
    assert again.again.verdict is Verdict.BROKEN
    assert "Never healed: i-1 is gone" in again.again.sentence


def test_a_verdict_that_the_exit_code_hides_counts(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(broken(), path)
    raw = json.loads(path.read_text())
    last(raw, "ended")["exit"] = 0
    path.write_text(json.dumps(rehashed(raw)))
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
def test_read_record_any_damage_is_refused(data: st.DataObject, twin: dict[str, Any], tmp_path: Path) -> None:
    place = data.draw(st.sampled_from(places(twin)))
    how = data.draw(st.sampled_from(["delete", "replace", "replace", "double", "insert"]))
    raw = mutate(twin, place, how, data.draw(ODD))
    assume(json.dumps(raw) != json.dumps(twin))
    path = tmp_path / "record.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(InvalidInput):
        read_record(path)
