"""KPIs from the states of CloudWatch alarms: 1 in ALARM, 0 in OK, a gap where it cannot be told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor, inf
from typing import Any, ClassVar

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import CallAws, Kind, Reading, Source, SourceContext, SourceSpec, Unanswered
from gameday.steady_state.kpi.units import Duration
from gameday.steady_state.samples import CLOSE, Sample, Series, reading_of
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, JsonValue, model_validator

STATES = "cloudwatch.describe_alarms"
HISTORY = "cloudwatch.describe_alarm_history"
KINDS: list[JsonValue] = ["MetricAlarm", "CompositeAlarm"]
"""Both calls answer for metric alarms only, unless composite ones are asked for (CloudWatch API Reference)."""

BEHIND = 1.0
"""Seconds by which a state may be newer than the last change in the history before one is missing there."""


@dataclass(frozen=True, slots=True)
class Switch:
    """An alarm went from one state to another: OK, ALARM, INSUFFICIENT_DATA, or None where that is not told."""

    at: float  # seconds since the epoch
    old: str | None
    new: str | None


States = Iterable[tuple[float, float, str | None]]
"""(start, end, state), one after the other; the last has no end. None: not known."""


@dataclass(frozen=True, slots=True)
class Past:
    """What an alarm did from some time on."""

    since: float  # seconds since the epoch, as all times here
    switches: tuple[Switch, ...]  # oldest first
    state: str  # in which it is now
    entered: float | None = None  # since when, where that is told

    @property
    def states(self) -> States:
        """Its states, oldest first."""
        first = self.switches[0].old if self.switches else self.state
        edges = [(self.since, first), *((one.at, one.new) for one in self.switches)]
        last = edges[-1][0]
        if self.entered is not None and self.entered > last + BEHIND:
            edges[-1] = (last, None)
            edges.append((self.entered, self.state))
        return ((at, until, state) for (at, state), (until, _) in pairwise([*edges, (inf, None)]))


ReadPast = Callable[[str, float], Past]
"""Asks what an alarm did since some time. Raises ValueError saying why there is no answer."""


class AlarmSpec(SourceSpec):
    """The state of a CloudWatch alarm: 1 where it is in ALARM, 0 where it is OK."""

    name: ClassVar[str] = "alarm"
    title: ClassVar[str] = "an alarm"
    example: ClassVar[str] = "{alarm: orders-low, period: 10s}"
    kinds: ClassVar[tuple[Kind, ...]] = ("gauge",)
    calls: ClassVar[tuple[str, ...]] = (STATES, HISTORY)
    has_past: ClassVar[bool] = True
    on_twin: ClassVar[bool] = True

    alarm: str = Field(
        min_length=1,
        description="gauge only: the name of a CloudWatch alarm; 1 where it is in ALARM, 0 where it is OK",
    )
    period: Duration = Field(60.0, gt=0, description="how finely its state is read")

    @model_validator(mode="after")
    def _has_a_name(self) -> AlarmSpec:
        if self.alarm.startswith("arn:"):
            msg = f"an alarm is read by its name, without the rest of the ARN: {self.alarm.rpartition(':')[2]}"
            raise ValueError(msg)
        return self

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return self.period

    @property
    def alarm_name(self) -> str:
        """The alarm."""
        return self.alarm

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """The source of these KPIs."""
        del kpis
        return nullcontext(AlarmSource(lambda alarm, since: past_of(alarm, since, context.call)))


class AlarmSource:
    """Tells alarms as gauges, from the exact times of their changes.

    A bin in which an alarm was in ALARM, if only for an instant, is 1; otherwise one in which its state was unknown or
    INSUFFICIENT_DATA is a gap. Each is asked for once a period; no answer is a gap that is said once.
    """

    def __init__(self, ask: ReadPast) -> None:
        self._ask = ask
        self._remarks = Remarks()
        self._last: dict[str, tuple[int, int, Series]] = {}

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """The complete bins of each KPI; `end` is now, or an instant before it."""
        samples = {name: self._read(name, kpi, start, end) for name, kpi in kpis.items()}
        return Reading(samples, self._remarks.take())

    def _read(self, name: str, kpi: Kpi, start: float, end: float) -> Series:
        alarm, length = kpi.source.alarm_name, kpi.interval
        assert alarm is not None, "only what names an alarm is read here"  # noqa: S101
        first, last = ceil(start / length - CLOSE), floor(end / length + CLOSE)
        if first >= last:
            return ()
        if self._last.get(name, ())[:2] != (first, last):
            try:
                self._last[name] = (first, last, bins(kpi, self._ask(alarm, first * length), first, last))
            except ValueError as error:
                self._remarks.add(f"{name} has a gap: {error}", about=name)
                return ()
        return self._last[name][2]


def bins(kpi: Kpi, past: Past, first: int, last: int) -> Series:
    """The gauge's bins by their numbers since the epoch, from one to before the other."""
    states = tuple(past.states)
    found = (_bin(kpi, states, number * kpi.interval) for number in range(first, last))
    return tuple(one for one in found if one is not None)


