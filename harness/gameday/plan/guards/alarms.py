"""The alarms that an experiment names must be there, and in a state that can show something."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.alarms import alarm_states, alarms_now, fired_since
from gameday.aws.arns import alarm_name
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def stop_alarms(context: PlanContext) -> Iterator[Objection]:
    """Refuse unless every alarm of `stop_when` is OK."""
    alarms = context.plan.experiment.stop_when
    states = alarm_states(alarms, context.account, context.plan.region) if alarms else {}
    for alarm, state in states.items():
        if state != "OK":
            yield Objection(f"alarm {alarm} is {'firing' if state == 'ALARM' else state}")


def detector(context: PlanContext) -> Iterator[Objection]:
    """Refuse a `detected_by` alarm that is not there, or fires already; warn where it notifies nobody."""
    detected, region = context.plan.experiment.detected_by, context.plan.region
    if detected is None:
        return
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


def kpi_alarms(context: PlanContext) -> Iterator[Objection]:
    """Refuse a KPI that reads an alarm which is not there."""
    alarms, region = context.request.alarms, context.plan.region
    there = alarms_now(alarms.values(), context.account, region) if alarms else {}
    for kpi, alarm in alarms.items():
        if alarm not in there:
            yield Objection(
                f"there is no alarm {alarm} in {region}, which KPI {kpi} reads",
                "name an alarm that is there (the twin has those under `alarms:` in its file)",
            )
