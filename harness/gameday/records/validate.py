"""What must hold of a record beyond the shape of its JSON: else a report would mislead, crash or hang."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import get_args

from pydantic_core import PydanticSerializationError

from gameday.errors import Exit
from gameday.events import (
    Called,
    ChangeClosed,
    Detected,
    Ended,
    Event,
    Judged,
    NoEffect,
    PhaseBegan,
    PhaseName,
    Sampled,
    TookEffect,
)
from gameday.plan.plan import Plan
from gameday.steady_state.judging.judge import Phases
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import CLOSE, Sample, Series

LONGEST = 31 * 86400.0
"""Seconds between a record's first moment and its last."""

MOST_SAMPLES = 100_000
"""Of one KPI: more than a day by the second, which is judged in seconds."""


def unsound(plan: Plan, started: str, events: Sequence[Event]) -> Iterator[str]:
    """Each thing in a plan and its events that contradicts another, as place and reason; finite numbers are given."""
    yield from _plan(plan)
    try:
        datetime.fromisoformat(started)
    except ValueError:
        yield f"started: {started!r} is no time"
    if not events:
        yield "events: are missing"
        return
    yield from _order(events)
    kpis = plan.workload.kpis
    first = events[0].at
    found: dict[str, dict[float, Sample]] = {}
    for number, event in enumerate(events):
        place = f"events.{number}"
        if abs(event.at - first) > LONGEST:
            yield f"{place}.at: {event.at:.15g} is more than 31 days from the first event, at {first:.15g}"
        match event:
            case Sampled() if event.kpi not in kpis:
                yield f"{place}.kpi: the workload has no KPI {event.kpi!r}"
            case Sampled():
                yield from _samples(f"{place}.samples", event.samples, kpis[event.kpi], first)
                found.setdefault(event.kpi, {}).update((one.start, one) for one in event.samples)
            case Judged():
                yield from _judged(place, event, plan, first)
            case Detected() if abs(event.fired_at - first) > LONGEST:
                yield f"{place}.fired_at: {event.fired_at:.15g} is more than 31 days from the first event"
            case Detected() if plan.experiment.detected_by is None:
                yield f"{place}: the experiment names no alarm"
            case _:
                yield from _refers(place, event, plan)
    for kpi, starts in found.items():
        yield from _series(kpi, tuple(starts[start] for start in sorted(starts)))


def _plan(plan: Plan) -> Iterator[str]:
    kpis, modules = plan.workload.kpis, plan.workload.modules
    try:
        plan.model_dump_json()
    except PydanticSerializationError:  # half of a surrogate pair
        yield "plan: holds text that is no Unicode"
    named = {
        "steady_state": plan.experiment.steady_state,
        "during": plan.experiment.during,
        "guard": plan.experiment.guard,
    }
    for key, names in named.items():
        yield from (f"plan.experiment.{key}: the workload has no KPI {name!r}" for name in names if name not in kpis)
    for key, names in (("hit", plan.hit), ("may_suffer", plan.may_suffer), ("contained", plan.contained)):
        yield from (f"plan.{key}: the workload has no module {name!r}" for name in names if name not in modules)
    for key, bounds in (("during", plan.experiment.during), ("guard", plan.experiment.guard)):
        for name, bound in bounds.items():
            if name in kpis and bound != "any" and (why := kpis[name].misfit(bound)):
                yield f"plan.experiment.{key}.{name}: {why}"


def _order(events: Sequence[Event]) -> Iterator[str]:
    names = get_args(PhaseName)
    began = [(number, event) for number, event in enumerate(events) if isinstance(event, PhaseBegan)]
    if not began:
        yield "events: no phase began"
    for (_, one), (number, other) in pairwise(began):
        if names.index(other.phase) <= names.index(one.phase):
            yield f"events.{number}.phase: {other.phase} comes after {one.phase}"
        elif other.at < one.at:
            yield f"events.{number}.at: phase {other.phase} begins before {one.phase} does"
    if began and events[-1].at < began[-1][1].at:
        yield f"events.{len(events) - 1}.at: the last event is before phase {began[-1][1].phase}"
    for kind, what in ((Judged, "judged"), (Ended, "ended")):
        if len(found := [number for number, event in enumerate(events) if isinstance(event, kind)]) > 1:
            yield f"events.{found[1]}: the run {what} twice"


