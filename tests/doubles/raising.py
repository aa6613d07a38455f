"""A run whose every step may raise: reads of KPIs, calls, the journal, the clock, the guard, the judgement.

Each step has a number, in order of the run. A play raises an error of one kind at one step, or from that step on at
all steps of that name, and plays the other steps as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gameday.change import Call, Json
from gameday.errors import AwsError, JournalError, Refused
from gameday.events import Event, PhaseBegan
from gameday.run import ending
from gameday.run.context import RunContext
from gameday.run.loop import run
from gameday.steady_state.judging.guard import Guard
from gameday.testing.wrapper import Wrapped

from tests.doubles.play import Played, metrics_of, played

KINDS: dict[str, Callable[[], Exception]] = {
    "os": lambda: OSError(5, "Input/output error"),
    "value": lambda: ValueError("no such value"),
    "key": lambda: KeyError("Datapoints"),
    "memory": MemoryError,
    "aws": lambda: AwsError("cloudwatch", "get_metric_data", "InternalFailure", "by test"),
    "journal": lambda: JournalError("the journal cannot be written"),
}


@dataclass
class Steps:
    """The steps so far as (name, phase), and the one that raises."""

    at: int | None = None
    kind: str = "key"
    lasting: bool = False
    phase: str = ""
    taken: list[tuple[str, str]] = field(default_factory=list)

    def take(self, name: str) -> None:
        number = len(self.taken)
        self.taken.append((name, self.phase))
        if self.at is None or number < self.at:
            return
        if number == self.at or (self.lasting and name == self.taken[self.at][0]):
            raise KINDS[self.kind]()


class _Account(Wrapped):
    def __init__(self, account: Any, steps: Steps) -> None:
        super().__init__(account)
        self.steps = steps

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        self.steps.take(call.operation)
        return super().answer(call, region, paged)


class _Stepping:
    """Any object of whom some methods are steps."""

    def __init__(self, of: Any, steps: Steps, name: str, methods: tuple[str, ...]) -> None:
        self._of, self._steps, self._name, self._methods = of, steps, name, methods

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._of, method)
        if method not in self._methods:
            return found

        def step(*args: Any, **more: Any) -> Any:
            self._steps.take(f"{self._name}.{method}")
            return found(*args, **more)

        return step


JOURNAL = ("take", "entries", "intend", "answer", "settle", "is_ours", "must_be_sure")


@dataclass(frozen=True)
class Seen:
    """What a play came to."""

    events: list[Event]
    refused: Refused | None
    left: Json  # the concurrency that the fault sets, after the run
    steps: list[tuple[str, str]]
    open: int  # entries of the journal that are open


@contextmanager
def _stepping(steps: Steps) -> Iterator[None]:
    def before(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **more: Any) -> Any:
            steps.take(name)
            return of(*args, **more)

        return step

    with (
        patch.object(Guard, "feed", before("guard.feed", Guard.feed)),
        patch.object(Guard, "blind", before("guard.blind", Guard.blind)),
        patch.object(ending, "judge", before("judge", ending.judge)),
    ):
        yield


def play(folder: Path, steps: Steps) -> Seen:
    """Play a short run on the storefront's twin, with a guard and a stop alarm."""
    guard = {"orders": {"at_least": "1%"}}
    with played(folder, guard=guard, stop_when=["orders-failing"]) as on, _stepping(steps):
        events: list[Event] = []
        refused = None
        try:
            for event in run(on.plan, _stage(on, steps)):
                events.append(event)
                steps.phase = event.phase if isinstance(event, PhaseBegan) else steps.phase
        except Refused as refusal:
            refused = refusal
        read = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": "recommendations"})
        left = on.twin.aws.call(read, "us-east-1").get("ReservedConcurrentExecutions")
        open_ = sum(entry.is_open for entry in on.journal.entries("test-run"))
    return Seen(events, refused, left, steps.taken, open_)


def _stage(on: Played, steps: Steps) -> RunContext:
    journal: Any = _Stepping(on.journal, steps, "journal", JOURNAL)
    clock: Any = _Stepping(on.twin.clock, steps, "clock", ("sleep",))
    source: Any = _Stepping(metrics_of(on.twin.aws), steps, "source", ("read",))
    return RunContext("test-run", _Account(on.account, steps), clock, source, journal, stop=on.stop)
