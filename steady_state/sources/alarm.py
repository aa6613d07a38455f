"""KPIs from the states of CloudWatch alarms: 1 in ALARM, 0 in OK, a gap where the state is unknown."""

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
from gameday.steady_state.kpi.source import (
    FOREIGN,
    CallAws,
    Kind,
    Reading,
    Source,
    SourceContext,
    SourceSpec,
    Unanswered,
)
from gameday.steady_state.kpi.units import Period
from gameday.steady_state.samples import CLOSE, Sample, Series, reading_of
from gameday.steady_state.sources.alarm_names import AlarmPlace, alarm_place
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, JsonValue, field_validator

STATES = "cloudwatch.describe_alarms"
HISTORY = "cloudwatch.describe_alarm_history"
KINDS: list[JsonValue] = ["CompositeAlarm", "LogAlarm", "MetricAlarm"]
"""All kinds of alarms: both calls answer only for metric alarms, unless the request names others (CloudWatch API
Reference, DescribeAlarms, AlarmTypes). A test compares them with botocore's model."""

BEHIND = 1.0
"""Seconds by which a state may be newer than the history's last change. Beyond that, the history lacks a change."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of an alarm's state: OK, ALARM, INSUFFICIENT_DATA, or None where AWS does not give the state."""

    at: float  # seconds since the epoch
    old: str | None
    new: str | None


States = Iterable[tuple[float, float, str | None]]
"""(start, end, state) in order of time; the last has no end. None: an unknown state."""


@dataclass(frozen=True, slots=True)
class Past:
    """An alarm's states from a time on."""

    since: float  # seconds since the epoch, as all times here
    switches: tuple[Switch, ...]  # oldest first
    state: str  # the state now
    entered: float | None = None  # when it entered this state, if known

    @property
    def states(self) -> States:
        """The states, oldest first."""
        first = self.switches[0].old if self.switches else self.state
        edges = [(self.since, first), *((switch.at, switch.new) for switch in self.switches)]
        last = edges[-1][0]
        if self.entered is not None and self.entered > last + BEHIND:
            edges[-1] = (last, None)
            edges.append((self.entered, self.state))
        return ((at, until, state) for (at, state), (until, _) in pairwise([*edges, (inf, None)]))


ReadPast = Callable[[str, float], Past]
"""Reads an alarm's states since a time. Raises ValueError with the reason where there is no answer."""


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
        description="gauge only: a CloudWatch alarm, by name or ARN; 1 where it is in ALARM, 0 where it is OK",
    )
    period: Period = Field(60.0, ge=1, description="the length of a bin of its state")

    @field_validator("alarm")
    @classmethod
    def _is_an_alarm(cls, alarm: str) -> str:
        alarm_place(alarm)  # raises ValueError
        return alarm

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return self.period

    @property
    def alarm_name(self) -> str:
        """The alarm, as a name or an ARN."""
        return self.alarm

    @property
    def where(self) -> str | None:
        """The region that it reads in; None: the run's region."""
        return alarm_place(self.alarm).region

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs."""
        del kpis
        return nullcontext(AlarmSource(lambda alarm, since: past_of(alarm, since, context.call)))


class AlarmSource:
    """Read alarms as gauges, from the exact times of their changes.

    A bin is 1 if the alarm was in ALARM, even for an instant. Otherwise it is a gap if the state was unknown or
    INSUFFICIENT_DATA. Each alarm is read once a period; a call without an answer leaves a gap, with a remark once.
    """

    def __init__(self, read_past: ReadPast) -> None:
        self._read_past = read_past
        self._remarks = Remarks()
        self._last: dict[str, tuple[int, int, Series]] = {}

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Read the complete bins of each KPI; `end` is now, or an instant before it."""
        samples = {name: self._read(name, kpi, start, end) for name, kpi in kpis.items()}
        return Reading(samples, self._remarks.take())

    def _read(self, name: str, kpi: Kpi, start: float, end: float) -> Series:
        alarm, length = kpi.source.alarm_name, kpi.interval
        assert alarm is not None, "AlarmSource reads only KPIs that name an alarm"  # noqa: S101
        first, last = ceil(start / length - CLOSE), floor(end / length + CLOSE)
        if first >= last:
            return ()
        if self._last.get(name, ())[:2] != (first, last):
            try:
                self._last[name] = (first, last, bins(kpi, self._read_past(alarm, first * length), first, last))
            except ValueError as error:
                self._remarks.add(f"{name} has a gap: {error}", about=name)
                return ()
        return self._last[name][2]


def bins(kpi: Kpi, past: Past, first: int, last: int) -> Series:
    """Make the gauge's bins with numbers in [first, last), counted since the epoch."""
    states = tuple(past.states)
    samples = (_bin(kpi, states, number * kpi.interval) for number in range(first, last))
    return tuple(sample for sample in samples if sample is not None)


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
    """Read an alarm's states from `since` on. Raises ValueError with the reason where it cannot."""
    place = alarm_place(alarm)
    try:
        # Read the state first: the history then holds every change since.
        raw = alarm_now(place, call)
        changes = switches(place, since, call)
    except Unanswered as error:
        msg = f"alarm {alarm} does not answer: {error}"
        raise ValueError(msg) from error
    except FOREIGN as error:
        msg = f"alarm {alarm}: CloudWatch answers with something else: {type(error).__name__}: {error}"
        raise ValueError(msg) from error
    if raw is None:
        msg = f"there is no alarm {alarm}"
        raise ValueError(msg)
    return Past(since, changes, raw["StateValue"], raw.get("StateTransitionedTimestamp"))


def alarm_now(place: AlarmPlace, call: CallAws) -> Any:
    """Read an alarm as DescribeAlarms has it; None where it does not exist. Raises what `call` raises."""
    answer = call(STATES, {"AlarmNames": [place.name], "AlarmTypes": KINDS}, paged=True, region=place.region)
    return next(
        (
            raw
            for raw in (*answer["MetricAlarms"], *answer.get("CompositeAlarms", ()), *answer.get("LogAlarms", ()))
            if raw["AlarmName"] == place.name
        ),
        None,
    )


def switches(place: AlarmPlace, since: float, call: CallAws) -> tuple[Switch, ...]:
    """Read an alarm's changes from `since` on, oldest first. Raises what `call` raises.

    The history has the exact time of each change, even of short states between two reads (CloudWatch API Reference,
    DescribeAlarmHistory; kept for 30 days).
    """
    params: dict[str, JsonValue] = {
        "AlarmName": place.name,
        "AlarmTypes": KINDS,
        "HistoryItemType": "StateUpdate",
        "StartDate": datetime.fromtimestamp(since, UTC).isoformat(),
        "ScanBy": "TimestampAscending",
    }
    answer = call(HISTORY, params, paged=True, region=place.region)
    changes = (Switch(float(item["Timestamp"]), *_states(item)) for item in answer["AlarmHistoryItems"])
    return tuple(sorted((switch for switch in changes if switch.at >= since), key=lambda switch: switch.at))


def _states(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Read the old and the new state of a change, where AWS gives them."""
    try:
        data = json.loads(item["HistoryData"])
        return data["oldState"]["stateValue"], data["newState"]["stateValue"]
    except (ValueError, KeyError, TypeError):  # no data, or data of an undocumented shape
        summary = re.search(r"from (\w+) to (\w+)$", str(item.get("HistorySummary", "")))
        return (summary[1], summary[2]) if summary else (None, None)
