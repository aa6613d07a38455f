"""Lines that show that a command on the twin still works."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from gameday.report.still_working import EVERY, FIRST, StillWorking
from gameday.steady_state.clock import TestClock

from tests.report.sample import held


def waits(asked: list[float], lines: int) -> Callable[[float], bool]:
    """A wait that is over at once; the work ends after so many lines."""

    def wait(seconds: float) -> bool:
        asked.append(seconds)
        return len(asked) > lines

    return wait


def test_first_line_comes_early_and_later_ones_seldom() -> None:
    stream, asked = io.StringIO(), list[float]()
    StillWorking(stream, lambda: "2 of 7 rows played").work(waits(asked, 2))
    assert asked == [FIRST, EVERY, EVERY]
    assert FIRST <= 2
    assert stream.getvalue().count("2 of 7 rows played\n") == 2


def test_command_that_ends_at_once_writes_nothing() -> None:
    stream = io.StringIO()
    with StillWorking(stream):
        pass
    assert stream.getvalue() == ""


def test_line_shows_how_far_the_twin_is() -> None:
    stream, clock = io.StringIO(), TestClock(1000.0)
    working = StillWorking(stream)
    working.watch(clock)
    working.work(waits([], 1))
    clock.sleep(95.0)
    working.work(waits([], 1))
    built, played = stream.getvalue().splitlines()
    assert built.endswith("the twin is being built")
    assert played.endswith("the twin is at 1:35 of its own time")


@pytest.mark.parametrize(("pauses", "lines"), [(True, 0), (False, 1)])
def test_live_display_of_a_run_makes_the_lines_pause(pauses: bool, lines: int) -> None:
    stream = io.StringIO()
    working = StillWorking(stream, pauses=pauses)
    working.begin(held().plan, "r")
    working.work(waits([], 1))
    assert stream.getvalue().count("\n") == lines
    working.close()
    working.work(waits([], 1))
    assert stream.getvalue().count("\n") == lines + 1


def test_closed_stream_ends_the_lines() -> None:
    stream, asked = io.StringIO(), list[float]()
    stream.close()
    StillWorking(stream).work(waits(asked, 5))
    assert asked == [FIRST]
