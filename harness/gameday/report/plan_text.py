"""The text of a plan: targets, every call with its undo, irreversible actions, who suffers, refusals."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.change import AnyChange, CallTemplate, Json, PlannedFault
from gameday.change.placeholders import unbound
from gameday.errors import reason_lines
from gameday.plan.plan import Plan, taken_away
from gameday.steady_state.kpi.units import exact_duration, show_duration
from gameday.steady_state.sources.alarm_names import alarm_name
from gameday.text import printable


def plan_text(plan: Plan) -> str:
    """Render the plan for people."""
    return "\n".join(map(printable, _lines(plan))) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    experiment = plan.experiment
    yield f"{experiment.name} on {plan.place}: account {plan.account}, region {plan.region}, seed {plan.seed}"
    yield f"  {experiment.hypothesis}"
    yield f"  as {plan.principal}"
    yield f"  plan sha256:{plan.digest}"
    for planned_fault in plan.planned_faults:
        yield ""
        yield f"fault  {planned_fault.label}"
        yield from _times(plan, planned_fault)
        for number, stage in enumerate(planned_fault.stages, 1):
            yield f"  step {number}{', all at once' if len(stage) > 1 else ''}"
            for change in stage:
                yield from _change(change)
        yield from _cut_off(planned_fault)
        yield from _conditions(planned_fault)
        yield f"  loses  {'; '.join(planned_fault.lost) or 'nothing that a read could tell'}"
        yield f"  effect {planned_fault.effect.about}, within {show_duration(planned_fault.effect.deadline)}"
        yield from (f"         read: {probe.call} → {probe.about}" for probe in planned_fault.effect.probes)
        if proof := planned_fault.effect.kpi:
            yield f"         KPI {proof} must leave its bound: {plan.workload.kpis[proof].bound.words}"
    yield ""
    which = "the first faults" if plan.is_timed else "the faults"
    yield f"lasts  {exact_duration(experiment.lasts)} after {which} take effect; then Gameday undoes all changes"
    if detected := experiment.detected_by:
        yield f"alarm  {alarm_name(detected.alarm)} must fire within {exact_duration(detected.within)} of the impact"
    for name, kpi in plan.workload.kpis.items():
        if plan.place == "aws" and kpi.source.cost:
            yield f"costs  {name} {kpi.source.cost}"
    yield from _modules(plan)
    actions = [action for planned_fault in plan.planned_faults for action in planned_fault.irreversible_actions]
    if actions:
        yield ""
        yield "cannot be undone (the system must heal itself):"
        yield from (f"  {action.about}: {action.why}" for action in actions)
    yield from reason_lines(plan.warnings, "warning")
    if plan.refusals:
        yield ""
        yield from reason_lines(plan.refusals, "not injecting")


def _times(plan: Plan, planned_fault: PlannedFault) -> Iterator[str]:
    """Yield when a fault begins and ends, where some fault does not begin and end with the others."""
    if plan.is_timed:
        at = f"{exact_duration(planned_fault.at)} after the first effect" if planned_fault.at else "at once"
        lasts = planned_fault.lasts
        end = "until all faults end" if lasts is None else f"for {exact_duration(lasts)} once it takes effect"
        yield f"  begins {at}, stays {end}"


def _cut_off(planned_fault: PlannedFault) -> Iterator[str]:
    """Yield what else loses its network, by kind and name."""
    kinds: dict[str, list[str]] = {}
    for resource in planned_fault.cut_off:
        kinds.setdefault(resource.resource, []).append(resource.id)
    yield from (f"  also cut off  {kind} {', '.join(dict.fromkeys(ids))}" for kind, ids in sorted(kinds.items()))


def _conditions(planned_fault: PlannedFault) -> Iterator[str]:
    """Yield what must be true before anything is sent, with the resources and the read that tells it."""
    subjects: dict[tuple[str, str], list[str]] = {}
    for condition in planned_fault.conditions:
        subjects.setdefault((condition.about, str(condition.read)), []).append(condition.subject)
    for (about, read), ids in subjects.items():
        yield f"  needs  {about}: {', '.join(dict.fromkeys(ids))}"
        yield f"         read: {read}"


def _modules(plan: Plan) -> Iterator[str]:
    suffering = [name for name in plan.may_suffer if name not in plan.hit]
    yield f"hit    {_shares(plan.planned_faults) or 'no module'}"
    yield f"may suffer   {', '.join(suffering) or 'no other module'}"
    yield f"must not     {', '.join(plan.contained) or 'none'}"


def _shares(planned_faults: tuple[PlannedFault, ...]) -> str:
    taken = taken_away(planned_faults)
    return ", ".join(f"{module} ({share:.0%} of its capacity)" if share else module for module, share in taken.items())


def _change(change: AnyChange) -> Iterator[str]:
    module = f"  [{change.module}]" if change.module else ""
    note = change.undo_note
    yield f"    {change.kind} {change.headline}{module}"
    yield from (f"      call: {_call(template)}" for template in change.apply_templates())
    undo = [_call(template) for template in change.undo_templates()]
    yield from (f"      undo: {call}{f', {note}' if note else ''}" for call in undo)
    if not undo and note:
        yield f"      undo: {note}"


def _call(template: CallTemplate) -> str:
    """Render a call as Gameday will send it; angle brackets mark values that are not known yet."""
    made: dict[str, str] = {}
    row: dict[str, str] = {}
    for path in (*unbound(template.call.params), *unbound(dict(template.known))):
        scope, _, name = path.partition(".")
        if scope == "made":
            made[name] = f"<the new {name}>"
        elif scope == "row":
            row[name] = f"<its {name}>"
    params = template.bound({"run": "<the run's id>", "made": made, "row": row}).params
    return f"{template.call}({', '.join(f'{key}={_shown(raw)}' for key, raw in params.items())})"


def _shown(raw: Json) -> str:
    if isinstance(raw, dict):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in raw.items()) + "}"
    return "[" + ", ".join(_shown(part) for part in raw) + "]" if isinstance(raw, list | tuple) else str(raw)
