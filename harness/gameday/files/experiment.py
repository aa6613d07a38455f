"""The experiment file: one claim about one fault, or several at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from gameday.files.fault_entries import FaultEntry
from gameday.files.workload import Name
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.kpi.units import Duration, Share
from gameday.steady_state.kpi.written import Prose, Written


def _any(raw: object) -> object:
    if raw != "any":
        msg = f"a bound like {{at_least: 95%}}, or the word any; found {raw!r}"
        raise ValueError(msg)
    return raw


def _during(raw: object) -> str:
    return "bound" if isinstance(raw, dict | Bound) else "any"


During = Annotated[
    Annotated[Bound, Tag("bound")] | Annotated[Literal["any"], BeforeValidator(_any), Tag("any")],
    Discriminator(_during),
]
"""What a KPI must keep while the faults last; `any`: nothing."""


class RecoveryClaim(Written):
    """Back in steady state within a time, from impact (while the fault lasts) or from undo, and for how long."""

    within: Duration = Field(gt=0, description="the longest that recovery may take")
    from_: Literal["impact", "undo"] = Field(
        "impact",
        alias="from",
        description="impact: while the fault lasts, by itself; undo: once the fault is taken out",
    )
    sustained: Duration = Field(60.0, gt=0, description="how long it must stay recovered")


class DetectionClaim(Written):
    """An alarm that tells people: it fires within a time from when customers begin to suffer (else from the effect)."""

    alarm: str = Field(min_length=1, description="a CloudWatch alarm, by name or ARN")
    within: Duration = Field(gt=0, description="the longest that it may take to fire")


class IsolationClaim(Written):
    """How much a module that must not suffer may change: points of a ratio, relative for a rate."""

    margin: Share = Field(0.01, gt=0, description="points of a ratio, relative for a rate")


class Experiment(Written):
    """With these faults, these KPIs stay in steady state, are back in time, and the damage stays in its modules."""

    version: Literal[1] = Field(description="of these files' dialect")
    kind: Literal["experiment"] = Field(description="what this file is")
    name: Name = Field(description="what reports and plans call it")
    workload: str = Field(description="the workload file, relative to this one")
    region: str | None = Field(None, description="needed where the workload has several")
    hypothesis: Prose = Field(min_length=1, description="the claim in one sentence, for people")
    steady_state: tuple[Name, ...] = Field(min_length=1, description="the KPIs that decide the verdict")
    baseline: Duration = Field(300.0, gt=0, description="how long steady state is watched before")
    faults: tuple[FaultEntry, ...] = Field(min_length=1, description="each: the fault's name and its fields")
    lasts: Duration = Field(gt=0, description="how long the faults stay once they take effect")
    during: dict[Name, During] = Field({}, description="other bounds while the faults last")
    recovery: RecoveryClaim | None = Field(None, description="the claim that steady state is back in time")
    detected_by: DetectionClaim | None = Field(None, description="the claim that an alarm fires in time")
    isolation: IsolationClaim | None = Field(None, description="the claim that other modules do not suffer")
    guard: dict[Name, Bound] = Field({}, description="abort and undo at once beyond these bounds")
    blind_after: Duration | None = Field(None, description="no data of a guarded KPI for so long aborts")
    stop_when: tuple[str, ...] = Field((), description="CloudWatch alarms by name or ARN: firing or unreadable aborts")
    allow: tuple[Literal["irreversible", "foreign-interfaces", "unchecked-undo"], ...] = Field(
        (), description="what the plan would otherwise refuse"
    )
