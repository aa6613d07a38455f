"""CloudWatch alarms as plans and runs read them: their states, and when one fired."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import JsonValue

from gameday.aws.account import Account
from gameday.aws.arns import alarm_name
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.steady_state.sources.alarm import Past, Switch

STATES = Call(service="cloudwatch", operation="describe_alarms")
HISTORY = Call(service="cloudwatch", operation="describe_alarm_history")
"""What is read of alarms; both answer for metric alarms only, unless composite ones are asked for (API Reference)."""

KINDS: list[JsonValue] = ["MetricAlarm", "CompositeAlarm"]


def alarms_now(alarms: Iterable[str], account: Account, region: str) -> dict[str, Json]:
    """Each alarm, written as name or ARN, as DescribeAlarms has it; what is not there is not in it. Raises AwsError."""
    names = {alarm: alarm_name(alarm) for alarm in alarms}
    params: Json = {"AlarmNames": sorted(set(names.values())), "AlarmTypes": KINDS}
    answer = account.pages(STATES.model_copy(update={"params": params}), region)
    found = {raw["AlarmName"]: raw for raw in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ()))}
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
    return next((one.at for one in _switches(alarm, since, account, region) if one.new == "ALARM"), None)


def past_of(alarm: str, since: float, account: Account, region: str) -> Past:
    """What an alarm did from `since` on. Raises ValueError saying why where it cannot be read."""
    try:
        # The state first: what changes in between stands in the history.
        found = alarms_now((alarm,), account, region).get(alarm)
        switches = _switches(alarm, since, account, region)
    except AwsError as error:
        msg = f"alarm {alarm} cannot be read: {error.what}"
        raise ValueError(msg) from error
    if found is None:
        msg = f"there is no alarm {alarm}"
        raise ValueError(msg)
    return Past(since, switches, found["StateValue"], found.get("StateTransitionedTimestamp"))


def _switches(alarm: str, since: float, account: Account, region: str) -> tuple[Switch, ...]:
    """An alarm's changes from `since` on, oldest first.

    Its history has the exact time of each, also of one that was over between two looks (CloudWatch API Reference,
    DescribeAlarmHistory; kept for 30 days). Raises AwsError.
    """
    params: Json = {
        "AlarmName": alarm_name(alarm),
        "AlarmTypes": KINDS,
        "HistoryItemType": "StateUpdate",
        "StartDate": datetime.fromtimestamp(since, UTC).isoformat(),
        "ScanBy": "TimestampAscending",
    }
    answer = account.pages(HISTORY.model_copy(update={"params": params}), region)
    found = (Switch(float(item["Timestamp"]), *_states(item)) for item in answer.get("AlarmHistoryItems", ()))
    return tuple(sorted((one for one in found if one.at >= since), key=lambda one: one.at))


def _states(item: Json) -> tuple[str | None, str | None]:
    """The states that were left and entered, where they are told."""
    try:
        data = json.loads(item["HistoryData"])
        return data["oldState"]["stateValue"], data["newState"]["stateValue"]
    except (ValueError, KeyError, TypeError):  # no data, or of a shape that is not documented
        told = re.search(r"from (\w+) to (\w+)$", str(item.get("HistorySummary", "")))
        return (told[1], told[2]) if told else (None, None)
