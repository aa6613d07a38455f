"""The ground truth: what really happened, second by second, to compare measurements with."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class SecondTally:
    """The counts of the current second, for a journey or a module.

    `tried` and `failed` are the caller's view: both count when the answer came or the caller gave up. `finished` and
    `broken` are the server's view: answers, and the errors among them, whether or not a caller still waited. A full
    queue's 503 is an answer; a throttle is not.
    """

    __slots__ = ("broken", "durations", "failed", "latencies", "throttled")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Reset all counts for the next second."""
        self.failed = self.throttled = self.broken = 0
        self.latencies: list[float] = []  # seconds of each request as its caller saw it
        self.durations: list[float] = []  # seconds of each request in the server

    def count(self, good: bool, seconds: float) -> None:
        """Count a request whose caller got an answer or gave up."""
        self.latencies.append(seconds)
        if not good:
            self.failed += 1

    def count_work(self, good: bool, seconds: float) -> None:
        """Count an answer of the server."""
        self.durations.append(seconds)
        if not good:
            self.broken += 1

    @property
    def tried(self) -> int:
        """The number of requests that ended for their callers."""
        return len(self.latencies)

    @property
    def finished(self) -> int:
        """The number of requests that the server answered."""
        return len(self.durations)


def _counts() -> array[int]:
    return array("L")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts of every complete second since `start`."""

    start: int  # seconds since the epoch
    tried: array[int] = field(default_factory=_counts)
    failed: array[int] = field(default_factory=_counts)
    throttled: array[int] = field(default_factory=_counts)
    finished: array[int] = field(default_factory=_counts)

    def add(self, tally: SecondTally) -> None:
        """Append one second."""
        self.tried.append(tally.tried)
        self.failed.append(tally.failed)
        self.throttled.append(tally.throttled)
        self.finished.append(tally.finished)


class Truth:
    """The outcomes of every journey and of every module."""

    def __init__(self, journeys: Iterable[str], modules: Iterable[str], start: int) -> None:
        self.journeys = {name: Outcomes(start) for name in journeys}
        self.modules = {name: Outcomes(start) for name in modules}

    def add(self, journeys: Mapping[str, SecondTally], modules: Mapping[str, SecondTally]) -> None:
        """Append a second of each journey and module."""
        for name, tally in journeys.items():
            self.journeys[name].add(tally)
        for name, tally in modules.items():
            self.modules[name].add(tally)

    def degraded(self, journey: str, bound: float) -> list[tuple[float, float]]:
        """Find the intervals [start, end) in which less than a share `bound` of a journey's customers succeeded.

        Only seconds in which answers came or customers gave up count. A second without either neither begins nor ends
        an interval, so a silent second during an outage is part of it.
        """
        outcomes, intervals, since, last = self.journeys[journey], [], None, 0
        for second, (tried, failed) in enumerate(zip(outcomes.tried, outcomes.failed, strict=True), outcomes.start):
            if not tried:
                continue
            if tried - failed < bound * tried - 1e-9:  # 0.55 · 100 is more than 55 in floats
                since, last = second if since is None else since, second
            elif since is not None:
                intervals.append((float(since), float(last + 1)))
                since = None
        return [*intervals, *([(float(since), float(last + 1))] if since is not None else [])]
