"""What history keeps of a run or a refusal: its claim, its release, its place, its verdict and its measures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from gameday.errors import Exit
from gameday.events import AccountState
from gameday.plan.plan import Place, Plan, RunRequest
from gameday.records.claim_identity import claim_identity
from gameday.records.origin import Origin
from gameday.records.record import OutcomeName, Record
from gameday.records.suite import Refusal
from gameday.steady_state.kpi.claim import Verdict

VERSION = 1
"""The version of what history keeps of a run."""

MeasureName = Literal["recovery", "detection", "loss"]
State = Literal["begun", "killed", "refused", "ended"]
"""How far a run came. *begun*: it runs, or its process died; *killed*: it died, and `restore` has completed it."""
_RANK: dict[State, int] = {"begun": 0, "killed": 1, "refused": 2, "ended": 3}


@dataclass(frozen=True, slots=True)
class KeptMeasure:
    """A measure of a run: seconds of recovery or detection, or a loss; with its interval."""

    name: MeasureName
    of: str  # the KPI, or the alarm
    verdict: Verdict | None  # None: nothing was claimed
    value: float | None  # None: it was not over by the end of the time that counts
    low: float | None
    high: float | None
    resolution: float  # the smallest difference that the run could see


@dataclass(frozen=True, slots=True)
class KeptRun:
    """One run or refusal in the history. All times are ISO 8601 in UTC, on the wall clock."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    run: Annotated[str, Field(pattern=r"^[\w-]{1,80}$")]
    state: State
    claim: str  # the identity of its claim
    experiment: str
    workload: str
    place: Place
    account: str
    seed: int | None
    started: str
    ended: str | None  # the end of the observation; a twin's run takes seconds, and counts from its start
    verdict: OutcomeName
    left: AccountState | Literal["unknown"]  # the state that the account was left in
    exit: int | None
    about: str  # the verdict's sentence, or the reasons of a refusal
    plan: str | None = None  # the plan's hash
    release: str | None = None
    commit: str | None = None
    is_dirty: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    measures: tuple[KeptMeasure, ...] = ()
    evidence: str | None = None  # the path of the record's file on the machine `who`
    evidence_hash: str | None = None  # SHA-256 of that file
    who: str | None = None
    principal: str | None = None
    tool: str = ""
    command: str = ""
    version: int = VERSION

    @property
    def release_name(self) -> str:
        """The release in words: what `--release` named, else the commit, else nothing known."""
        if self.release is not None:
            return self.release
        return f"{self.commit[:12]}{'-dirty' if self.is_dirty else ''}" if self.commit else "unknown"

    @property
    def digest(self) -> str:
        """The hash of all that is kept, but for the path of its evidence: two versions of one run differ in it."""
        return hashlib.sha256(to_json(replace(self, evidence=None))).hexdigest()


_KEPT: TypeAdapter[KeptRun] = TypeAdapter(KeptRun)


def to_json(kept: KeptRun) -> bytes:
    """Return what is kept as one line of JSON."""
    return _KEPT.dump_json(kept)


def from_json(line: bytes) -> KeptRun | None:
    """Return what `to_json` wrote; None where the line is damaged, or of a version that this one does not read."""
    try:
        kept = _KEPT.validate_json(line)
    except ValidationError:
        return None
    return kept if kept.version == VERSION else None


def began(run: str, plan: Plan, origin: Origin, digests: dict[str, str], started: str, command: str) -> KeptRun:
    """Return what is kept of a run that begins; its verdict is unknown until it ends."""
    return KeptRun(
        claim=claim_identity(plan.experiment, plan.workload),
        experiment=plan.experiment.name,
        workload=plan.workload.name,
        run=run,
        state="begun",
        place=plan.place,
        account=plan.account,
        seed=plan.seed,
        started=started,
        ended=None,
        verdict="unknown",
        left="unknown",
        exit=None,
        about="the run has not ended",
        plan=plan.digest,
        release=origin.release,
        commit=origin.commit,
        is_dirty=origin.is_dirty,
        digests=digests,
        who=origin.who,
        principal=plan.principal,
        command=command,
    )


