"""Real data: late, doubled, out of order, on another grid than the fault's instants, or always the same."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from gameday.run.sampling import Sampler
from gameday.steady_state.clock import TestClock
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.kpi.source import Reading
from gameday.steady_state.samples import Sample, Series

from tests.steady_state.streams import EFFECT, counts, gauge, judged, phases, ratio, readings, requests, steady, within

DIP: Series = steady(320) + counts([(50, 25)] * 40) + steady(420)
WHOLE = counts([(sample.total, sample.bad) for sample in DIP])
"""Half of all requests fail from 20 s to 60 s after the fault takes effect."""


class Untidy:
    """Return the points so far: some late, some twice, in any order, some first with too few requests."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._draw = random.Random(7)

    def read(self, kpis, start: float, end: float) -> Reading:
        there = [sample for sample in self._series if start <= sample.start and sample.end <= end]
        late = [sample for sample in there if sample.end < end - 60 or self._draw.random() < 0.6]
        partial = [replace(sample, total=sample.total / 2) if sample.end > end - 20 else sample for sample in late]
        found = [*partial, *self._draw.sample(partial, len(partial) // 3)]
        self._draw.shuffle(found)
        return Reading({name: tuple(found) for name in kpis})


def test_untidy_points_are_judged_like_tidy_points() -> None:
    kpis, clock = {"orders": ratio()}, TestClock(0)
    watch = Sampler(kpis, Untidy(WHOLE), clock, relook=180)
    for _ in range(110):
        clock.sleep(10)
        list(watch.look())
    assert watch.series == {"orders": WHOLE}
    assert judged(watch.series, recovery=within(120)) == judged({"orders": WHOLE}, recovery=within(120))


@pytest.mark.parametrize("offset", [0.0, 0.4, 0.999, -0.4])
def test_recovery_on_shifted_grid_covers_the_truth(offset: float) -> None:
    moved = tuple(replace(sample, start=sample.start + offset) for sample in WHOLE)
    (found,) = judged({"orders": moved}, recovery=within(120)).recovery
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 40 <= found.high
    assert abs((found.impact or 0) - (EFFECT + 20 + offset)) <= 2
    assert found.verdict is Verdict.HELD


def test_run_at_another_time_of_day_has_the_same_verdict() -> None:
    day = 1_764_000_000.25
    at = phases()
    later = replace(
        at,
        before=(at.before[0] + day, at.before[1] + day),
        **{name: getattr(at, name) + day for name in ("injected", "took_effect", "undo", "undone", "end")},
    )
    moved = {"orders": tuple(replace(sample, start=sample.start + day) for sample in WHOLE)}
    here, there = judged({"orders": WHOLE}, recovery=within(120)), judged(moved, at=later, recovery=within(120))
    assert there.sentence == here.sentence
    assert [phase.verdict for phase in there.phases] == [phase.verdict for phase in here.phases]


@pytest.mark.parametrize(
    ("bad", "verdict"), [(0, Verdict.HELD), (25, Verdict.BROKEN), (50, Verdict.BROKEN)], ids=["none", "half", "all"]
)
def test_a_stream_that_never_varies_is_judged(bad: int, verdict: Verdict) -> None:
    assert judged({"orders": steady(780, 50, bad)}).verdict is verdict


@pytest.mark.parametrize(("value", "verdict"), [(6, Verdict.HELD), (5, Verdict.BROKEN)])
def test_a_gauge_that_never_moves_is_judged(value: float, verdict: Verdict) -> None:
    own = gauge()
    assert judged({"it": readings([value] * 780, own)}, {"it": own}).verdict is verdict


def test_run_with_a_single_request_is_unknown() -> None:
    alone = (Sample(EFFECT + 5, 1.0, 1.0, 0.0, 1.0),)
    assert judged({"orders": alone}).verdict is Verdict.UNKNOWN
    assert judged({"orders": requests(1, 300, 0.001) + alone}).verdict is Verdict.UNKNOWN
