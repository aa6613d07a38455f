"""A source that waits by itself holds neither the run nor its undo."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from gameday.run.bounded_source import BoundedSource
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading

from tests.waiting import until


class Waiting:
    """A source whose reads wait until they are released."""

    def __init__(self) -> None:
        self.began, self.released = threading.Event(), threading.Event()
        self.reads = 0

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        self.reads += 1
        self.began.set()
        self.released.wait()
        return Reading({}, ("read",))


def test_read_is_left_behind_when_the_undo_waits() -> None:
    source = Waiting()
    bounded = BoundedSource(source, source.began.is_set)
    assert bounded.read({}, 0.0, 1.0).remarks != ("read",)
    assert bounded.read({}, 0.0, 1.0) == Reading({}, ())
    assert source.reads == 1, "no second read beside one that is under way"
    source.released.set()
    until(lambda: bounded.read({}, 0.0, 1.0).remarks == ("read",))


def test_answer_in_time_is_the_sources_own() -> None:
    source = Waiting()
    source.released.set()
    assert BoundedSource(source, lambda: False).read({}, 0.0, 1.0).remarks == ("read",)
