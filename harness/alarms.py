"""CloudWatch alarms as plans and runs read them: their states, and when one fired."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import JsonValue

from harness.account.account import Account
from harness.account.change import Call, Json
from harness.errors import AwsError
from harness.spec.experiment import alarm_name

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
    """When an alarm first went into ALARM from `since` on, in seconds since the epoch; None: not yet.

    Read from its history, which has the exact time of each change, also of one that was over between two looks
    (CloudWatch API Reference, DescribeAlarmHistory; kept for 30 days). Raises AwsError.
    """
    params: Json = {
        "AlarmName": alarm_name(alarm),
        "AlarmTypes": KINDS,
        "HistoryItemType": "StateUpdate",
        "StartDate": datetime.fromtimestamp(since, UTC).isoformat(),
        "ScanBy": "TimestampAscending",
    }
    answer = account.pages(HISTORY.model_copy(update={"params": params}), region)
    times = [float(item["Timestamp"]) for item in answer.get("AlarmHistoryItems", ()) if _into_alarm(item)]
    return min((at for at in times if at >= since), default=None)


def unfit(name: str, state: str | None) -> str | None:
    """Why an alarm in this state (None: not there) cannot show that it detects a fault."""
    if state is None:
        return f"alarm {name}, which is to detect the fault, is not there"
    return f"alarm {name} is firing already: it cannot show that it detects the fault" if state == "ALARM" else None


def _into_alarm(item: Json) -> bool:
    try:
        state = json.loads(item["HistoryData"])["newState"]["stateValue"]
    except (ValueError, KeyError, TypeError):  # no data, or of a shape that is not documented
        return str(item.get("HistorySummary", "")).endswith("to ALARM")
    return bool(state == "ALARM")