def of_record(record: Record) -> KeptRun:
    """Return what is kept of a run's record. It follows from the record alone, so that a rebuilt history is the same."""
    died = any(event.type == "aborted" and event.why == "killed" for event in record.events)
    last = record.ended
    return KeptRun(
        claim=claim_identity(record.plan.experiment, record.plan.workload),
        experiment=record.name,
        workload=record.plan.workload.name,
        run=record.run,
        state="killed" if died else "ended",
        place=record.place,
        account=record.plan.account,
        seed=record.seed,
        started=record.started,
        ended=record.started if record.place == "twin" else _utc(record.end),
        verdict=record.outcome,
        left=last.account if last else "unknown",
        exit=last.exit if last else int(Exit.STUCK),
        about=record.judged.judgement.sentence if record.judged else "the run was not judged",
        plan=record.plan.digest,
        release=record.release,
        commit=record.commit,
        is_dirty=record.is_dirty,
        digests=record.digests,
        measures=tuple(_measures(record)),
        who=record.who,
        principal=record.principal,
        tool=record.tool,
        command=record.command,
    )


def of_refusal(refusal: Refusal, run: str, request: RunRequest, origin: Origin, started: str, command: str) -> KeptRun:
    """Return what is kept of a refusal: nothing was injected, so there is no measure."""
    return KeptRun(
        claim=claim_identity(request.experiment, request.workload),
        experiment=request.experiment.name,
        workload=request.workload.name,
        run=run,
        state="refused",
        place=request.place,
        account=request.workload.account,
        seed=request.seed,
        started=started,
        ended=started,
        verdict="refused",
        left="untouched",
        exit=int(Exit.REFUSED),
        about="; ".join(map(str, refusal.reasons)),
        plan=refusal.plan.digest if refusal.plan else None,
        release=origin.release,
        commit=origin.commit,
        is_dirty=origin.is_dirty,
        digests=dict(request.digests),
        who=origin.who,
        principal=refusal.plan.principal if refusal.plan else None,
        command=command,
    )


def with_evidence(kept: KeptRun, path: Path | None, digest: str | None) -> KeptRun:
    """Return what is kept with the file of its evidence and that file's hash; unchanged where either is missing."""
    return replace(kept, evidence=str(path.absolute()), evidence_hash=digest) if path and digest else kept


def merged(versions: Iterable[KeptRun]) -> KeptRun:
    """Return one run from its versions, in any order: the one that came furthest, completed from the others.

    `restore` completes a run whose process ended in a record of its own: its verdict stays, and the account's state is
    the one that the restore left.
    """
    ordered = sorted(versions, key=lambda kept: (_RANK[kept.state], kept.ended or "", kept.digest))
    best = ordered[-1]
    if best.state == "ended" and (restored := [kept for kept in ordered if kept.state == "killed"]):
        best = replace(best, left=restored[-1].left, ended=max(best.ended or "", restored[-1].ended or ""))
    for other in reversed(ordered[:-1]):
        if best.commit is None and best.release is None:
            best = replace(best, release=other.release, commit=other.commit, is_dirty=other.is_dirty)
        best = replace(
            best,
            digests=best.digests or other.digests,
            who=best.who or other.who,
            command=best.command or other.command,
            evidence=best.evidence or (other.evidence if other.evidence_hash == best.evidence_hash else None),
        )
    return best


def _measures(record: Record) -> Iterator[KeptMeasure]:
    if record.judged is None or record.judged.phases.took_effect is None:
        return
    judgement, kpis = record.judged.judgement, record.plan.workload.kpis
    for row in judgement.recovery:
        unhurt = not row.degraded and row.verdict is Verdict.HELD  # it never left its bound: back at once
        value, low, high = (0.0, 0.0, 0.0) if unhurt else (row.took, row.low, row.high)
        if value is not None or row.censored:
            yield KeptMeasure("recovery", row.kpi, row.verdict, value, low, high, kpis[row.kpi].interval)
    if (found := judgement.detection) is not None:
        yield KeptMeasure("detection", found.alarm, found.verdict, found.took, found.low, found.high, 1.0)
    for loss in judgement.losses:
        if loss.lost is not None:
            yield KeptMeasure("loss", loss.kpi, None, loss.lost, loss.low, loss.high, 1.0)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
