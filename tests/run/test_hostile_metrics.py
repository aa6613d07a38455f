"""Runs whose metrics fail, come late, grow or are partial: never a false verdict, always a record and an undo."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from gameday.aws.source_calls import calls_of_sources
from gameday.errors import Refused
from gameday.events import Called, Ended, Event, Judged, PhaseBegan
from gameday.run.context import RunContext
from gameday.run.loop import run
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.sources.cloudwatch import CloudWatchSource

from tests.doubles.hostile_metrics import ALWAYS, HostileMetrics, Trouble
from tests.doubles.play import REGION, cured, played

HOLDS: list[Any] = [{"throttle": {"module": "recommendations", "to": 0}}]
BREAKS: list[Any] = [{"throttle": {"module": "payments", "to": 0}}]
ONCE = [trouble for trouble in Trouble if trouble not in ALWAYS]
EVERY = 17
"""Reads between two positions that are tried: all of them take minutes."""


def play(
    folder: Path, faults: list[Any], trouble: Trouble, at: int, *, lasts: bool = False, only: str = ""
) -> tuple[list[Event], HostileMetrics]:
    """Run a short experiment whose metrics have trouble at read `at`, or from there on."""
    with played(folder, faults=faults, change_twin=cured) as on:
        call = calls_of_sources(on.twin.aws, REGION)
        hostile = HostileMetrics(
            lambda params, region: call("cloudwatch.get_metric_data", params, region=region),
            on.twin.clock, trouble, at, lasts, only,
        )  # fmt: skip
        source = CloudWatchSource(hostile)
        context = RunContext("test-run", on.account, on.twin.clock, source, on.journal, stop=on.stop)
        events: list[Event] = []
        with suppress(Refused):  # the baseline has a gap: nothing is injected
            events.extend(run(on.plan, context))
        return events, hostile


def verdict(events: list[Event]) -> Verdict | None:
    """Return the verdict of a run, which must have ended with its account as before; None where it was refused."""
    ended = events[-1]
    if not any(isinstance(event, Called) for event in events):
        return None
    assert isinstance(ended, Ended)
    assert ended.account in ("restored", "untouched")
    judged = [event.judgement.verdict for event in events if isinstance(event, Judged)]
    return judged[0] if judged else None


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The reads of a whole run; the runs of this file rest on what it shows."""
    counts = []
    for name, faults, expected in (("holds", HOLDS, Verdict.HELD), ("breaks", BREAKS, Verdict.BROKEN)):
        events, hostile = play(tmp_path_factory.mktemp(name), faults, Trouble.INTERNAL, 10**6)
        assert verdict(events) is expected
        counts.append(len(hostile.times))
    return max(counts)


def tried(folder: Path, faults: list[Any], trouble: Trouble, positions: range, *, lasts: bool) -> set[Verdict | None]:
    return {verdict(play(folder / str(at), faults, trouble, at, lasts=lasts)[0]) for at in positions}


@pytest.mark.parametrize("trouble", ONCE)
def test_one_bad_read_is_never_a_false_verdict(trouble: Trouble, reads: int, tmp_path: Path) -> None:
    positions = range(list(Trouble).index(trouble), reads, EVERY)
    assert tried(tmp_path / "holds", HOLDS, trouble, positions, lasts=False) <= {Verdict.HELD, Verdict.UNKNOWN, None}
    assert tried(tmp_path / "breaks", BREAKS, trouble, positions, lasts=False) <= {
        Verdict.BROKEN,
        Verdict.UNKNOWN,
        None,
    }


@pytest.mark.parametrize("trouble", ONCE)
def test_bad_reads_to_the_end_never_hold(trouble: Trouble, reads: int, tmp_path: Path) -> None:
    positions = range(0, reads, 2 * EVERY)
    found = tried(tmp_path, BREAKS, trouble, positions, lasts=True)
    assert Verdict.HELD not in found


@pytest.mark.parametrize("trouble", ALWAYS)
@pytest.mark.parametrize(("faults", "wrong"), [(HOLDS, Verdict.BROKEN), (BREAKS, Verdict.HELD)])
def test_late_metrics_are_never_a_false_verdict(
    trouble: Trouble, faults: list[Any], wrong: Verdict, tmp_path: Path
) -> None:
    assert verdict(play(tmp_path, faults, trouble, 0)[0]) is not wrong


@pytest.mark.parametrize(("trouble", "holds"), [(Trouble.INTERNAL, False), (Trouble.EMPTY, True)])
def test_failures_that_cannot_be_read_are_no_zero(trouble: Trouble, holds: bool, tmp_path: Path) -> None:
    """`bad` (missing: zero) fails from the injection on, and `total` does not.

    Without the status, such an answer is an empty one, which counts no failure: then the run holds, falsely.
    """
    events, whole = play(tmp_path / "whole", BREAKS, Trouble.INTERNAL, 10**6)
    injected = next(event.at for event in events if isinstance(event, PhaseBegan) and event.phase == "inject")
    first = sum(at < injected for at in whole.times)
    events, _ = play(tmp_path / "hidden", BREAKS, trouble, first, lasts=True, only="Failed")
    assert (verdict(events) is Verdict.HELD) is holds
