"""The experiment file: one claim about one fault, or about several, at the same time or in order."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from gameday.files.fault_entries import FaultEntry
from gameday.files.workload import Name
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.kpi.units import Duration, Share
from gameday.steady_state.kpi.written import Prose, Written
from gameday.steady_state.sources.alarm_names import alarm_place


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
"""The bound of a KPI while the faults last; `any`: none."""


MOST_FAULTS = 100
"""Faults of one experiment."""


def _alarm(alarm: str) -> str:
    alarm_place(alarm)  # raises ValueError
    return alarm


Alarm = Annotated[str, Field(min_length=1), AfterValidator(_alarm)]
"""An alarm's name, or its ARN with region and account."""


class RecoveryClaim(Written):
    """The claim that steady state is back within a time, counted from the impact or from the undo."""

    within: Duration = Field(gt=0, description="how long recovery may take")
    from_: Literal["impact", "undo"] = Field(
        "impact",
        alias="from",
        description="impact: it recovers while the fault lasts; undo: it recovers after the undo",
    )
    sustained: Duration = Field(60.0, gt=0, description="how long it must stay recovered")


class DetectionClaim(Written):
    """The claim that an alarm fires within a time after customers begin to suffer, or else after the effect."""

    alarm: Alarm = Field(description="a CloudWatch alarm, by name or ARN")
    within: Duration = Field(gt=0, description="how long it may take to fire")


class EffectProof(Written):
    """What proves that the faults take effect, where Gameday has no read of its own or traffic must show it."""

    kpi: Name = Field(description="a KPI that leaves its bound while a fault works")


class IsolationClaim(Written):
    """How much a contained module may change: percentage points of a ratio, or a share of a rate."""

    margin: Share = Field(0.01, gt=0, description="percentage points of a ratio, or a share of a rate")


class Experiment(Written):
    """The claim that with these faults these KPIs keep steady state, recover in time, and damage stays contained."""

    version: Literal[1] = Field(description="the version of the file format")
    kind: Literal["experiment"] = Field(description="the kind of this file")
    name: Name = Field(description="its name in reports and plans")
    workload: str = Field(description="the workload file, relative to this one")
    region: str | None = Field(None, description="the region; needed if the workload has several")
    hypothesis: Prose = Field(min_length=1, description="the claim in one sentence, for people")
    steady_state: tuple[Name, ...] = Field(min_length=1, description="the KPIs that decide the verdict")
    baseline: Duration = Field(300.0, gt=0, description="how long Gameday watches steady state before it injects")
    faults: tuple[FaultEntry, ...] = Field(
        min_length=1,
        max_length=MOST_FAULTS,
        description="the faults, each as its name and its fields; beside the name, `at` and `for`",
    )
    effect: EffectProof | None = Field(None, description="what else must show that every fault takes effect")
    lasts: Duration = Field(gt=0, description="how long the faults stay once they take effect")
    during: dict[Name, During] = Field({}, description="other bounds while the faults last")
    recovery: RecoveryClaim | None = Field(None, description="the claim that steady state is back in time")
    detected_by: DetectionClaim | None = Field(None, description="the claim that an alarm fires in time")
    isolation: IsolationClaim | None = Field(None, description="the claim that other modules do not suffer")
    guard: dict[Name, Bound] = Field({}, description="abort and undo at once beyond these bounds")
    blind_after: Duration | None = Field(None, gt=0, description="abort after so long without data of a guarded KPI")
    stop_when: tuple[Alarm, ...] = Field(
        (), description="CloudWatch alarms by name or ARN; abort if one fires, is not there or cannot be read"
    )
    allow: tuple[Literal["irreversible", "foreign-interfaces", "unchecked-undo"], ...] = Field(
        (), description="what the plan would otherwise refuse"
    )
