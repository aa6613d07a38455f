"""What is claimed of a run, and what became of the claim: the values that judging takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gameday.steady_state.kpi.kpi import Bound, Kpi


class Verdict(StrEnum):
    """What a run found out about a claim: held < unknown < broken, and the worst wins."""

    HELD = "held"
    UNKNOWN = "unknown"
    BROKEN = "broken"


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst of several verdicts; of none: unknown, since nothing was seen."""
    order = list(Verdict)
    return max(verdicts, key=order.index) if verdicts else Verdict.UNKNOWN


@dataclass(frozen=True)
class Phases:
    """When what happened, in seconds since the epoch; None where the run did not get that far."""

    before: tuple[float, float]  # the baseline
    injected: float | None = None  # the first mutating call of the faults went out
    took_effect: float | None = None  # the faults' effect was read
    undo: float | None = None  # the undo's first call went out
    undone: float | None = None  # the undo was verified
    end: float | None = None  # observation ended
    aborted: str | None = None  # why it ended early, a word of `gameday.events.AbortedBy`, then ": " and more
    fired: float | None = None  # the claimed alarm fired for the first time since just before the injection
    alarm_read: float | None = None  # until when its history was read; None: never, or none is claimed

    @property
    def abort(self) -> str | None:
        """The first word of `aborted`."""
        return self.aborted.partition(":")[0].strip() if self.aborted is not None else None


@dataclass(frozen=True)
class Recovery:
    """A claim about recovery: within how long, from impact or from undo, sustained for how long (seconds)."""

    within: float
    since: str  # "impact" or "undo"
    sustained: float


@dataclass(frozen=True)
class Detection:
    """A claim about detection: which CloudWatch alarm, by name, fires within how long (seconds)."""

    alarm: str
    within: float


@dataclass(frozen=True)
class Claim:
    """What an experiment claims, resolved: all that judging needs, and nothing of AWS."""

    kpis: dict[str, Kpi]  # every KPI watched, claimed or not
    claimed: tuple[str, ...]  # those whose bound decides the verdict
    during: dict[str, Bound | None] = field(default_factory=dict)  # other bounds while the fault lasts; None: any
    recovery: Recovery | None = None
    margin: float | None = None  # isolation's: percentage points of a ratio as a share (1% = 0.01); None: not claimed
    contained: tuple[str, ...] = ()  # modules that must not suffer
    false_verdict: float = 0.05  # budget
    detection: Detection | None = None


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
    why: str = ""  # what keeps it unknown: "needs about 6m more", "10 are the least"


@dataclass(frozen=True)
class RecoveryJudgement:
    """How long one KPI took to be back, from impact and from undo, with an interval; times in seconds."""

    kpi: str
    verdict: Verdict
    degraded: bool  # whether it suffered at all
    impact: float | None  # when it began to suffer, seconds since the epoch
    recovered: float | None  # when it was back for good, seconds since the epoch
    took: float | None  # from the claim's start to `recovered`; None: not degraded, or censored
    low: float | None  # interval around `took`
    high: float | None
    censored: bool  # not back by the end of what counts
    words: str


@dataclass(frozen=True)
class DetectionJudgement:
    """How long the claimed alarm took to fire, with an interval; times in seconds."""

    alarm: str
    verdict: Verdict
    since: Literal["impact", "effect"]  # what it counts from: where no business KPI is seen to suffer, the effect
    kpi: str | None  # whose impact
    fired: float | None  # seconds since the epoch; None: it did not
    took: float | None  # below 0: it fired before the impact
    low: float | None  # interval around `took`
    high: float | None
    words: str


@dataclass(frozen=True)
class ModuleJudgement:
    """Whether a module that must not suffer did: contained (held), spread (broken), unknown."""

    module: str
    verdict: Verdict
    worst_kpi: str | None
    change: float | None  # of the worst KPI's share of bad, against the baseline, as a share
    low: float | None
    high: float | None
    detectable: float | None  # the smallest change that this run would have called spread, four times out of five
    words: str
    judged: bool = True  # False: it has no KPI, which leaves the run's verdict alone and is said in a note

    @property
    def seen(self) -> str:
        """Its words without its name before them, which its KPI may bear, too."""
        return self.words.removeprefix(f"{self.module}: ").removeprefix(f"{self.module} ")


@dataclass(frozen=True)
class LossJudgement:
    """What a fault cost one KPI against what is usual, signed: below zero it went better than before."""

    kpi: str
    lost: float | None  # in what the KPI counts: orders, requests; None: cannot be told
    low: float | None  # interval around `lost`
    high: float | None
    words: str  # "about 312 orders were lost (250 to 380)"


class Move(StrEnum):
    """How a technical KPI moved beside the business KPI: both left their bound, one of them, or neither."""

    LED = "led"
    TOGETHER = "together"
    LAGGED = "lagged"
    MISSED = "missed"  # it stayed within its bound while the business suffered
    CRIED_WOLF = "cried wolf"  # it left its bound while the business did not suffer
    QUIET = "quiet"  # neither suffered
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LeadJudgement:
    """Whether a technical KPI is worth watching: did it move before the business KPI, by how much; in seconds."""

    kpi: str
    business: str
    move: Move
    after: float | None  # how long after the business KPI it moved; below 0: before; None: not both moved
    low: float | None  # interval around `after`
    high: float | None
    words: str


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with everything it rests on."""

    verdict: Verdict
    sentence: str  # one plain sentence: what was claimed and what was seen
    phases: tuple[PhaseJudgement, ...]
    recovery: tuple[RecoveryJudgement, ...]
    modules: tuple[ModuleJudgement, ...]
    notes: tuple[str, ...] = ()  # "claims no business KPI", …
    detection: DetectionJudgement | None = None  # None: not claimed, or the fault had no effect
    losses: tuple[LossJudgement, ...] = ()  # of every KPI that counts something; empty too in records of before
    leads: tuple[LeadJudgement, ...] = ()  # of every technical KPI, where there is a business KPI
