"""Whether the faults work: their effect, read from the account until it shows or its time is up."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.change import Json, Probe
from gameday.change.placeholders import bind
from gameday.engine import probes
from gameday.errors import AwsError
from gameday.events import NoEffect, TookEffect
from gameday.plan.plan import Plan
from gameday.steady_state.clock import Clock

log = logging.getLogger("gameday.run")

BEFORE = 600.0
"""Seconds before the injection with which what a metric counts is compared: more than it takes to see how it comes in
bursts, and not so long that they reach back into the run before (its time after, then this one's baseline)."""

FALSE_EFFECT = 1e-4
"""The chance that metrics which merely go on as before are taken for an effect, in all looks of a run together.

As rare as
a guard fires falsely by default (`budget.false_abort`), since either ruins a run."""


class EffectWatch:
    """The effects of a plan's faults; `begin` is called just before the injection, to know what was."""

    def __init__(self, plan: Plan, run: str, account: Account, clock: Clock) -> None:
        self._plan, self._run, self._account, self._clock = plan, run, account, clock
        metrics = sum(
            probe.excess is not None for planned_fault in plan.planned_faults for probe in planned_fault.effect.probes
        )
        self._chance = FALSE_EFFECT / max(1, metrics)
        self._was: list[list[Json]] = []
        self._waiting = dict(enumerate(plan.planned_faults))
        self._took_effect: list[float] = []
        self._unread: dict[int, AwsError] = {}  # by fault: what the last look failed with

    def begin(self) -> None:
        """Read what effects are compared with. Raises AwsError."""
        self._was = [[self._value(probe) for probe in fault.effect.probes] for fault in self._plan.planned_faults]

    @property
    def are_awaited(self) -> bool:
        """Whether some fault has neither taken effect nor run out of time."""
        return bool(self._waiting)

    @property
    def since(self) -> float | None:
        """When the last fault took effect, in seconds since the epoch; None unless all have."""
        return max(self._took_effect) if len(self._took_effect) == len(self._plan.planned_faults) else None

    def look(self, injected: float) -> Iterator[TookEffect | NoEffect]:
        """Look once for every effect that is awaited; `injected` is when the faults went in."""
        for index, planned_fault in list(self._waiting.items()):
            now = self._clock.now()
            about = self._sign(index, injected)
            if about:
                self._took_effect.append(now)
                yield TookEffect(now, index, about)
            elif now - injected >= planned_fault.effect.deadline:
                yield self._no_effect(index, now)
            else:
                continue
            del self._waiting[index]

    def _no_effect(self, index: int, now: float) -> NoEffect:
        fault, error = self._plan.planned_faults[index], self._unread.get(index)
        about = f"{fault.label}: no sign that {fault.effect.about}"
        if error is None:
            return NoEffect(now, index, about)
        return NoEffect(now, index, f"{about}; what would show it could not be read: {error.what}", error.code)

    def _sign(self, index: int, injected: float) -> str | None:
        """What shows that a fault works; None while nothing does. A probe that cannot be read shows nothing."""
        self._unread.pop(index, None)
        for probe, was in zip(self._plan.planned_faults[index].effect.probes, self._was[index], strict=True):
            try:
                answer = self._read(probe, injected)
            except AwsError as error:
                self._unread[index] = error
                log.debug("the effect of fault %d could not be read: %s", index, error.what)
                continue
            if self._says_yes(probe, answer, was, injected):
                return probe.about
        return None

    def _says_yes(self, probe: Probe, answer: Json, was: Json, injected: float) -> bool:
        if probe.excess:
            return probes.exceeds(probe.excess, answer, injected, self._chance)
        return probe.says_yes(answer, was)

    def _value(self, probe: Probe) -> Json:
        """What a probe says of the time before. Metrics come late: they are read again with what comes after."""
        if not (probe.value or probe.excess):
            return None
        return probe.value_in(self._read(probe, self._clock.now()))

    def _read(self, probe: Probe, since: float) -> Json:
        call = bind(probe.call, {"since": since, "before": since - BEFORE, "now": self._clock.now(), "run": self._run})
        return self._account.pages(call, self._plan.region)
