"""The events of a run: frozen values in order of time, which listeners receive.

Times are seconds since the epoch on the run's own clock. No event holds the run's id (parameters show it as `{run}`),
so that the same seed on the twin gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from gameday.change import Json
from gameday.steady_state.judging.judge import Judgement, Phases
from gameday.steady_state.samples import Sample

Absent = Annotated[str | None, Field(exclude_if=lambda value: value is None)]
"""A text that JSON leaves out where it is None."""

AccountState = Literal["restored", "gone", "stuck", "untouched"]
"""What became of the account; *gone*: somebody destroyed what the run had changed."""

PhaseName = Literal["before", "inject", "during", "undo", "after"]


@dataclass(frozen=True, slots=True)
class PhaseBegan:
    """The run entered a phase: before, inject, during, undo, after."""

    at: float
    phase: PhaseName
    lasts: float | None  # seconds it is meant to take; None where that is unknown
    type: Literal["phase"] = "phase"


@dataclass(frozen=True, slots=True)
class Sampled:
    """New samples of one KPI; a later sample with the same start replaces an earlier one (late points)."""

    at: float
    kpi: str
    samples: tuple[Sample, ...]
    type: Literal["sampled"] = "sampled"


@dataclass(frozen=True, slots=True)
class Called:
    """One mutating call that was sent, with its outcome."""

    at: float
    phase: Literal["inject", "undo"]
    position: int  # of the change in the plan
    service: str
    operation: str
    region: str
    params: dict[str, Json]
    took: float  # seconds
    error: str | None  # the error's code, or None
    request_id: Absent = None  # by which CloudTrail and AWS Support find the call; None on the twin
    type: Literal["called"] = "called"


@dataclass(frozen=True, slots=True)
class TookEffect:
    """The account shows a fault's effect; the fault's time starts here."""

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
    error: Absent = None  # code of the error of the last read for the effect, if it failed
    type: Literal["no-effect"] = "no-effect"


@dataclass(frozen=True, slots=True)
class Detected:
    """The alarm of `detected_by` fired at `fired_at`, by CloudWatch's history; `at` is when the run read it."""

    at: float
    alarm: str
    fired_at: float
    type: Literal["detected"] = "detected"


@dataclass(frozen=True, slots=True)
class FaultStep:
    """One of several faults in order begins (inject), ends before the others (undo), or is undone by then (undone)."""

    at: float
    fault: int  # index in the plan
    step: Literal["inject", "undo", "undone"]
    about: str
    type: Literal["fault-step"] = "fault-step"


AbortedBy = Literal["guard", "alarm", "blind", "failed", "error", "signal", "halt", "lease", "undone-early", "killed"]


@dataclass(frozen=True, slots=True)
class Aborted:
    """The run ended early.

    `why` names the cause: the guard, a stop alarm, missing data, a failed call, another error, a signal,
    `gameday halt`, a lost lease, somebody who undid the fault, or the death of the run's process.
    """

    at: float
    why: AbortedBy
    about: str
    type: Literal["aborted"] = "aborted"


@dataclass(frozen=True, slots=True)
class ChangeClosed:
    """The end of one change after undo.

    It is as before, healed by itself, changed or destroyed by somebody else, or not undone.
    """

    at: float
    position: int
    state: Literal["restored", "healed", "not-healed", "conflict", "gone", "stuck", "untouched"]
    about: str  # its value of before and its value now, in words
    type: Literal["change-closed"] = "change-closed"


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence for people: a warning, or a listener that was dropped."""

    at: float
    text: str
    type: Literal["remark"] = "remark"


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, with all values that it rests on."""

    at: float
    phases: Phases
    judgement: Judgement
    type: Literal["judged"] = "judged"


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event: the state of the account, and the exit code."""

    at: float
    account: AccountState
    exit: int
    type: Literal["ended"] = "ended"


Event = (
    PhaseBegan
    | FaultStep
    | Sampled
    | Called
    | TookEffect
    | NoEffect
    | Detected
    | Aborted
    | ChangeClosed
    | Remark
    | Judged
    | Ended
)

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def to_json(event: Event) -> dict[str, Any]:
    """Return an event as JSON; `from_json` reads it back."""
    return _EVENT.dump_python(event, mode="json")  # type: ignore[no-any-return]


def from_json(raw: object) -> Event:
    """Return the event that `to_json` wrote. Raises pydantic's ValidationError."""
    return _EVENT.validate_python(raw)