def _samples(place: str, samples: Iterable[Sample], kpi: Kpi, first: float) -> Iterator[str]:
    for number, one in enumerate(samples):
        if abs(one.start - first) > LONGEST:
            yield f"{place}.{number}.start: {one.start:.15g} is more than 31 days from the first event, at {first:.15g}"
        if abs(one.length - kpi.interval) > CLOSE * max(1.0, kpi.interval):
            yield f"{place}.{number}.length: {one.length:g} s, where the KPI is read every {kpi.interval:g} s"
        if min(one.total, one.bad, *(count for _, count in one.over)) < 0:
            yield f"{place}.{number}: less than nothing was counted"
        if kpi.kind == "gauge" and (one.total != 1 or one.bad not in (0, 1)):
            yield f"{place}.{number}: a reading of a gauge is one, in or out of its bound"


def _series(kpi: str, series: Series) -> Iterator[str]:
    if len(series) > MOST_SAMPLES:
        yield f"events: {len(series):,} samples of {kpi}; no more than {MOST_SAMPLES:,} are judged"
    for one, other in pairwise(series):
        if other.start < one.end - max(CLOSE, one.length / 1e3):
            yield f"events: two samples of {kpi} overlap, from {one.start:.15g} and {other.start:.15g}"
            return


def _judged(place: str, event: Judged, plan: Plan, first: float) -> Iterator[str]:
    moments = _moments(event.phases)
    for (_, one), (name, other) in pairwise(moments):
        if other < one - CLOSE:
            yield f"{place}.phases.{name}: {other:.15g} is before what came before it, at {one:.15g}"
    for name, at in moments:
        if abs(at - first) > LONGEST:
            yield f"{place}.phases.{name}: {at:.15g} is more than 31 days from the first event, at {first:.15g}"
    for name in ("fired", "alarm_read"):
        if (at := getattr(event.phases, name)) is not None and abs(at - first) > LONGEST:
            yield f"{place}.phases.{name}: {at:.15g} is more than 31 days from the first event, at {first:.15g}"
    judgement = event.judgement
    if judgement.detection and plan.experiment.detected_by is None:
        yield f"{place}.judgement.detection: the experiment names no alarm"
    rows = (judgement.phases, judgement.recovery, judgement.losses, judgement.leads)
    named = {row.kpi for part in rows for row in part} | {row.business for row in judgement.leads}
    for name in named | {row.worst_kpi for row in judgement.modules if row.worst_kpi is not None}:
        if name not in plan.workload.kpis:
            yield f"{place}.judgement: the workload has no KPI {name!r}"


def _moments(phases: Phases) -> list[tuple[str, float]]:
    named = {name: getattr(phases, name) for name in ("injected", "took_effect", "undo", "undone", "end")}
    start, end = phases.before
    return [("before", start), ("before", end), *((name, at) for name, at in named.items() if at is not None)]


def _refers(place: str, event: Event, plan: Plan) -> Iterator[str]:
    changes = sum(len(planned_fault.changes) for planned_fault in plan.planned_faults)
    match event:
        case Called(position=position) | ChangeClosed(position=position) if not 0 <= position < changes:
            yield f"{place}.position: the plan has {changes} changes, none at {position}"
        case TookEffect(fault=fault) | NoEffect(fault=fault) if not 0 <= fault < len(plan.planned_faults):
            yield f"{place}.fault: the plan has {len(plan.planned_faults)} faults, none at {fault}"
        case Ended(exit=code) if code not in list(Exit):
            yield f"{place}.exit: {code} is no exit code"
