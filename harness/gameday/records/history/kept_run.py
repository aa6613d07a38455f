"""What history keeps of a run or a refusal: its claim, its release, its place, its verdict and its measures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

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
    verdict: Literal["held", "unknown", "broken"] | None  # None: nothing was claimed
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
    place: Literal["twin", "aws"]
    account: str
    seed: int | None
    started: str
    ended: str | None  # the end of the observation; a twin's run takes seconds, and counts from its start
    verdict: Literal["held", "unknown", "broken", "refused"]
    left: Literal["restored", "gone", "stuck", "untouched", "unknown"]  # the state that the account was left in
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
    store: str | None = None  # the team's store, which its workload names
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
