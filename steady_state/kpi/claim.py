"""The claim of an experiment and its judgement: the values that judging takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from gameday.steady_state.kpi.kpi import Bound, Kpi
from pydantic import Field


class Verdict(StrEnum):
    """The result of a run for a claim: held < unknown < broken, and the worst wins."""

    HELD = "held"
    UNKNOWN = "unknown"
    BROKEN = "broken"


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the worst of several verdicts; without any, unknown, since nothing was seen."""
    order = list(Verdict)
    return max(verdicts, key=order.index) if verdicts else Verdict.UNKNOWN


@dataclass(frozen=True)
class FaultInterval:
    """When one of several faults in order was in force, in seconds since the epoch; None where it did not get there."""

    fault: str  # its name
    injected: float | None = None  # its first call went out
    took_effect: float | None = None  # the run read its effect
    undo: float | None = None  # its undo began
    undone: float | None = None  # the run verified its undo


FaultIntervals = Annotated[tuple[FaultInterval, ...], Field(exclude_if=lambda intervals: not intervals)]
"""Intervals that JSON leaves out where there are none."""


@dataclass(frozen=True)
class Phases:
    """The instants of a run, in seconds since the epoch; None where the run did not get that far."""

    before: tuple[float, float]  # the baseline
    injected: float | None = None  # the first mutating call of the faults went out
    took_effect: float | None = None  # the run read the faults' effect
    undo: float | None = None  # the undo's first call went out
    undone: float | None = None  # the run verified the undo
    end: float | None = None  # observation ended
    aborted: str | None = None  # why it ended early: a word of `gameday.events.AbortedBy`, then ": " and details
    fired: float | None = None  # the claimed alarm fired for the first time since just before the injection
    alarm_read: float | None = None  # the alarm's history is known up to here; None: never read, or no claim
    faults: FaultIntervals = ()  # in the order of their begin; empty where all begin and end together

    def undo_after(self, at: float | None) -> float | None:
        """Return when the first undo after an instant began: later data prove no recovery from impact."""
        undos = [each.undo for each in self.faults if each.undo is not None and at is not None and each.undo > at]
        return min(undos, default=self.undo)

    @property
    def abort(self) -> str | None:
        """The first part of `aborted`, before the colon."""
        return self.aborted.partition(":")[0].strip() if self.aborted is not None else None


@dataclass(frozen=True)
class Recovery:
    """A claim about recovery. Times in seconds."""

    within: float
    since: str  # "impact" or "undo"
    sustained: float


@dataclass(frozen=True)
class Detection:
    """A claim about detection: the named CloudWatch alarm fires `within` so many seconds."""

    alarm: str
    within: float


@dataclass(frozen=True)
class TrafficProof:
    """What must be seen in traffic before a claim can be held: one of these KPIs became worse."""

    kpis: tuple[str, ...]
    blind_to: str  # the traffic that the proof of the effect cannot show to be cut, in words
    faults: tuple[int, ...] = ()  # indices in `Phases.faults` of the faults that it is about, if they are in order


@dataclass(frozen=True)
class Claim:
    """The resolved claim of an experiment: all that judging needs, and nothing of AWS."""

    kpis: dict[str, Kpi]  # every KPI watched, claimed or not
    claimed: tuple[str, ...]  # those whose bound decides the verdict
    during: dict[str, Bound | None] = field(default_factory=dict)  # other bounds while the fault lasts; None: any
    recovery: Recovery | None = None
    margin: float | None = None  # of isolation: percentage points as a share (1% = 0.01); None: not claimed
    contained: tuple[str, ...] = ()  # modules that must not suffer
    false_verdict: float = 0.05  # the budget of false verdicts: a chance
    detection: Detection | None = None
    traffic: TrafficProof | None = None  # None: the proof of the effect is enough


