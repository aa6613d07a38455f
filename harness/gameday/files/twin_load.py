"""How much the twin would have to play: an estimate from the files alone, before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gameday.steady_state.kpi.units import exact_duration, exact_rate

if TYPE_CHECKING:
    from gameday.files.experiment import Experiment
    from gameday.files.twin_file import CallTo, TwinFile
    from gameday.files.workload import Workload

MOST_STEPS = 20_000_000
"""Steps that the twin plays, in one to three minutes (tests/benchmarks/bench_traffic.py)."""
MOST_INSTANCES = 2_000
"""Instances of a twin. moto compares each launch with all others: 1,000 take 8 s, 2,000 half a minute."""


@dataclass(frozen=True)
class TwinLoad:
    """The steps of so many seconds of virtual time, without what faults add."""

    requests: float  # of customers, and the calls that these make
    checks: float  # of load balancers
    samples: float  # each second of a module, journey or metric, and each bin of a KPI

    @property
    def steps(self) -> float:
        """All of them."""
        return self.requests + self.checks + self.samples

    @property
    def words(self) -> str:
        """The three parts in words."""
        return f"{self.requests:,.0f} requests, {self.checks:,.0f} health checks and {self.samples:,.0f} samples"


def load_of(twin: TwinFile, seconds: float, workload: Workload | None = None) -> TwinLoad:
    """Estimate the load of so many seconds of virtual time; with a workload, the bins of its KPIs too."""
    published = len(twin.modules) + len(twin.customers.journeys) + len(twin.metrics)
    bins = sum(1 / kpi.interval for kpi in workload.kpis.values()) if workload else 0.0
    each = sum(journey.share * _visits(twin, journey.enters, name) for name, journey in twin.customers.journeys.items())
    return TwinLoad(
        requests=seconds * twin.customers.rate * each,
        checks=seconds * instances_of(twin) / twin.health_check.interval,
        samples=seconds * (published + bins),
    )


def load_of_run(twin: TwinFile, experiment: Experiment, workload: Workload) -> tuple[TwinLoad, float]:
    """Estimate the load of a whole run, and its length: warm-up, baseline, faults, and the time after them."""
    recovery = experiment.recovery
    after = max(experiment.baseline, recovery.sustained if recovery else 0.0)
    after += recovery.within if recovery and recovery.from_ == "undo" else 0.0
    seconds = twin.warm_up + experiment.baseline + experiment.lasts + after
    return load_of(twin, seconds, workload), seconds


def instances_of(twin: TwinFile) -> int:
    """Return the number of instances in all zones."""
    instances = [module.instances for module in twin.modules.values() if module.instances]
    return sum(each.each_zone * len(each.zones or twin.zones) for each in instances)


def too_much(load: TwinLoad, twin: TwinFile, seconds: float, what: str) -> str:
    """Say that a load is more than the twin plays."""
    return (
        f"{what} is about {load.steps:,.0f} steps, more than the {MOST_STEPS:,} that the twin plays: {load.words} "
        f"in {exact_duration(seconds)} at {exact_rate(twin.customers.rate)}"
    )


def cycle_of(twin: TwinFile) -> tuple[str, ...]:
    """Return modules that call each other in a circle on one journey, the first one also at the end; empty if none."""
    circles = (_circle(twin, journey.enters, name) for name, journey in twin.customers.journeys.items())
    return next((circle for circle in circles if circle), ())


def _circle(twin: TwinFile, enters: str, journey: str) -> tuple[str, ...]:
    done: set[str] = set()
    way: list[str] = []
    branches = [iter((enters,))]
    while branches:
        name = next(branches[-1], None)
        if name is None:
            branches.pop()
            if way:
                done.add(way.pop())
        elif name in way:
            return (*way[way.index(name) :], name)
        elif name not in done:
            way.append(name)
            branches.append(iter([call.to for call in _calls(twin, name, journey)]))
    return ()


def _calls(twin: TwinFile, name: str, journey: str) -> list[CallTo]:
    return [call for call in twin.modules[name].calls if not call.only or journey in call.only]


def _visits(twin: TwinFile, enters: str, journey: str) -> float:
    """Return the requests that one customer of a journey causes, with the retries after errors of their own."""
    known: dict[str, tuple[float, float]] = {}  # module → requests, chance of failure
    waiting = [enters]
    while waiting:
        name = waiting[-1]
        calls = _calls(twin, name, journey)
        missing = [call.to for call in calls if call.to not in known]
        if missing:
            waiting += missing
            continue
        known[waiting.pop()] = _one_visit(twin.modules[name].errors, calls, known)
    return known[enters][0]


def _one_visit(errors: float, calls: list[CallTo], known: dict[str, tuple[float, float]]) -> tuple[float, float]:
    requests, good = 1.0, 1.0 - errors
    for call in calls:
        below, fails = known[call.to]
        attempts = call.retries + 1 if fails == 1 else (1 - fails ** (call.retries + 1)) / (1 - fails)
        requests += good * attempts * below
        good *= 1.0 if call.fallback else 1 - fails ** (call.retries + 1)
    return requests, 1.0 - good
