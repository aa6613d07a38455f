"""Whether the faults work: their effect, read from the account until it shows or its time is up."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.change import Json, Probe
from gameday.engine import probes
from gameday.engine.placeholders import bind
from gameday.errors import AwsError, Refused
from gameday.events import Bitten, DidNotBite
from gameday.plan.plan import Plan
from gameday.steady_state.clock import Clock

BEFORE = 600.0
"""Seconds before the injection with which what a metric counts is compared: more than it takes to see how it comes in
bursts, and not so long that they reach back into the run before (its time after, then this one's baseline)."""

FALSE_BITE = 1e-4
"""The chance that metrics which merely go on as before are taken for a bite, in all looks of a run together: as rare as
a guard fires falsely by default (`budget.false_abort`), since either ruins a run."""


class Bites:
    """The bites of a plan's faults; made just before the injection, to know what was; raises Refused else."""

    def __init__(self, plan: Plan, run: str, account: Account, clock: Clock) -> None:
        self._plan, self._run, self._account, self._clock = plan, run, account, clock
        metrics = sum(probe.excess is not None for injection in plan.injections for probe in injection.bite.probes)
        self._chance = FALSE_BITE / max(1, metrics)
        self._was = [[self._value(probe) for probe in injection.bite.probes] for injection in plan.injections]
        self._waiting = dict(enumerate(plan.injections))
        self._bitten: list[float] = []

    @property
    def are_awaited(self) -> bool:
        """Whether some fault has neither bitten nor run out of time."""
        return bool(self._waiting)

    @property
    def since(self) -> float | None:
        """When the last fault bit, in seconds since the epoch; None unless all have."""
        return max(self._bitten) if len(self._bitten) == len(self._plan.injections) else None

    def look(self, injected: float) -> Iterator[Bitten | DidNotBite]:
        """Look once for every bite that is awaited; `injected` is when the faults went in."""
        for index, injection in list(self._waiting.items()):
            now = self._clock.now()
            about = self._sign(index, injected)
            if about:
                self._bitten.append(now)
                yield Bitten(now, index, about)
            elif now - injected >= injection.bite.deadline:
                yield DidNotBite(now, index, f"{injection.label}: no sign that {injection.bite.about}")
            else:
                continue
            del self._waiting[index]

    def _sign(self, index: int, injected: float) -> str | None:
        """What shows that a fault works; None while nothing does. A probe that cannot be read shows nothing."""
        for probe, was in zip(self._plan.injections[index].bite.probes, self._was[index], strict=True):
            try:
                answer = self._read(probe, injected)
            except AwsError:
                continue
            if self._says_yes(probe, answer, was, injected):
                return probe.about
        return None

    def _says_yes(self, probe: Probe, answer: Json, was: Json, injected: float) -> bool:
        if probe.excess:
            return probes.exceeds(probe.excess, answer, injected, self._chance)
        return probes.holds(probe, answer, was)

    def _value(self, probe: Probe) -> Json:
        """What a probe says of the time before. Metrics come late: they are read again with what comes after."""
        if not (probe.value or probe.excess):
            return None
        try:
            return probes.value(probe, self._read(probe, self._clock.now()))
        except AwsError as error:
            raise Refused((f"what would show the bite cannot be read: {error.what}",), error.remedy) from error

    def _read(self, probe: Probe, since: float) -> Json:
        call = bind(probe.call, {"since": since, "before": since - BEFORE, "now": self._clock.now(), "run": self._run})
        return self._account.pages(call, self._plan.region)
