"""The record of one run: its plan and its events. Gameday makes every report from this JSON file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from gameday.disk import write_anew
from gameday.errors import Exit, InvalidInput
from gameday.events import (
    Aborted,
    Called,
    ChangeClosed,
    Detected,
    Ended,
    Event,
    Judged,
    NoEffect,
    PhaseBegan,
    Remark,
    Sampled,
    TookEffect,
)
from gameday.plan.json_file import content, damage, odd_numbers
from gameday.plan.plan import Place, Plan, canonical, claim_of
from gameday.records.file_limits import LARGEST
from gameday.steady_state.judging.judge import Judgement, Verdict, judge, worst
from gameday.steady_state.kpi.claim import Phases
from gameday.steady_state.samples import Sample, Series

VERSION = 1
"""The version of the file that `write_record` writes and `read_record` reads."""

OutcomeName = Literal["held", "unknown", "broken", "refused"]
"""The outcome of an experiment in a report: a verdict, or *refused* where nothing was injected."""

EXITS: dict[OutcomeName, Exit] = {
    "held": Exit.HELD,
    "unknown": Exit.UNKNOWN,
    "broken": Exit.BROKEN,
    "refused": Exit.REFUSED,
}


@dataclass(frozen=True)
class Span:
    """A phase of the run, in seconds since the epoch."""

    phase: str
    start: float
    end: float


@dataclass(frozen=True)
class Record:
    """Hold all facts about one run; every report derives from them."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    run: str  # its id, random
    tool: str  # version of gameday
    started: str  # wall clock, ISO 8601 in UTC
    plan: Plan
    events: tuple[Annotated[Event, Field(discriminator="type")], ...]
    seed: int | None = None
    principal: str | None = None  # ARN of who ran it
    assumed: str | None = None  # ARN of the role's session that injected, where the workload names a role
    source_identity: str | None = None  # of that session: what CloudTrail names for each of its calls
    undo_until: str | None = None  # when the credentials that the undo needs end; None where no end was known
    files: tuple[str, ...] = ()  # the YAML files it was made from
    commit: str | None = None  # of the repository that holds them, where it is known
    is_dirty: bool = False  # they, or the tree around them, differ from that commit
    digests: dict[str, str] = field(default_factory=dict)  # SHA-256 of each file, by its path
    release: str | None = None  # that the run tests, as its user names it
    who: str | None = None  # user@host
    command: str = ""  # repeats the run
    version: int = VERSION

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.plan.experiment.name

    @property
    def commit_words(self) -> str:
        """The commit, and whether the files or their tree differ from it; empty where it is unknown."""
        return f"{self.commit}{', and changes that are not committed' if self.is_dirty else ''}" if self.commit else ""

    @property
    def place(self) -> Place:
        """Where it ran."""
        return self.plan.place

    @cached_property
    def series(self) -> dict[str, Series]:
        """The samples of each KPI in order of time; a late sample replaces an earlier one with the same start."""
        bins: dict[str, dict[float, Sample]] = {}
        for event in self.events:
            if isinstance(event, Sampled):
                bins.setdefault(event.kpi, {}).update((sample.start, sample) for sample in event.samples)
        return {kpi: tuple(samples[start] for start in sorted(samples)) for kpi, samples in bins.items()}

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The phases in order, each until the next one; the last until the last event."""
        began = [event for event in self.events if isinstance(event, PhaseBegan)]
        ends = [event.at for event in began[1:]] + [self.end]
        return tuple(Span(event.phase, event.at, end) for event, end in zip(began, ends, strict=True))

    @property
    def start(self) -> float:
        """The first event, in seconds since the epoch."""
        return self.events[0].at if self.events else 0.0

    @property
    def end(self) -> float:
        """The last event, in seconds since the epoch."""
        return self.events[-1].at if self.events else 0.0

    @property
    def zero(self) -> float:
        """Zero of the times in reports: the injection, else the run's start; in seconds since the epoch."""
        if self.judged and self.judged.phases.injected is not None:
            return self.judged.phases.injected
        return next((span.start for span in self.spans if span.phase == "inject"), self.start)

    @cached_property
    def calls(self) -> tuple[Called, ...]:
        """The mutating calls, in order."""
        return tuple(event for event in self.events if isinstance(event, Called))

    @cached_property
    def settled(self) -> dict[int, ChangeClosed]:
        """The last reported state of each change, by its position in the plan."""
        return {event.position: event for event in self.events if isinstance(event, ChangeClosed)}

    @cached_property
    def remarks(self) -> tuple[TookEffect | NoEffect | Detected | Aborted | Remark, ...]:
        """Other events to show: effects, the alarm, aborts, remarks."""
        return tuple(
            event for event in self.events if isinstance(event, TookEffect | NoEffect | Detected | Aborted | Remark)
        )

    @cached_property
    def judged(self) -> Judged | None:
        """The judgement with its phases; None where the run was not judged."""
        return next((event for event in reversed(self.events) if isinstance(event, Judged)), None)

    @cached_property
    def ended(self) -> Ended | None:
        """The last event; None where the run died before it."""
        return next((event for event in reversed(self.events) if isinstance(event, Ended)), None)

    @property
    def outcome(self) -> OutcomeName:
        """The verdict; refused where nothing was injected; unknown where nothing was judged."""
        if self.ended and self.ended.exit == Exit.REFUSED:
            return "refused"
        return (self.judged.judgement.verdict if self.judged else Verdict.UNKNOWN).value

    @property
    def stuck(self) -> bool:
        """Whether the account needs a person: it is stuck, or the run died before its last event."""
        return self.ended is None or self.ended.account == "stuck"


