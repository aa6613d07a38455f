"""CloudWatch alarms as plans and runs read them: their states, and when one fired."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.account import Account, read
from gameday.aws.answers.cloudwatch import DESCRIBE_ALARMS, Alarm
from gameday.aws.arns import alarm_name
from gameday.aws.source_calls import calls_of
from gameday.errors import UNEXPECTED_ANSWER, AwsError, Unreachable
from gameday.steady_state.kpi.source import FOREIGN
from gameday.steady_state.sources.alarm import KINDS, switches


def alarms_now(alarms: Iterable[str], account: Account, region: str) -> dict[str, Alarm]:
    """Each alarm, written as name or ARN, as DescribeAlarms has it; what is not there is not in it. Raises AwsError."""
    names = {alarm: alarm_name(alarm) for alarm in alarms}
    wanted = sorted(set(names.values()))
    answer = read(account, region, DESCRIBE_ALARMS, AlarmNames=wanted, AlarmTypes=KINDS)
    found = {raw["AlarmName"]: raw for raw in (*answer["MetricAlarms"], *answer.get("CompositeAlarms", []))}
    return {alarm: found[name] for alarm, name in names.items() if name in found}


def alarm_states(alarms: Iterable[str], account: Account, region: str) -> dict[str, str]:
    """Return the state of each alarm: OK, ALARM, INSUFFICIENT_DATA, or `not there`. Raises AwsError."""
    alarms = tuple(alarms)
    existing = alarms_now(alarms, account, region)
    return {alarm: existing[alarm]["StateValue"] if alarm in existing else "not there" for alarm in alarms}


def stopping(alarms: Iterable[str], account: Account, region: str) -> str | None:
    """Return why stop alarms end a run: an alarm fires, does not exist, or cannot be read; else None."""
    alarms = tuple(alarms)
    if not alarms:
        return None
    try:
        states = alarm_states(alarms, account, region)
    except AwsError as error:
        return f"Gameday cannot read the stop alarms: {error.what}"
    return next((f"alarm {name} is {state}" for name, state in states.items() if state in ("ALARM", "not there")), None)


def fired_since(alarm: str, since: float, account: Account, region: str) -> float | None:
    """Return when an alarm first fired from `since` on, in seconds since the epoch, or None. Raises AwsError."""
    try:
        history = switches(alarm_name(alarm), since, calls_of(account, region))
    except FOREIGN as error:
        message = f"{type(error).__name__}: {error}"
        raise Unreachable("cloudwatch", "describe_alarm_history", UNEXPECTED_ANSWER, message) from error
    return next((switch.at for switch in history if switch.new == "ALARM"), None)
