"""The alarms that an experiment names must be there, and in a state that can show something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gameday.aws.alarms import alarm_states, alarms_now, fired_since, stops
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.steady_state.sources.alarm_names import alarm_name, alarm_place


def stop_alarms(context: PlanContext) -> Iterator[Objection]:
    """Refuse while an alarm of `stop_when` fires or is not there; warn where it has no data."""
    alarms = context.plan.experiment.stop_when
    yield from _foreign(alarms, context)
    states = alarm_states(alarms, context.account, context.plan.region) if alarms else {}
    for alarm, state in states.items():
        if stops(state):
            yield Objection(f"alarm {alarm} is {'firing' if state == 'ALARM' else state}")
        elif state != "OK":
            yield Objection(
                f"alarm {alarm} is {state}: it has no data, and cannot stop the run before it has some",
                "set TreatMissingData to notBreaching, if the metric has no data while all is well",
                refuses=False,
            )


def detector(context: PlanContext) -> Iterator[Objection]:
    """Refuse a `detected_by` alarm that is not there, or fires already; warn where it notifies nobody."""
    detected, region = context.plan.experiment.detected_by, context.plan.region
    if detected is None:
        return
    yield from _foreign((detected.alarm,), context)
    found = alarms_now((detected.alarm,), context.account, region).get(detected.alarm)
    fired_since(detected.alarm, context.now, context.account, region)  # what the run will read must be readable
    name = alarm_name(detected.alarm)
    yield from unfit_detector(name, found["StateValue"] if found else None)
    if found is not None and not found.get("ActionsEnabled", True):
        yield Objection(f"the actions of alarm {name} are disabled: it fires, and notifies nobody", refuses=False)


def unfit_detector(name: str, state: str | None) -> Iterator[Objection]:
    """Refuse an alarm in a state (None: not there) that cannot show that it detects a fault."""
    if state is None:
        yield Objection(f"alarm {name}, which is to detect the fault, is not there")
    elif state == "ALARM":
        yield Objection(f"alarm {name} is firing already: it cannot show that it detects the fault")


def _foreign(alarms: Iterable[str], context: PlanContext) -> Iterator[Objection]:
    """Refuse alarms whose ARN names another account: they would be read under their name in this one."""
    for alarm in alarms:
        account = alarm_place(alarm).account
        if account not in (None, context.plan.account):
            yield Objection(f"alarm {alarm} is in account {account}, the run in {context.plan.account}")


def kpi_alarms(context: PlanContext) -> Iterator[Objection]:
    """Refuse a KPI that reads an alarm which is not there."""
    alarms, region = context.request.alarms, context.plan.region
    yield from _foreign(alarms.values(), context)
    there = alarms_now(alarms.values(), context.account, region) if alarms else {}
    for kpi, alarm in alarms.items():
        if alarm not in there:
            place = alarm_place(alarm)
            yield Objection(
                f"there is no alarm {place.name} in {place.region or region}, which KPI {kpi} reads",
                "name an alarm that is there (the twin has those under `alarms:` in its file)",
            )
