"""The record of one run: its plan and its events, as one JSON file from which every report is made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from harness.errors import Exit, InvalidInput
from harness.events import Aborted, Bitten, Called, DidNotBite, Ended, Event, Judged, PhaseBegan, Said, Sampled, Settled
from harness.plan import Place, Plan, claim_of
from steady_state.judge import Judgement, Verdict, judge
from steady_state.samples import Sample, Series

VERSION = 1
"""The version of the file that `write_record` writes and `read_record` reads."""

Outcome = Literal["held", "unknown", "broken", "refused"]
"""What a report says of an experiment: a verdict, or that nothing was injected."""


@dataclass(frozen=True)
class Span:
    """A phase of the run, in seconds since the epoch."""

    phase: str
    start: float
    end: float


@dataclass(frozen=True)
class Record:
    """All that is known of one run; everything a report says is derived from here."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    run: str  # its id, random
    tool: str  # version of gameday
    started: str  # wall clock, ISO 8601 in UTC
    plan: Plan
    events: tuple[Annotated[Event, Field(discriminator="type")], ...]
    seed: int | None = None
    principal: str | None = None  # ARN of who ran it
    files: tuple[str, ...] = ()  # the YAML files it was made from
    commit: str | None = None  # of the repository that holds them, where it is known
    command: str = ""  # repeats the run
    version: int = VERSION

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.plan.experiment.name

    @property
    def place(self) -> Place:
        """Where it ran."""
        return self.plan.place

    @cached_property
    def series(self) -> dict[str, Series]:
        """The samples of each KPI in order of time; a late one replaces what was there for the same start."""
        bins: dict[str, dict[float, Sample]] = {}
        for event in self.events:
            if isinstance(event, Sampled):
                bins.setdefault(event.kpi, {}).update((sample.start, sample) for sample in event.samples)
        return {kpi: tuple(found[start] for start in sorted(found)) for kpi, found in bins.items()}

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
        """The moment from which reports count: the injection, else the run's start."""
        if self.judged and self.judged.phases.injected is not None:
            return self.judged.phases.injected
        return next((span.start for span in self.spans if span.phase == "inject"), self.start)

    @cached_property
    def calls(self) -> tuple[Called, ...]:
        """The mutating calls, in order."""
        return tuple(event for event in self.events if isinstance(event, Called))

    @cached_property
    def settled(self) -> dict[int, Settled]:
        """What became of each change, by its position in the plan; the last word counts."""
        return {event.position: event for event in self.events if isinstance(event, Settled)}

    @cached_property
    def remarks(self) -> tuple[Bitten | DidNotBite | Aborted | Said, ...]:
        """What else people should see: bites, aborts, warnings."""
        return tuple(event for event in self.events if isinstance(event, Bitten | DidNotBite | Aborted | Said))

    @cached_property
    def judged(self) -> Judged | None:
        """The judgement with its phases; None where the run was not judged."""
        return next((event for event in reversed(self.events) if isinstance(event, Judged)), None)

    @cached_property
    def ended(self) -> Ended | None:
        """The last event; None where the run died before it."""
        return next((event for event in reversed(self.events) if isinstance(event, Ended)), None)

    @property
    def outcome(self) -> Outcome:
        """The verdict; refused where nothing was injected; unknown where nothing was judged."""
        if self.ended and self.ended.exit == Exit.REFUSED:
            return "refused"
        return (self.judged.judgement.verdict if self.judged else Verdict.UNKNOWN).value

    @property
    def stuck(self) -> bool:
        """Whether the account needs a person: it is stuck, or the run died before it could say."""
        return self.ended is None or self.ended.account == "stuck"


def rejudge(record: Record) -> Judgement:
    """Judge the stored samples again. Raises InvalidInput where the run never got as far as a judgement."""
    if record.judged is None:
        msg = f"run {record.run} ended before it could be judged: its record holds no phases"
        raise InvalidInput(msg, "run the experiment again")
    return judge(claim_of(record.plan), record.series, record.judged.phases)


_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


def write_record(record: Record, path: Path) -> None:
    """Write a record as one JSON file, an event a line. Raises OSError."""
    head: dict[str, Any] = _RECORD.dump_python(record, mode="json", by_alias=True)
    # What users write stands without its defaults: some of them may not be written (a latency's statistic).
    plan = record.plan
    for key, written in (("experiment", plan.experiment), ("workload", plan.workload), ("twin", plan.twin)):
        if written is not None:
            head["plan"][key] = written.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    events = ",\n".join(_compact(event) for event in head.pop("events"))
    path.write_text(f'{_compact(head)[:-1]},"events":[\n{events}\n]}}\n', encoding="utf-8")


def read_record(path: Path) -> Record:
    """A record from its file. Raises InvalidInput where it is not one, or of a version that this tool does not read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise InvalidInput(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{path}: is not JSON: {error}"
        raise InvalidInput(msg, "name the JSON file of a run, beside its index.html") from error
    if not isinstance(raw, dict) or "version" not in raw or "events" not in raw:
        msg = f"{path}: is not the record of a run"
        raise InvalidInput(msg, "name the JSON file of a run, beside its index.html")
    if raw["version"] != VERSION:
        msg = f"{path}: is a record of version {raw['version']!r}; this gameday reads version {VERSION}"
        raise InvalidInput(msg, "read it with the gameday that wrote it")
    try:
        return _RECORD.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{path}: is damaged at {place}: {first['msg']}"
        raise InvalidInput(msg, "read it with the gameday that wrote it, or run the experiment again") from error


def _compact(raw: object) -> str:
    return json.dumps(raw, separators=(",", ":"), allow_nan=False)