@dataclass(frozen=True)
class PhaseJudgement:
    """One KPI in one phase (before, during, after) against its bound."""

    kpi: str
    phase: str
    verdict: Verdict
    bound: str  # in words, as written: "at least 99%", "any"
    seen: str  # in words: "99.7% of 21,400", "no data"
    share_bad: float | None = None
    total: float = 0.0
    why: str = ""  # what keeps it unknown: "needs about 6m more", "at least 10 are needed"
    chance: float | None = None  # held, broken: the chance of such data if the KPI lay at its bound; None: not sampled
    visible: float | None = None  # the smallest share of usual requests whose loss on their way would show


@dataclass(frozen=True)
class RecoveryJudgement:
    """The time that one KPI took to be back, with an interval; times in seconds."""

    kpi: str
    verdict: Verdict
    degraded: bool  # whether it suffered at all
    impact: float | None  # it began to suffer, seconds since the epoch
    recovered: float | None  # it was back for good, seconds since the epoch
    took: float | None  # from the claim's start to `recovered`; None: not degraded, or censored
    low: float | None  # interval around `took`
    high: float | None
    censored: bool  # not back by the end of the time that counts
    words: str


@dataclass(frozen=True)
class DetectionJudgement:
    """The time that the claimed alarm took to fire, with an interval; times in seconds."""

    alarm: str
    verdict: Verdict
    since: Literal["impact", "effect"]  # the start of the count; the effect, if no business KPI is seen to suffer
    kpi: str | None  # the KPI that the impact is on
    fired: float | None  # seconds since the epoch; None: it did not fire
    took: float | None  # below 0: it fired before the impact
    low: float | None  # interval around `took`
    high: float | None
    words: str


@dataclass(frozen=True)
class ModuleJudgement:
    """The verdict on a module that must not suffer: contained (held), spread (broken) or unknown."""

    module: str
    verdict: Verdict
    worst_kpi: str | None
    change: float | None  # of the worst KPI's share of bad, against the baseline, as a share
    low: float | None
    high: float | None
    detectable: float | None  # the smallest change that this run would call spread, four times out of five
    words: str
    judged: bool = True  # False: it has no KPI; a note names it, and it does not change the run's verdict

    @property
    def seen(self) -> str:
        """The words without the leading name of the module or of a KPI with the same name."""
        return self.words.removeprefix(f"{self.module}: ").removeprefix(f"{self.module} ")


@dataclass(frozen=True)
class LossJudgement:
    """The cost of a fault for one KPI, against the baseline; below zero the KPI did better than before."""

    kpi: str
    lost: float | None  # in the unit that the KPI counts: orders, requests; None: unknown
    low: float | None  # interval around `lost`
    high: float | None
    words: str  # "about 312 orders were lost (250 to 380)"


class Move(StrEnum):
    """How a technical KPI moved compared with the business KPI: both left their bound, one did, or neither."""

    LED = "led"
    TOGETHER = "together"
    LAGGED = "lagged"
    MISSED = "missed"  # it stayed within its bound while the business suffered
    CRIED_WOLF = "cried wolf"  # it left its bound while the business did not suffer
    QUIET = "quiet"  # neither suffered
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LeadJudgement:
    """Whether a technical KPI is worth watching: how long before or after the business KPI it moved, in seconds."""

    kpi: str
    business: str
    move: Move
    after: float | None  # time from the business KPI's move to its own; below 0: before; None: not both moved
    low: float | None  # interval around `after`
    high: float | None
    words: str


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with everything that it rests on."""

    verdict: Verdict
    sentence: str  # the claim and what was seen, in plain words
    phases: tuple[PhaseJudgement, ...]
    recovery: tuple[RecoveryJudgement, ...]
    modules: tuple[ModuleJudgement, ...]
    notes: tuple[str, ...] = ()  # "the experiment claims no business KPI, …"
    detection: DetectionJudgement | None = None  # None: not claimed, or the fault had no effect
    losses: tuple[LossJudgement, ...] = ()  # of every KPI that counts something; empty in older records
    leads: tuple[LeadJudgement, ...] = ()  # of every technical KPI, if there is a business KPI
