"""A KPI source: how many instances of a scaling group are in service."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from math import floor
from typing import ClassVar

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import CallAws, Kind, Reading, Source, SourceContext, SourceSpec, Unanswered
from gameday.steady_state.kpi.units import Duration
from gameday.steady_state.samples import Sample, inside, reading_of
from pydantic import Field

GROUPS = "autoscaling.describe_auto_scaling_groups"


class FleetSpec(SourceSpec):
    """The instances of a scaling group that are in service."""

    name: ClassVar[str] = "fleet"
    title: ClassVar[str] = "a scaling group"
    example: ClassVar[str] = "{fleet: web, every: 15s}"
    kinds: ClassVar[tuple[Kind, ...]] = ("gauge",)
    calls: ClassVar[tuple[str, ...]] = (GROUPS,)
    on_twin: ClassVar[bool] = True

    fleet: str = Field(
        pattern=r"^[a-z-]+$",
        title="the name of a scaling group",
        description="the scaling group, by its name",
        examples=["web"],
    )
    every: Duration = Field(15.0, gt=0, description="how often it is counted")

    @property
    def interval(self) -> float:
        """Seconds between two counts."""
        return self.every

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """The source of these KPIs."""
        return nullcontext(FleetSource(kpis, context.call))


class FleetSource:
    """Counts when it is read: the number then stands for the bin that has just ended."""

    def __init__(self, kpis: Mapping[str, Kpi], call: CallAws) -> None:
        self._call = call
        self._counted: dict[str, dict[int, Sample]] = {name: {} for name in kpis}

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """The bins that were counted."""
        remarks = []
        for name, kpi in kpis.items():
            number = floor(end / kpi.interval) - 1
            try:
                if number not in self._counted[name]:
                    self._counted[name][number] = self._count(kpi, number)
            except Unanswered as error:
                remarks.append(f"{name} has a gap: {error}")
        samples = {name: inside(tuple(self._counted[name].values()), start, end) for name in kpis}
        return Reading(samples, tuple(remarks))

    def _count(self, kpi: Kpi, number: int) -> Sample:
        assert isinstance(kpi.source, FleetSpec)
        answer = self._call(GROUPS, {"AutoScalingGroupNames": [kpi.source.fleet]}, paged=True)
        members = [member for group in answer["AutoScalingGroups"] for member in group["Instances"]]
        count = float(sum(member["LifecycleState"] == "InService" for member in members))
        return reading_of(number * kpi.interval, kpi.interval, count, kpi.bound.admits(count))
