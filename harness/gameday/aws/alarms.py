"""CloudWatch alarms as plans and runs read them: their states, and when one fired. An ARN is read in its own region."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.account import Account, read
from gameday.aws.answers.cloudwatch import DESCRIBE_ALARMS, Alarm, DescribeAlarms
from gameday.aws.source_calls import calls_of
from gameday.errors import UNEXPECTED_ANSWER, AwsError, Unreachable
from gameday.steady_state.kpi.source import FOREIGN
from gameday.steady_state.sources.alarm import KINDS, switches
from gameday.steady_state.sources.alarm_names import alarm_place

NOT_THERE = "not there"
"""What `alarm_states` says of an alarm that does not exist."""


def alarms_now(alarms: Iterable[str], account: Account, region: str) -> dict[str, Alarm]:
    """Each alarm, written as name or ARN, as DescribeAlarms has it; what is not there is not in it. Raises AwsError."""
    places = {alarm: alarm_place(alarm) for alarm in alarms}
    found: dict[tuple[str, str], Alarm] = {}
    for where in sorted({place.region or region for place in places.values()}):
        wanted = sorted({place.name for place in places.values() if (place.region or region) == where})
        answer = read(account, where, DESCRIBE_ALARMS, AlarmNames=wanted, AlarmTypes=KINDS)
        found |= {(where, raw["AlarmName"]): raw for raw in _of_all_kinds(answer)}
    by_place = {alarm: (place.region or region, place.name) for alarm, place in places.items()}
    return {alarm: found[key] for alarm, key in by_place.items() if key in found}


def _of_all_kinds(answer: DescribeAlarms) -> list[Alarm]:
    return [*answer["MetricAlarms"], *answer.get("CompositeAlarms", []), *answer.get("LogAlarms", [])]


def alarm_states(alarms: Iterable[str], account: Account, region: str) -> dict[str, str]:
    """Return the state of each alarm: OK, ALARM, INSUFFICIENT_DATA, or `not there`. Raises AwsError."""
    alarms = tuple(alarms)
    existing = alarms_now(alarms, account, region)
    return {alarm: existing[alarm]["StateValue"] if alarm in existing else NOT_THERE for alarm in alarms}


def stops(state: str) -> bool:
    """Tell whether a stop alarm in this state keeps a run from injecting, and ends it: the same rule for both.

    INSUFFICIENT_DATA does not: an alarm on a count of errors has no data while there are none.
    """
    return state in ("ALARM", NOT_THERE)


def stopping(alarms: Iterable[str], account: Account, region: str) -> str | None:
    """Return why stop alarms end a run: an alarm fires, does not exist, or cannot be read; else None."""
    alarms = tuple(alarms)
    if not alarms:
        return None
    try:
        states = alarm_states(alarms, account, region)
    except AwsError as error:
        return f"Gameday cannot read the stop alarms: {error.what}"
    return next((f"alarm {name} is {state}" for name, state in states.items() if stops(state)), None)


def fired_since(alarm: str, since: float, account: Account, region: str) -> float | None:
    """Return when an alarm first fired from `since` on, in seconds since the epoch, or None. Raises AwsError."""
    try:
        history = switches(alarm_place(alarm), since, calls_of(account, region))
    except FOREIGN as error:
        message = f"{type(error).__name__}: {error}"
        raise Unreachable("cloudwatch", "describe_alarm_history", UNEXPECTED_ANSWER, message) from error
    return next((switch.at for switch in history if switch.new == "ALARM"), None)
