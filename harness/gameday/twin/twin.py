"""The twin: an AWS account inside the process, with a workload, its customers and virtual time."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gameday.aws.client import Aws
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.controllers import Controllers
from gameday.twin.moto.isolation import Enclosure
from gameday.twin.moto.seal import Seal, sealed_session
from gameday.twin.state import WorldState
from gameday.twin.timetable import Timetable
from gameday.twin.traffic.customers import Traffic
from gameday.twin.traffic.publish import aws_metrics, user_metrics

if TYPE_CHECKING:
    from gameday.twin.traffic.ground_truth import Truth

log = logging.getLogger("gameday.twin")

START = 1767225600.0
"""When every twin begins: 2026-01-01T00:00:00Z, in seconds since the epoch."""


class TwinClock:
    """Virtual time: sleeping advances the twin."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._twin.now

    def sleep(self, seconds: float) -> None:
        """Advance the twin by `seconds`."""
        self._twin.live(seconds)


class Twin:
    """Simulate a workload's account, as a context manager that provides `aws`, `session` and `clock`.

    A process runs one twin at a time. The same files, seed and calls give the same answers. Entering raises
    InvalidInput where another twin is running, or where the files ask for what no account could have.
    """

    def __init__(self, workload: Workload, twin: TwinFile, seed: int = 0, region: str | None = None) -> None:
        self.region = region or workload.regions[0]
        self.clock = TwinClock(self)
        self.store = MetricStore()
        self._twin = twin
        self._seed = seed
        self._time = Timetable(START)
        self._enclosure = Enclosure(workload.account, seed, lambda: self._time.now)
        self._seal = Seal(self._enclosure)
        self._controllers = Controllers(self._enclosure, workload, twin, self.region, self._time, self.store)
        self._state = WorldState({})

    @property
    def aws(self) -> Aws:
        """The account as the harness uses it: read-only until `Aws.allowing` narrows it to a plan."""
        return sealed_session().aws

    @cached_property
    def session(self) -> Any:
        """The account as a botocore session, for boto3: `boto3.Session(botocore_session=twin.session)`."""
        return self._seal.another_session().session

    def client(self, service: str, region: str | None = None) -> Any:
        """Make a client of this account, like `boto3.client`."""
        return self.session.create_client(service, region_name=region or self.region)

    @property
    def principal(self) -> str:
        """The caller's ARN."""
        return self._controllers.principal

    @property
    def now(self) -> float:
        """Virtual time in seconds since the epoch."""
        return self._time.now

    @property
    def state(self) -> WorldState:
        """What the account's state means for traffic."""
        self._take_over()
        return self._state

    @property
    def truth(self) -> Truth:
        """What really happened to customers."""
        return self._traffic.truth

    def __enter__(self) -> Self:
        try:
            with _without_collector():
                self._seal.open()
                world = self._controllers.populate(self.aws)
            self._seal.keeper = self._controllers
            publications = (*user_metrics(self._twin), *aws_metrics(self._twin, world.dimensions))
            self._traffic = Traffic(self._twin, self._seed, START, self.store, publications)
            self._controllers.targets.responds = self._traffic.responds
            self.live(self._twin.warm_up)
            log.debug("world in %s with seed %d", self.region, self._seed)
        except BaseException:
            self._seal.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seal.close()

    def live(self, seconds: float) -> None:
        """Advance virtual time by `seconds`: customers send requests, and AWS's controllers act."""
        until = self._time.now + max(0.0, seconds)
        self._take_over()
        while self._time.next <= until:
            self._traffic.advance(self._time.next)
            self._time.now = self._time.next
            with self._enclosure.inside():
                self._time.run_due()
            self._take_over()
        self._traffic.advance(until)
        self._time.now = until

    def _take_over(self) -> None:
        """Pass the account's current state to traffic."""
        if self._controllers.touched:
            state = self._controllers.survey()
            if state != self._state:
                log.debug("the account's state changed at %.0f", self._time.now)
                self._state = state
                self._traffic.apply(state)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Disable the garbage collector while moto loads: it creates a million objects that are never freed."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        _freeze_once()
    finally:
        if enabled:
            gc.enable()


@cache
def _freeze_once() -> None:
    gc.freeze()