def _bin(kpi: Kpi, states: States, start: float) -> Sample | None:
    end = start + kpi.interval
    seen = {
        state
        for since, until, state in states
        if since < end - CLOSE and (since > start - CLOSE or until > start + CLOSE)
    }
    if "ALARM" not in seen and seen != {"OK"}:
        return None
    value = 1.0 if "ALARM" in seen else 0.0
    return reading_of(start, kpi.interval, value, kpi.bound.admits(value))


def past_of(alarm: str, since: float, call: CallAws) -> Past:
    """What an alarm did from `since` on. Raises ValueError saying why where it cannot be read."""
    try:
        # The state first: what changes in between stands in the history.
        found = alarms_now([alarm], call).get(alarm)
        found_switches = switches(alarm, since, call)
    except Unanswered as error:
        msg = f"alarm {alarm} cannot be read: {error}"
        raise ValueError(msg) from error
    if found is None:
        msg = f"there is no alarm {alarm}"
        raise ValueError(msg)
    return Past(since, found_switches, found["StateValue"], found.get("StateTransitionedTimestamp"))


def alarms_now(names: Iterable[str], call: CallAws) -> dict[str, Any]:
    """Each alarm as DescribeAlarms has it, by its name; what is not there is not in it. Raises what `call` raises."""
    wanted: list[JsonValue] = [*sorted(set(names))]
    answer = call(STATES, {"AlarmNames": wanted, "AlarmTypes": KINDS}, paged=True)
    return {raw["AlarmName"]: raw for raw in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ()))}


def switches(alarm: str, since: float, call: CallAws) -> tuple[Switch, ...]:
    """An alarm's changes from `since` on, oldest first. Raises what `call` raises.

    Its history has the exact time of each, also of one that was over between two looks (CloudWatch API Reference,
    DescribeAlarmHistory; kept for 30 days).
    """
    params: dict[str, JsonValue] = {
        "AlarmName": alarm,
        "AlarmTypes": KINDS,
        "HistoryItemType": "StateUpdate",
        "StartDate": datetime.fromtimestamp(since, UTC).isoformat(),
        "ScanBy": "TimestampAscending",
    }
    answer = call(HISTORY, params, paged=True)
    found = (Switch(float(item["Timestamp"]), *_states(item)) for item in answer.get("AlarmHistoryItems", ()))
    return tuple(sorted((switch for switch in found if switch.at >= since), key=lambda switch: switch.at))


def _states(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The states that were left and entered, where they are known."""
    try:
        data = json.loads(item["HistoryData"])
        return data["oldState"]["stateValue"], data["newState"]["stateValue"]
    except (ValueError, KeyError, TypeError):  # no data, or of a shape that is not documented
        found = re.search(r"from (\w+) to (\w+)$", str(item.get("HistorySummary", "")))
        return (found[1], found[2]) if found else (None, None)
