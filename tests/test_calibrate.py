from __future__ import annotations

import pytest

from tests.calibrate.__main__ import QUICK, jobs
from tests.calibrate.row import at_most, covers, lower, upper

SLOW = (
    "twin",
    "false aborts, s",
    "delay, unknown onset, 0",
    "delay, at injection, 0",
    "isolation, s",
    "isolation, w",
    "loss",
    "regression",
)
QUICKLY = [job for job in jobs() if not job.name.startswith(SLOW)]
"""What takes seconds even in a hundredth of its size is left to `make calibrate`."""


@pytest.mark.parametrize("job", QUICKLY, ids=lambda job: job.name)
def test_a_hundredth_of_the_calibration_misses_no_goal(job) -> None:
    rows = job.fill(QUICK)
    assert rows
    assert [row for row in rows if row.passed is False] == []


def test_every_job_has_its_own_name() -> None:
    names = [job.name for job in jobs()]
    assert len(set(names)) == len(names)


def test_the_limits_of_a_probability_are_the_exact_ones() -> None:
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
