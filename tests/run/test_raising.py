"""If any step raises any error, a run undoes, and ends with a verdict and the worst exit code that is true."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from gameday.errors import Exit, worst
from gameday.events import ChangeClosed, Ended, Event, Judged, Remark
from gameday.records.record import EXITS

from tests.doubles.raising import KINDS, Seen, Steps, play

GAPS = ("source.read",)
"""Steps that are reads of others' code: any error of theirs is a gap, and no bug of Gameday."""


@cache
def steps() -> list[tuple[str, str]]:
    with TemporaryDirectory() as folder:
        return play(Path(folder), Steps()).steps


def positions() -> list[int]:
    """The first and the last step of each name in each phase."""
    places = steps()
    ends = {place: number for number, place in enumerate(places)}
    return sorted({*(places.index(place) for place in ends), *ends.values()})


def only(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def wrong(seen: Seen) -> list[str]:
    """Return what a run broke of its promise, in words."""
    if seen.refused:
        return ["refused after a change"] if seen.open or only(seen.events, Ended) or seen.left is not None else []
    ended, judged = seen.events[-1], only(seen.events, Judged)
    if not isinstance(ended, Ended) or len(judged) != 1 or not isinstance(judged[0], Judged):
        return [f"ends with {ended.type}, judged {len(judged)} times"]
    closed = [event for event in seen.events if isinstance(event, ChangeClosed)]
    stuck = any(change.state == "stuck" for change in closed)
    verdict = EXITS[judged[0].judgement.verdict.value]
    lines = []
    is_noted = any(
        isinstance(event, Remark) and "the journal does not record it" in event.text for event in seen.events
    )
    if not stuck and (seen.left is not None or (seen.open and not is_noted)):
        lines.append(f"left {seen.left}, {seen.open} open, and not told")
    if stuck and ended.account != "stuck":
        lines.append("stuck and not told")
    if ended.exit not in {
        worst([verdict, *([Exit.STUCK] if stuck else [])]),
        worst([Exit.BUG, *([4] if stuck else [])]),
    }:
        lines.append(f"exit {ended.exit} for {verdict!r}, stuck {stuck}")
    return lines


@pytest.mark.parametrize("kind", KINDS)
def test_error_at_any_step_once_is_undone_and_recorded(kind: str, tmp_path: Path) -> None:
    found = {}
    numbers = positions()[[*KINDS].index(kind) :: len(KINDS)]  # all kinds together take every position
    for number in numbers:
        seen = play(tmp_path / str(number), Steps(number, kind))
        if lines := [*wrong(seen), *(["left dirty"] if seen.left is not None else [])]:
            found[seen.steps[number]] = lines
    assert len(numbers) > 5
    assert found == {}


@pytest.mark.parametrize("kind", ["key", "aws"])
def test_error_from_any_step_on_is_recorded(kind: str, tmp_path: Path) -> None:
    places = steps()
    found = {}
    firsts = sorted({places.index(place) for place in places})
    for number in firsts[kind == "aws" :: 2]:
        seen = play(tmp_path / str(number), Steps(number, kind, lasting=True))
        if lines := wrong(seen):
            found[seen.steps[number]] = lines
    assert found == {}


def test_bug_at_any_step_that_is_no_read_exits_70(tmp_path: Path) -> None:
    for name in ("guard.feed", "judge", "clock.sleep"):
        number = next(at for at, (step, phase) in enumerate(steps()) if step == name and phase in ("during", "after"))
        seen = play(tmp_path / name, Steps(number, "key"))
        assert seen.events[-1] == Ended(seen.events[-1].at, "restored", Exit.BUG), name


def test_one_failed_read_of_kpis_is_a_gap(tmp_path: Path) -> None:
    numbers = [at for at, (step, phase) in enumerate(steps()) if step in GAPS and phase in ("during", "after")]
    for number in (numbers[2], numbers[-1]):
        seen = play(tmp_path / str(number), Steps(number, "key"))
        assert seen.events[-1] == Ended(seen.events[-1].at, "restored", Exit.HELD)


@pytest.mark.parametrize(
    ("step", "phase"),
    [
        ("journal.settle", "undo"),
        ("journal.entries", "during"),
        ("get_function_concurrency", "during"),
        ("get_metric_data", "inject"),
    ],
)
def test_other_step_that_may_fail_once_changes_no_verdict(step: str, phase: str, tmp_path: Path) -> None:
    seen = play(tmp_path, Steps(steps().index((step, phase)), "key"))
    assert seen.events[-1] == Ended(seen.events[-1].at, "restored", Exit.HELD)
