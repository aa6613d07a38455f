"""Where a measure changed over releases: real changes are found, and runs that are alike show hardly any."""

from __future__ import annotations

import random
from math import exp

import pytest
from gameday.records.history.kept_run import KeptRun
from gameday.records.history.trend import FALSE_CHANGE, MeasureTrend, left_out, trend

from tests.records.history.kept import kept, recovery

SERIES = 200
"""Series of releases for a rate; the limits leave four standard deviations."""


def runs(middles: list[float], each: int, seed: int, spread: float = 0.2) -> list[KeptRun]:
    """`each` runs of every release, whose recoveries lie around its middle."""
    draw = random.Random(seed)
    values = [middle * exp(draw.gauss(0, spread)) for middle in middles for _ in range(each)]
    return [
        kept(number, release=f"v{number // each}", measures=(recovery(value, value - 1, value + 1),))
        for number, value in enumerate(values)
    ]


def only(found: tuple[MeasureTrend, ...]) -> MeasureTrend:
    (measure,) = found
    return measure


def test_release_that_recovers_later_is_a_change_for_the_worse() -> None:
    found = only(trend(runs([60] * 6 + [120] * 6, 3, seed=1)))
    (change,) = found.changes
    assert (change.release, change.is_worse) == ("v6", True)
    assert change.low < 2 < change.high


def test_release_that_recovers_sooner_is_a_change_for_the_better() -> None:
    (change,) = only(trend(runs([120] * 6 + [60] * 6, 3, seed=2))).changes
    assert (change.release, change.is_worse) == ("v6", False)


def test_two_changes_are_mostly_both_found_and_nothing_else() -> None:
    wanted = [("v6", True), ("v12", False)]
    found = [only(trend(runs([60] * 6 + [180] * 6 + [60] * 6, 4, seed))).changes for seed in range(50)]
    assert sum([(change.release, change.is_worse) for change in each] == wanted for each in found) >= 44


def test_one_run_a_release_is_enough_where_the_change_is_large() -> None:
    (change,) = only(trend(runs([60] * 8 + [240] * 8, 1, seed=4))).changes
    assert change.release == "v8"


def test_runs_that_are_alike_show_a_change_as_often_as_allowed() -> None:
    found = sum(bool(only(trend(runs([60] * 10, 2, seed))).changes) for seed in range(SERIES))
    limit = SERIES * FALSE_CHANGE + 4 * (SERIES * FALSE_CHANGE * (1 - FALSE_CHANGE)) ** 0.5
    assert found <= limit


def test_change_of_a_third_is_mostly_found() -> None:
    found = sum(bool(only(trend(runs([60] * 8 + [85] * 8, 3, seed))).changes) for seed in range(SERIES))
    assert found >= 0.9 * SERIES


def test_releases_stand_in_the_order_of_their_first_runs() -> None:
    found = only(trend(reversed(runs([60, 60, 60], 2, seed=5))))
    assert [each.release for each in found.releases] == ["v0", "v1", "v2"]
    assert [each.runs for each in found.releases] == [2, 2, 2]


def test_release_has_the_middle_and_the_interval_of_its_runs() -> None:
    pair = [kept(n, release="v1", measures=(recovery(v, v - 5, v + 5),)) for n, v in ((1, 20.0), (2, 80.0))]
    (release,) = only(trend(pair)).releases
    assert release.middle == pytest.approx(40)
    assert (release.low, release.high, release.is_least) == (15.0, 85.0, False)


def test_run_that_was_not_back_counts_as_at_least_its_time() -> None:
    pair = [kept(1, measures=(recovery(60.0, 58.0, 62.0),)), kept(2, measures=(recovery(None, 300.0),))]
    (release,) = only(trend(pair)).releases
    assert (release.is_least, release.high) == (True, None)
    assert release.middle > 60


def test_twin_and_account_are_not_mixed() -> None:
    pair = [kept(1, measures=(recovery(60.0),)), kept(2, place="aws", measures=(recovery(90.0),))]
    assert [each.place for each in trend(pair)] == ["twin", "aws"]


def test_same_plan_on_the_twin_is_one_observation() -> None:
    same = [kept(number, plan="same", measures=(recovery(60.0),)) for number in range(5)]
    assert only(trend(same)).releases[0].runs == 1
    assert left_out(same) == 4
    assert left_out([kept(1, plan="same", place="aws"), kept(2, plan="same", place="aws")]) == 0


def test_run_without_a_measure_has_no_trend() -> None:
    assert trend([kept(1, measures=())]) == ()
    assert trend([]) == ()


def test_loss_below_zero_has_a_middle() -> None:
    from gameday.records.history.kept_run import KeptMeasure

    rows = [KeptMeasure("loss", "orders", None, value, value - 5, value + 5, 1.0) for value in (-4.0, 6.0)]
    found = only(trend([kept(number, measures=(row,)) for number, row in enumerate(rows)]))
    assert found.releases[0].middle == 1.0
