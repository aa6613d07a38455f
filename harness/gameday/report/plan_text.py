"""A plan as text: targets, every call with its undo, what cannot be undone, who suffers, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gameday.aws.arns import alarm_name
from gameday.change import Call, CreatedResource, IrreversibleAction, Json, PlannedFault, SettingChange, Shape
from gameday.engine.placeholders import fill, unbound
from gameday.engine.settings import setter
from gameday.plan.plan import Plan, taken_away
from gameday.steady_state.kpi.units import show_duration


def plan_text(plan: Plan) -> str:
    """The plan for people."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    experiment = plan.experiment
    yield f"{experiment.name} on {plan.place}: account {plan.account}, region {plan.region}, seed {plan.seed}"
    yield f"  {experiment.hypothesis}"
    yield f"  as {plan.principal}"
    yield f"  plan sha256:{plan.digest}"
    for planned_fault in plan.planned_faults:
        yield ""
        yield f"fault  {planned_fault.label}"
        for number, stage in enumerate(planned_fault.stages, 1):
            yield f"  step {number}{', all at once' if len(stage) > 1 else ''}"
            for change in stage:
                yield from _change(change)
        yield f"  effect {planned_fault.effect.about}, within {show_duration(planned_fault.effect.deadline)}"
        yield from (f"         read: {probe.call} → {probe.about}" for probe in planned_fault.effect.probes)
    yield ""
    yield f"lasts  {show_duration(experiment.lasts)} once they take effect, then everything is undone"
    if detected := experiment.detected_by:
        yield f"alarm  {alarm_name(detected.alarm)} must fire within {show_duration(detected.within)} of the impact"
    for name, kpi in plan.workload.kpis.items():
        if plan.place == "aws" and (asked := kpi.reading.logs):
            often = f"every {show_duration(kpi.interval)} of the run"
            yield f"costs  {name} queries log group {asked.group} {often}: AWS charges each GB that it scans"
    yield from _modules(plan)
    actions = [c for i in plan.planned_faults for c in i.changes if isinstance(c, IrreversibleAction)]
    if actions:
        yield ""
        yield "cannot be undone (the system must heal itself):"
        yield from (f"  {action.about}: {action.why}" for action in actions)
    yield from (f"warning: {warning}" for warning in plan.warnings)
    if plan.refusals:
        yield ""
        yield from (f"not injecting: {reason}" for reason in plan.refusals)


def _modules(plan: Plan) -> Iterator[str]:
    suffering = [name for name in plan.may_suffer if name not in plan.hit]
    yield f"hit    {_shares(plan.planned_faults) or 'no module'}"
    yield f"may suffer   {', '.join(suffering) or 'no other module'}"
    yield f"must not     {', '.join(plan.contained) or 'none'}"


def _shares(planned_faults: tuple[PlannedFault, ...]) -> str:
    taken = taken_away(planned_faults)
    return ", ".join(f"{module} ({share:.0%} of its capacity)" if share else module for module, share in taken.items())


def _change(change: SettingChange | CreatedResource | IrreversibleAction) -> Iterator[str]:
    module = f"  [{change.module}]" if change.module else ""
    if isinstance(change, CreatedResource):
        new = f"<the new {change.name}>"
        yield f"    {change.kind} {change.about}{module}"
        yield f"      call: {_call(change.create, {'args': change.args})}"
        yield from (f"      call: {_call(call, {'args': change.args, 'id': new})}" for call in change.then)
        yield f"      undo: {_call(change.delete, {'args': change.args, 'id': new})}, found by the run's tag"
    elif isinstance(change, IrreversibleAction):
        yield f"    {change.kind} {change.about}{module}"
        yield f"      call: {_call(change.call, {'id': change.id, 'args': change.args})}"
        yield f"      undo: none; healed when {change.healed.about}"
    else:
        yield f"    {change.kind} {change.subject}: {turned(change)}{module}"
        yield from (f"      call: {call}" for call in _writes(change, change.after, change.adds, change.removes))
        yield from (f"      undo: {call}" for call in _writes(change, change.before, change.removes, change.adds))


def turned(change: SettingChange) -> str:
    """What a setting change changes, from what to what."""
    if change.setting.shape is Shape.SET:
        return ", ".join(
            [*(f"+{value(item)}" for item in change.adds), *(f"-{value(item)}" for item in change.removes)]
        )
    return f"{value(change.before)} → {value(change.after)}"


def value(raw: Json) -> str:
    """A setting's value, briefly; nothing there is said in words; a placeholder reads {made.acl}."""
    if raw is None:
        return "none"
    if isinstance(raw, dict) and set(raw) == {"$"}:
        return "{" + str(raw["$"]) + "}"
    if isinstance(raw, list) and raw and all(isinstance(item, dict) and set(item) == {"$"} for item in raw):
        return ", ".join(value(item) for item in raw)
    return raw if isinstance(raw, str) else json.dumps(raw, sort_keys=True)


def _writes(
    setting_change: SettingChange, to: Json, adds: tuple[Json, ...], removes: tuple[Json, ...]
) -> Iterator[str]:
    setting = setting_change.setting
    known = {"id": setting_change.id, "ids": [setting_change.id], "args": setting_change.args}
    if setting.shape is Shape.SET:
        moved = ((setting.remove, removes), (setting.add, adds))
        yield from (_call(call, {**known, "value": list(items)}) for call, items in moved if call and items)
        return
    if call := setter(setting, to):
        yield _call(call, {**known, "value": to})


def _call(call: Call, known: dict[str, Json]) -> str:
    """A call as it will go out; what is known only then stands in angle brackets."""
    later: dict[str, Json] = {"run": "<the run's id>", "made": {}, "row": {}}
    value = known.get("value")
    for path in (*unbound(call.params), *unbound(value)):
        scope, _, name = path.partition(".")
        if scope in ("made", "row"):
            later[scope][name] = f"<the new {name}>" if scope == "made" else f"<its {name}>"
    bound = {**later, **known, "value": fill(value, later)}
    params = fill(call.params, bound)
    return f"{call}({', '.join(f'{key}={_shown(raw)}' for key, raw in params.items())})"


def _shown(raw: Json) -> str:
    if isinstance(raw, dict):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in raw.items()) + "}"
    return "[" + ", ".join(_shown(part) for part in raw) + "]" if isinstance(raw, list | tuple) else str(raw)
