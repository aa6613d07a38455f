"""CloudWatch alarms as plans and runs read them: their states, and when one fired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gameday.aws.account import Account
from gameday.aws.arns import alarm_name
from gameday.aws.source_calls import calls_of
from gameday.change import Json
from gameday.errors import AwsError
from gameday.steady_state.sources.alarm import alarms_now as read_alarms
from gameday.steady_state.sources.alarm import switches


def alarms_now(alarms: Iterable[str], account: Account, region: str) -> dict[str, Json]:
    """Each alarm, written as name or ARN, as DescribeAlarms has it; what is not there is not in it. Raises AwsError."""
    names = {alarm: alarm_name(alarm) for alarm in alarms}
    found = read_alarms(names.values(), calls_of(account, region))
    return {alarm: found[name] for alarm, name in names.items() if name in found}


def alarm_states(alarms: Iterable[str], account: Account, region: str) -> dict[str, str]:
    """The state of each alarm: OK, ALARM, INSUFFICIENT_DATA, or `not there`. Raises AwsError."""
    alarms = tuple(alarms)
    found = alarms_now(alarms, account, region)
    return {alarm: found[alarm]["StateValue"] if alarm in found else "not there" for alarm in alarms}


def stopping(alarms: Iterable[str], account: Account, region: str) -> str | None:
    """Why stop alarms end a run: one fires, is not there, or cannot be read; None while none does."""
    alarms = tuple(alarms)
    if not alarms:
        return None
    try:
        states = alarm_states(alarms, account, region)
    except AwsError as error:
        return f"the stop alarms cannot be read: {error.what}"
    return next((f"alarm {name} is {state}" for name, state in states.items() if state in ("ALARM", "not there")), None)


def fired_since(alarm: str, since: float, account: Account, region: str) -> float | None:
    """When an alarm first fired from `since` on, in seconds since the epoch; None: not yet. Raises AwsError."""
    found = switches(alarm_name(alarm), since, calls_of(account, region))
    return next((switch.at for switch in found if switch.new == "ALARM"), None)


def firing(alarms: tuple[str, ...], account: Account, region: str) -> tuple[str, ...]:
    """Why stop alarms let nothing be injected, one line each: they fire, or cannot tell. Raises AwsError."""
    states = alarm_states(alarms, account, region) if alarms else {}
    return tuple(
        f"alarm {name} is {'firing' if state == 'ALARM' else state}" for name, state in states.items() if state != "OK"
    )


def absent_alarms(alarms: Mapping[str, str], account: Account, region: str) -> tuple[str, ...]:
    """Which alarms are not there, of those that KPIs (by name) read, one line each. Raises AwsError."""
    there = alarms_now(alarms.values(), account, region) if alarms else {}
    return tuple(
        f"there is no alarm {alarm} in {region}, which KPI {name} reads: name one that is there (the twin has those "
        "under `alarms:` in its file)"
        for name, alarm in alarms.items()
        if alarm not in there
    )


def detecting(alarm: str | None, account: Account, region: str, now: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons to refuse, and warnings, about the alarm that is to detect the fault; read as runs read it."""
    if alarm is None:
        return (), ()
    name, found = alarm_name(alarm), alarms_now((alarm,), account, region).get(alarm)
    fired_since(alarm, now, account, region)
    why = unfit(name, found["StateValue"] if found else None)
    muted = found is not None and not found.get("ActionsEnabled", True)
    warning = f"the actions of alarm {name} are disabled: it fires, and tells nobody"
    return (why,) if why else (), (warning,) if muted else ()


def unfit(name: str, state: str | None) -> str | None:
    """Why an alarm in this state (None: not there) cannot show that it detects a fault."""
    if state is None:
        return f"alarm {name}, which is to detect the fault, is not there"
    return f"alarm {name} is firing already: it cannot show that it detects the fault" if state == "ALARM" else None