@dataclass(frozen=True)
class Rejudged(Record):
    """Hold a record and a second judgement of its samples. The worse of the two verdicts counts."""

    again: Judgement = field(kw_only=True)

    @property
    def was(self) -> Verdict:
        """The verdict that the run itself ended with."""
        return self.judged.judgement.verdict if self.judged else Verdict.UNKNOWN

    @property
    def outcome(self) -> OutcomeName:
        """The worse of both verdicts."""
        return worst([self.was, self.again.verdict]).value


def rejudge(record: Record) -> Rejudged:
    """Judge the stored samples again. Raises InvalidInput if the run ended before its judgement."""
    if record.judged is None:
        msg = f"run {record.run} ended before Gameday could judge it: its record holds no phases"
        raise InvalidInput(msg, "run the experiment again", gd_code="GD-E102")
    judgement = judge(claim_of(record.plan), record.series, record.judged.phases)
    values = {entry.name: getattr(record, entry.name) for entry in fields(record)}
    again = with_outcomes(judgement, record.settled.values(), record.judged.phases)
    return Rejudged(**values, again=again)


def judged_again(record: Record) -> Record:
    """Judge a record again if it can be, so that a record of an older version shows as much as a new one."""
    return rejudge(record) if record.judged else record


def with_outcomes(judgement: Judgement, settled: Iterable[ChangeClosed], phases: Phases) -> Judgement:
    """Return a judgement with what became of the changes.

    An irreversible action that never healed makes it *broken*; a resource that somebody destroyed, *unknown* at least.
    Where the whole time for an effect showed none, nothing shows that the action hit anything: that is *unknown*.
    """
    had_no_effect = phases.took_effect is None and phases.aborted is None
    unhealed = Verdict.UNKNOWN if had_no_effect else Verdict.BROKEN
    kinds = (("not-healed", unhealed, "Never healed"), ("gone", Verdict.UNKNOWN, "Destroyed meanwhile"))
    closed = tuple(settled)
    for state, verdict, words in kinds:
        if abouts := [change.about for change in closed if change.state == state]:
            sentence = f"{judgement.sentence} {words}: {'; '.join(abouts)}."
            judgement = replace(judgement, verdict=worst([judgement.verdict, verdict]), sentence=sentence)
    return judgement


_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


def write_record(record: Record, path: Path) -> None:
    """Write a record for its owner alone, as one JSON file with its hash, an event a line. Raises OSError."""
    raw: dict[str, Any] = _RECORD.dump_python(record, mode="json", by_alias=True)
    raw["plan"] = plan_written(record.plan)
    raw["plan_hash"] = record.plan.digest
    raw["hash"] = record_hash(raw)
    events = ",\n".join(_compact(event) for event in raw.pop("events"))
    write_anew(path, f'{_compact(raw)[:-1]},"events":[\n{events}\n]}}\n'.encode())


def record_hash(raw: dict[str, Any]) -> str:
    """Hash a record: SHA-256 of its canonical JSON without the hash itself, independent of the file's layout."""
    return hashlib.sha256(canonical({key: value for key, value in raw.items() if key != "hash"})).hexdigest()


def plan_written(plan: Plan) -> dict[str, Any]:
    """Convert a plan to JSON that Gameday can read back. Masks secrets."""
    raw: dict[str, Any] = plan.model_dump(mode="json", by_alias=True)
    # Leave out the defaults of what users write: files may not contain some of them (a latency's statistic).
    for key, written in (("experiment", plan.experiment), ("workload", plan.workload), ("twin", plan.twin)):
        if written is not None:
            raw[key] = written.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return raw


def read_record(path: Path) -> Record:
    """Read a record from its file.

    Its hash detects accidents, not forgery.

    Raises InvalidInput for a file that is not a record, is damaged, or has a version that this tool does not read.
    """
    raw = _parsed(path)
    if not isinstance(raw, dict) or not {"version", "events"} <= raw.keys():
        raise InvalidInput(f"{path}: is not the record of a run", _NAME_A_RECORD, gd_code="GD-E102")
    if raw["version"] != VERSION:
        msg = f"{path}: is a record of version {raw['version']!r}; this version of Gameday reads version {VERSION}"
        raise InvalidInput(msg, "read it with the version of Gameday that wrote it", gd_code="GD-E103")
    if odd := next(odd_numbers(raw), None):
        raise InvalidInput(f"{path}: is damaged at {odd}", _RUN_AGAIN, gd_code="GD-E102")
    try:
        record = _RECORD.validate_python({key: raw[key] for key in raw if key not in ("hash", "plan_hash")})
    except ValidationError as error:
        raise InvalidInput(f"{path}: {damage(error)}", _RUN_AGAIN, gd_code="GD-E102") from error
    if raw.get("hash") != record_hash(raw):
        raise InvalidInput(f"{path}: was changed after it was written, or is damaged", _COPY_AGAIN, gd_code="GD-E102")
    return record


_NAME_A_RECORD = "name the JSON file of a run, beside its index.html"
_COPY_AGAIN = "copy the original file again, or run the experiment again"
_RUN_AGAIN = "read it with the version of Gameday that wrote it, or run the experiment again"


def _parsed(path: Path) -> object:
    raw = content(path, "record", LARGEST, _NAME_A_RECORD)
    try:
        return json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: is not JSON: {error}", _NAME_A_RECORD, gd_code="GD-E102") from error


def _compact(raw: object) -> str:
    return json.dumps(raw, separators=(",", ":"), allow_nan=False)
