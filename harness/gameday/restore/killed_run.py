"""The record of a run whose process died, from its journal: what became of each change; the verdict is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from gameday import __version__
from gameday.engine.entries import Entry, Run
from gameday.errors import JournalError
from gameday.events import Aborted, ChangeClosed, Event, Judged, PhaseBegan
from gameday.plan.plan import Plan, claim_of
from gameday.records.record import Record, with_outcomes
from gameday.run.ending import ended
from gameday.run.undo_outcome import outcomes
from gameday.steady_state.judging.judge import judge
from gameday.steady_state.kpi.claim import Phases

ABOUT = "the samples of the run are lost"


def record_of_killed(run: Run, entries: Sequence[Entry], now: float) -> Record:
    """Make the record of a killed run, after its restore; an entry that is still open makes it *stuck*.

    `now`: seconds since the epoch, on the wall clock. Raises JournalError where the journal's plan cannot be read.
    """
    try:
        plan = Plan.model_validate_json(run.plan)
    except ValidationError as error:
        raise JournalError(
            f"Gameday cannot read the plan of run {run.id}, so it cannot write the run's record",
            "read it with the version of Gameday that wrote it",
            gd_code="GD-E301",
        ) from error
    return Record(
        run=run.id,
        tool=__version__,
        started=datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds"),
        plan=plan,
        events=tuple(_events(plan, run, entries, now)),
        seed=plan.seed,
        principal=plan.principal,
    )


def _events(plan: Plan, run: Run, entries: Sequence[Entry], now: float) -> list[Event]:
    """Return the events of the run's phases, its death and its undo; the times of a twin's run are the twin's own."""
    known = [at for entry in entries for at in (entry.intended, entry.sent, entry.answered) if at is not None]
    injected = min((entry.intended for entry in entries), default=None)
    began = min([run.started, *known]) if run.place == "aws" else min(known, default=run.started)
    died = max(known, default=began)
    undone = max(now, died) if run.place == "aws" else died
    settled: list[ChangeClosed] = outcomes(entries, undone, "it is not undone: run `gameday restore` again")
    phases = Phases(
        before=(began, began if injected is None else injected),
        injected=injected,
        undo=died,
        undone=undone,
        end=undone,
        aborted=f"killed: {ABOUT}",
    )
    judgement = with_outcomes(judge(claim_of(plan), {}, phases), settled, phases)
    return [
        PhaseBegan(began, "before", None),
        *([PhaseBegan(injected, "inject", None)] if injected is not None else []),
        Aborted(died, "killed", ABOUT),
        *([PhaseBegan(died, "undo", None)] if entries else []),
        *settled,
        Judged(undone, phases, judgement),
        ended(undone, judgement.verdict, settled, injected=injected is not None),
    ]
