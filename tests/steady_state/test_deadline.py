"""Nobody waits for an act longer than its deadline, nor when they are wanted elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from gameday.steady_state.deadline import IsAwaited, within

from tests.waiting import until

LONG = 3600.0


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What an act that hangs waits for; it is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_outcomes_come_in_the_order_of_the_acts() -> None:
    outcomes = within(LONG, [lambda _, n=n: n for n in range(20)], at_once=3)  # type: ignore[misc]
    assert [outcome.result() for outcome in outcomes] == list(range(20))


def test_error_of_an_act_is_its_outcome() -> None:
    def fails(_: IsAwaited) -> int:
        raise KeyError("x")

    outcomes = within(LONG, [fails, lambda _: 1])
    assert isinstance(outcomes[0].exception(), KeyError)
    assert outcomes[1].result() == 1


def test_act_past_its_deadline_is_left_behind(released: threading.Event) -> None:
    asked: list[IsAwaited] = []

    def hangs(is_awaited: IsAwaited) -> int:
        asked.append(is_awaited)
        released.wait()
        return 1

    outcomes = within(0.05, [hangs, lambda _: 2, lambda _: 3], at_once=1)
    assert [outcome.done() for outcome in outcomes] == [False, True, True]
    assert asked[0]() is False
    released.set()


def test_caller_that_is_wanted_elsewhere_leaves_all_acts(released: threading.Event) -> None:
    began: list[int] = []

    def hangs(_: IsAwaited) -> bool:
        began.append(1)
        return released.wait()

    outcomes = within(LONG, [hangs] * 5, at_once=2, hurries=lambda: bool(began))
    assert not any(outcome.done() for outcome in outcomes)
    released.set()
    until(lambda: not any(thread.name == "answer" for thread in threading.enumerate()))
    assert len(began) <= 4, "acts that had not begun never begin"


def test_late_outcome_does_not_show(released: threading.Event) -> None:
    (outcome,) = within(0.01, [lambda _: released.wait()])
    released.set()
    until(lambda: not any(thread.name == "answer" for thread in threading.enumerate()))
    assert not outcome.done()
