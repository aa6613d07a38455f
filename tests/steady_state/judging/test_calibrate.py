from __future__ import annotations

import numpy as np
import pytest

from tests.calibrate.anchors import ALARMS, back, burn, first, higher
from tests.calibrate.jobs import QUICK, jobs
from tests.calibrate.row import at_most, covers, lower, upper

SLOW = (
    "twin",
    "false aborts, s",
    "delay, unknown onset, 0",
    "delay, at injection, 0",
    "isolation, s",
    "isolation, w",
    "isolation, time",
    "loss",
    "regression",
    "unseen guard, failovers",
    "unseen guard, power",
    "unseen guard, wandering",
)
SHALLOW = (", 0.1, ", ", 0.05, ")
QUICKLY = [job for job in jobs() if not job.name.startswith(SLOW) and not any(depth in job.name for depth in SHALLOW)]
"""The jobs without those that take seconds even in a hundredth of their size; `make calibrate` runs them all."""


@pytest.mark.parametrize("job", QUICKLY, ids=lambda job: job.name)
def test_a_hundredth_of_the_calibration_misses_no_goal(job) -> None:
    rows = job.fill(QUICK)
    assert rows
    assert [row for row in rows if row.passed is False] == []


def test_every_job_has_its_own_name() -> None:
    names = [job.name for job in jobs()]
    assert len(set(names)) == len(names)


def test_limits_of_a_probability_are_exact() -> None:
    assert upper(0, 50_000) == pytest.approx(6e-5, rel=0.01)  # the rule of three
    assert upper(3, 10) == pytest.approx(0.6066, abs=1e-4)
    assert lower(3, 10) == pytest.approx(0.0873, abs=1e-4)
    assert (lower(0, 10), upper(10, 10)) == (0, 1)


@pytest.mark.parametrize(("events", "passed"), [(0, True), (1, True), (2, False)])
def test_a_false_abort_too_many_is_a_miss(events: int, passed: bool) -> None:
    assert at_most("", 1e-4, events, 50_000).passed is passed


@pytest.mark.parametrize(("hits", "passed"), [(200, True), (185, True), (180, False)])
def test_an_interval_that_covers_too_rarely_is_a_miss(hits: int, passed: bool) -> None:
    assert covers("", 0.95, hits, 200).passed is passed


def seconds(bad: list[int], total: int = 50) -> tuple[np.ndarray, np.ndarray]:
    counted = np.array(bad)[:, None]
    return counted, np.full_like(counted, total)


def test_alarm_m_of_n_fires_and_ends_with_the_third_period() -> None:
    fired = ALARMS["CloudWatch 3 of 5 x 10s"](*seconds([0] * 60 + [1] * 40 + [0] * 60), 0)[:, 0]
    assert np.flatnonzero(fired).tolist() == list(range(89, 129))
    assert first(fired[:, None])[0] == 90


def test_burn_rate_both_windows_over_limit_fires() -> None:
    fired = burn(*seconds([0] * 100 + [50] * 100), 0, short=10, long=100)
    assert first(fired)[0] == 100 + 15  # the long window: 14.4% of 100 s are bad
    assert not burn(*seconds([0] * 100 + [5] * 500), 0).any()


def test_kayentas_rule_finds_only_points_higher_than_usual() -> None:
    usual, worse = np.arange(10.0)[:, None], np.arange(20.0, 30.0)[:, None]
    assert higher(usual, worse).all()
    assert not higher(usual, usual).any()
    assert not higher(usual[:1], worse[:1]).any()  # too few to tell


def test_back_alarm_still_firing_gives_infinity() -> None:
    counts = [0] * 60 + [50] * 60 + [0] * 60
    times = {name: back(*(part[:, 0] for part in seconds([*counts, *last])), 60) for name, last in LASTS.items()}
    assert times["calm"]["a threshold, 10s"] == 60
    assert times["again"]["a threshold, 10s"] == np.inf


LASTS = {"calm": [0] * 20, "again": [50] * 20}
