"""What happens in a run, as frozen events in order of time; whatever wants to know listens to them.

Times are seconds since the epoch on the run's own clock. The run's id never stands in an event (in parameters it reads
`{run}`), so that the same seed on the twin gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from gameday.change import Json
from gameday.steady_state.judging.judge import Judgement, Phases
from gameday.steady_state.samples import Sample

Absent = Annotated[str | None, Field(exclude_if=lambda value: value is None)]
"""A text that is not written where there is none."""

PhaseName = Literal["before", "inject", "during", "undo", "after"]


@dataclass(frozen=True, slots=True)
class PhaseBegan:
    """The run entered a phase: before, inject, during, undo, after."""

    at: float
    phase: PhaseName
    lasts: float | None  # seconds it is meant to take, where that is known
    type: Literal["phase"] = "phase"


@dataclass(frozen=True, slots=True)
class Sampled:
    """New samples of one KPI; a later one for the same start replaces an earlier one (late points)."""

    at: float
    kpi: str
    samples: tuple[Sample, ...]
    type: Literal["sampled"] = "sampled"


@dataclass(frozen=True, slots=True)
class Called:
    """One mutating call that went out, with what became of it."""

    at: float
    phase: Literal["inject", "undo"]
    position: int  # of the change in the plan
    service: str
    operation: str
    region: str
    params: dict[str, Json]
    took: float  # seconds
    error: str | None  # the error's code, or None
    request_id: Absent = None  # of the call in AWS: CloudTrail and AWS Support find it by that; None on the twin
    type: Literal["called"] = "called"


@dataclass(frozen=True, slots=True)
class TookEffect:
    """A fault's effect was read from the account; its time starts here."""

    at: float
    fault: int  # index in the plan
    about: str
    type: Literal["took-effect"] = "took-effect"


@dataclass(frozen=True, slots=True)
class NoEffect:
    """A fault showed no effect before its deadline: the run can only end unknown."""

    at: float
    fault: int
    about: str
    error: Absent = None  # code of the error with which the last look for the effect failed, if it did
    type: Literal["no-effect"] = "no-effect"


@dataclass(frozen=True, slots=True)
class Detected:
    """The alarm of `detected_by` has fired: when CloudWatch says so; `at` is when the run read it."""

    at: float
    alarm: str
    fired_at: float
    type: Literal["detected"] = "detected"


AbortedBy = Literal["guard", "alarm", "blind", "failed", "signal", "halt", "lease", "undone-early"]


@dataclass(frozen=True, slots=True)
class Aborted:
    """The run was ended early: by the guard, a stop alarm, missing data, a failed call, a signal, `gameday halt`, a
    lease that was lost, or somebody who undid the fault.
    """

    at: float
    why: AbortedBy
    about: str
    type: Literal["aborted"] = "aborted"


@dataclass(frozen=True, slots=True)
class ChangeClosed:
    """What became of one change after undo: as it was, healed by itself, somebody else's by now, or not undone."""

    at: float
    position: int
    state: Literal["restored", "healed", "not-healed", "conflict", "stuck", "untouched"]
    about: str  # what it was before, what it is now
    type: Literal["change-closed"] = "change-closed"


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that people should see: a warning, or a listener that was dropped."""

    at: float
    text: str
    type: Literal["remark"] = "remark"


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, with all that it rests on."""

    at: float
    phases: Phases
    judgement: Judgement
    type: Literal["judged"] = "judged"


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event: what became of the account, and the exit code."""

    at: float
    account: Literal["restored", "stuck", "untouched"]
    exit: int
    type: Literal["ended"] = "ended"


Event = (
    PhaseBegan | Sampled | Called | TookEffect | NoEffect | Detected | Aborted | ChangeClosed | Remark | Judged | Ended
)

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def to_json(event: Event) -> dict[str, Any]:
    """An event as JSON; `from_json` reads it back."""
    return _EVENT.dump_python(event, mode="json")  # type: ignore[no-any-return]


def from_json(raw: object) -> Event:
    """An event from its JSON."""
    return _EVENT.validate_python(raw)
