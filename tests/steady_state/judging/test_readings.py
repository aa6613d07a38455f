from __future__ import annotations

import random

import pytest
from gameday.steady_state.judging.baseline import correlation_time
from gameday.steady_state.judging.readings import alike, keeps_clear
from gameday.steady_state.kpi.claim import Verdict

from tests.steady_state.streams import bound, gauge, judged, readings

LOW = gauge(bound={"at_least": 6})


def wandering(seed: int, size: int, keep: float, level: float = 0.0) -> list[float]:
    draw, value, values = random.Random(seed), 0.0, []
    for _ in range(size):
        value = keep * value + (1 - keep * keep) ** 0.5 * draw.gauss(0, 1)
        values.append(level + value)
    return values


@pytest.mark.parametrize(("keep", "least", "most"), [(0.0, 1, 2), (0.9, 10, 40)])
def test_correlation_time_of_an_autoregression(keep: float, least: float, most: float) -> None:
    times = sorted(correlation_time(wandering(seed, 400, keep)) for seed in range(21))
    assert least <= times[10] <= most


def test_alike_leaves_out_the_longest_dip() -> None:
    dip = readings([6] * 200 + [5] * 40 + [6] * 180, LOW)
    assert alike(readings([6] * 300, LOW), dip) == 1
    assert correlation_time([reading.value for reading in dip]) > 20


@pytest.mark.parametrize(
    ("values", "limit", "clear"),
    [
        ([6] * 7, 6, True),
        ([6, 6, 5, 5, 5, 6, 6], 4, True),
        ([6, 6, 5, 5, 5, 6, 6], 5, True),
        ([6, 6, 4, 5, 5, 6, 6], 4, False),
        ([6, 6, 5, 5, 5, 6, 6], 6, False),
        ([6] * 2, 6, False),
        (wandering(1, 42, 0.0, 10), 0, True),
        (wandering(1, 42, 0.0, 3), 0, False),
    ],
)
def test_keeps_clear_of_its_limit_or_not(values: list[float], limit: float, clear: bool) -> None:
    own = gauge(bound={"at_least": limit})
    assert keeps_clear(own.bound, readings(values, own), readings(values, own)) is clear


@pytest.mark.parametrize("seed", range(30))
def test_wandering_gauge_out_of_range_is_not_held(seed: int) -> None:
    own = gauge(bound={"at_least": 0})
    series = {"orders": readings(wandering(seed, 780, 0.97, 1.4), own)}  # out of range for 8% of the time
    assert judged(series, {"orders": own}).phases[1].verdict is not Verdict.HELD


def test_healthy_gauges_with_excursions_are_not_spread() -> None:
    draw = random.Random(1)
    kpis = {f"m{index}": gauge(module=f"m{index}", bound={"at_least": 6}) for index in range(10)}
    series = {
        name: readings([5.0 if draw.random() < 0.02 else 6.0 for _ in range(780)], own) for name, own in kpis.items()
    }
    found = judged(series, kpis, margin=0.01, contained=tuple(kpis))
    assert all(module.verdict is not Verdict.BROKEN for module in found.modules)


def test_gauge_unknown_names_its_independent_readings() -> None:
    own = gauge(bound={"at_least": 0})
    seen = judged({"orders": readings(wandering(3, 780, 0.97, 2.2), own)}, {"orders": own}).phases[1].seen
    assert "independent" in seen


def test_for_in_a_workload_is_a_share_of_time() -> None:
    assert gauge(bound={"at_least": 6, "for": "90%"}).bound.share_of_time == 0.9
    with pytest.raises(ValueError, match="guard"):
        gauge(bound={"at_least": 6, "for": "10s"})
    assert bound(at_least="50%", **{"for": "10s"}).lasting == 10
