"""The guards that need the baseline: the last ones before the injection, in order.

The first guard that refuses ends the run, and the later ones read nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gameday.events import Aborted
from gameday.plan.guards.guard import InjectionGuard, Objection
from gameday.run.baseline import BaselineCheck
from gameday.run.detection import Detector
from gameday.run.effect import EffectWatch
from gameday.steady_state.samples import Series


@dataclass(frozen=True)
class BaselineContext:
    """A finished baseline, and what the run will watch from now on."""

    aborted: Aborted | None
    check: BaselineCheck
    series: Mapping[str, Series]
    before: tuple[float, float]  # from when to when the baseline was, in seconds since the epoch
    unread: tuple[str, ...]  # what KPI sources could not read, one line each
    detector: Detector
    effects: EffectWatch


def aborts(context: BaselineContext) -> Iterator[Objection]:
    """Refuse where a signal, `gameday halt`, a stop alarm or a lost lease came during the baseline."""
    if context.aborted:
        yield Objection(f"{context.aborted.about}, before the run injected anything")


def steady_state(context: BaselineContext) -> Iterator[Objection]:
    """Refuse where a claimed KPI has no data, is idle, or is not certainly steady."""
    reasons = context.check.unsteady(context.series, context.before)
    yield from _unhealthy(reasons, context)


def guard_bounds(context: BaselineContext) -> Iterator[Objection]:
    """Refuse where a guarded KPI has no data, or would have fired its guard while healthy."""
    reasons = context.check.unguardable(context.series)
    yield from _unhealthy(reasons, context)


def detector(context: BaselineContext) -> Iterable[Objection]:
    """Refuse where the alarm that must detect the fault fires already."""
    return context.detector.begin()


def effects(context: BaselineContext) -> Iterable[Objection]:
    """Refuse where Gameday cannot read the probes of an effect."""
    context.effects.begin()
    return ()


def _unhealthy(reasons: tuple[str, ...], context: BaselineContext) -> Iterator[Objection]:
    remedy = (
        "repair the source that the KPI reads"
        if context.unread
        else "check the workload first: an experiment on an unhealthy or idle workload shows nothing"
    )
    if reasons:
        yield from (Objection(line, remedy) for line in (*reasons, *context.unread))


BASELINE_GUARDS: tuple[InjectionGuard[BaselineContext], ...] = (
    InjectionGuard(aborts, refuses="GD-P40"),
    InjectionGuard(steady_state, refuses="GD-P41"),
    InjectionGuard(guard_bounds, refuses="GD-P42"),
    InjectionGuard(detector, refuses="GD-P43"),
    InjectionGuard(effects, refuses="GD-P44"),
)
