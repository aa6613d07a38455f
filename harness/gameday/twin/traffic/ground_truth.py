"""What really happened, second by second: the ground truth that measurements are compared with."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class SecondTally:
    """The counts of the current second, of a journey or of a module.

    `tried` and `failed` are the caller's view: both are counted at the instant when the answer came or the caller
    gave up. `finished` and `broken` are the server's view: answers given (a full queue's 503 too, a throttle not), and
    how many of them were errors, whether or not somebody still waited.
    """

    __slots__ = ("broken", "durations", "failed", "latencies", "throttled")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin the next second."""
        self.failed = self.throttled = self.broken = 0
        self.latencies: list[float] = []  # seconds of each request as its caller saw it
        self.durations: list[float] = []  # seconds of each request in the server

    def count(self, good: bool, seconds: float) -> None:
        """A caller got his answer, or gave up."""
        self.latencies.append(seconds)
        if not good:
            self.failed += 1

    def count_work(self, good: bool, seconds: float) -> None:
        """The server gave an answer."""
        self.durations.append(seconds)
        if not good:
            self.broken += 1

    @property
    def tried(self) -> int:
        """Requests that ended for their callers."""
        return len(self.latencies)

    @property
    def finished(self) -> int:
        """Requests that the server answered."""
        return len(self.durations)


def _counts() -> array[int]:
    return array("L")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts per second since `start`, one entry for every complete second."""

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
        """Append one second of each."""
        for name, tally in journeys.items():
            self.journeys[name].add(tally)
        for name, tally in modules.items():
            self.modules[name].add(tally)

    def degraded(self, journey: str, bound: float) -> list[tuple[float, float]]:
        """The stretches [start, end) in which fewer than `bound` of a journey's customers got what they asked for.

        From the true counts of each second in which answers came (or customers gave up). A second without any ends
        nothing and begins nothing: silence in the midst of an outage is part of it.
        """
        outcomes, found, since, last = self.journeys[journey], [], None, 0
        for second, (tried, failed) in enumerate(zip(outcomes.tried, outcomes.failed, strict=True), outcomes.start):
            if not tried:
                continue
            if tried - failed < bound * tried - 1e-9:  # 0.55 · 100 is more than 55 in floats
                since, last = second if since is None else since, second
            elif since is not None:
                found.append((float(since), float(last + 1)))
                since = None
        return [*found, *([(float(since), float(last + 1))] if since is not None else [])]
