"""Whether the faults work: read their effects from the account until they show or their time is up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping

from gameday.aws.account import Account
from gameday.change import Json, Probe
from gameday.change.placeholders import bind
from gameday.engine import probes
from gameday.errors import AwsError, in_words
from gameday.events import NoEffect, TookEffect
from gameday.plan.plan import Plan
from gameday.steady_state.clock import Clock
from gameday.steady_state.samples import Series

log = logging.getLogger("gameday.run")

BEFORE = 600.0
"""Seconds before the injection with which a metric's counts are compared.

That is long enough to show bursts, and short enough not to reach back into the run before.
"""

FALSE_EFFECT = 1e-4
"""The probability that a run takes unchanged metrics for an effect, over all its reads together.

It equals the default probability of a false abort (`budget.false_abort`), since either spoils a run.
"""


class EffectWatch:
    """Watch the effects of a plan's faults.

    Call `begin` just before an injection, to read the values of before, and `expect` when it begins.
    """

    def __init__(self, plan: Plan, run: str, account: Account, clock: Clock) -> None:
        self._plan, self._run, self._account, self._clock = plan, run, account, clock
        metrics = sum(
            probe.excess is not None for planned_fault in plan.planned_faults for probe in planned_fault.effect.probes
        )
        self._chance = FALSE_EFFECT / max(1, metrics)
        self._was: dict[int, list[Json]] = {}  # by fault
        self._waiting: dict[int, float] = {}  # by fault: when its injection began
        self.took_effect: dict[int, float] = {}
        """When each fault took effect, in seconds since the epoch."""
        self.missed: set[int] = set()
        """The faults that showed no effect in time."""
        self._unread: dict[int, Exception] = {}  # by fault: the error of the last read
        self._unseen: dict[int, list[str]] = {}  # by fault: what the last reads did not show
        self._shown_by_kpi: set[str] = set()

    def begin(self, faults: Iterable[int] | None = None) -> None:
        """Read the values with which the effects of some faults, or of all, are compared. Raises AwsError."""
        for index in range(len(self._plan.planned_faults)) if faults is None else faults:
            self._was[index] = [self._value(probe) for probe in self._plan.planned_faults[index].effect.probes]

    def expect(self, fault: int, injected: float) -> None:
        """Await the effect of a fault from now on; `injected` is when its injection began."""
        self._waiting[fault] = injected

    @property
    def are_awaited(self) -> bool:
        """Whether some fault has neither taken effect nor run out of time."""
        return bool(self._waiting)

    @property
    def since(self) -> float | None:
        """When the last fault of those that begin first took effect, in seconds since the epoch.

        None until all of them have, and where any fault showed no effect.
        """
        first = [index for index, planned_fault in enumerate(self._plan.planned_faults) if not planned_fault.at]
        if self.missed or not self.took_effect.keys() >= set(first):
            return None
        return max(self.took_effect[index] for index in first)

    def look(self, series: Mapping[str, Series]) -> Iterator[TookEffect | NoEffect]:
        """Read every awaited effect once; `series`: all samples so far."""
        for index, injected in list(self._waiting.items()):
            now = self._clock.now()
            about = self._sign(index, injected, series)
            if about:
                self.took_effect[index] = now
                yield TookEffect(now, index, about)
            elif now - injected >= self._plan.planned_faults[index].effect.deadline:
                yield self._no_effect(index, now)
            else:
                continue
            self._waiting.pop(index, None)

    def give_up(self) -> Iterator[NoEffect]:
        """End the time of every effect that is still awaited."""
        for index in list(self._waiting):
            yield self._no_effect(index, self._clock.now())

    def _no_effect(self, index: int, now: float) -> NoEffect:
        self.missed.add(index)
        self._waiting.pop(index, None)
        fault, error = self._plan.planned_faults[index], self._unread.get(index)
        unseen = ", ".join(dict.fromkeys(self._unseen.get(index, ())))
        about = f"{fault.label}: no read showed that {fault.effect.about}{f' (not seen: {unseen})' if unseen else ''}"
        if error is None:
            return NoEffect(now, index, about)
        code = error.code if isinstance(error, AwsError) else type(error).__name__
        return NoEffect(now, index, f"{about}; the last read failed: {in_words(error)}", code)

    def _sign(self, index: int, injected: float, series: Mapping[str, Series]) -> str | None:
        """Return what shows that a fault works on all that it hits, or None."""
        effect = self._plan.planned_faults[index].effect
        self._unread.pop(index, None)
        self._unseen[index] = []
        signs = [self._sign_of_probes(index, injected)] if effect.probes else []
        signs += [self._sign_of_kpi(index, effect.kpi, injected, series)] if effect.kpi else []
        return "; ".join(sign for sign in signs if sign) if signs and all(signs) else None

    def _sign_of_probes(self, index: int, injected: float) -> str | None:
        """Return what a probe shows, or all of those that cover hit resources. An unread probe shows nothing."""
        seen: list[str] = []
        for probe, was in zip(self._plan.planned_faults[index].effect.probes, self._was[index], strict=True):
            try:
                says_yes = self._says_yes(probe, self._read(probe, injected), was, injected)
            except Exception as error:  # noqa: BLE001 - an answer of any shape shows nothing, and the undo follows
                self._unread[index] = error
                log.debug("could not read the effect of fault %d: %s", index, in_words(error))
                says_yes = False
            if says_yes and not probe.covers:
                return probe.about
            if says_yes:
                seen.append(probe.about)
            else:
                self._unseen[index] += probe.covers
        return "; ".join(seen) if seen and not self._unseen[index] else None

    def _sign_of_kpi(self, index: int, kpi: str, injected: float, series: Mapping[str, Series]) -> str | None:
        """Return that the KPI has left its bound since the injection, with a chance of error of `FALSE_EFFECT`."""
        measured = self._plan.workload.kpis[kpi]
        if kpi not in self._shown_by_kpi:
            before = tuple(sample for sample in series.get(kpi, ()) if sample.end <= injected)
            deadline = self._plan.planned_faults[index].effect.deadline
            from gameday.steady_state.judging.guard import Guard

            guard = Guard({kpi: measured.bound}, {kpi: measured}, {kpi: before}, FALSE_EFFECT, injected, deadline)
            if guard.feed(kpi, series.get(kpi, ())):
                self._shown_by_kpi.add(kpi)
        if kpi in self._shown_by_kpi:
            return f"KPI {kpi} has left its bound: {measured.bound.words}"
        self._unseen[index].append(f"KPI {kpi} leaves its bound")
        return None

    def _says_yes(self, probe: Probe, answer: Json, was: Json, injected: float) -> bool:
        if probe.excess:
            return probes.exceeds(probe.excess, answer, injected, self._chance)
        return probe.says_yes(answer, was)

    def _value(self, probe: Probe) -> Json:
        """Return a probe's value of before. Metrics arrive late, so later reads cover the time before again."""
        if not (probe.value or probe.excess):
            return None
        return probe.value_in(self._read(probe, self._clock.now()))

    def _read(self, probe: Probe, since: float) -> Json:
        call = bind(probe.call, {"since": since, "before": since - BEFORE, "now": self._clock.now(), "run": self._run})
        return self._account.pages(call, self._plan.region)
