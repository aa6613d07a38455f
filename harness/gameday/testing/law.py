"""The law that every fault keeps: apply, then undo, and everything it touched is as it was."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.account import Account
from gameday.change import Canonical, Injection, Json, Make, Shape, Strike, Turn
from gameday.engine.apply import apply
from gameday.engine.canonical import canonical
from gameday.engine.journal import Journal
from gameday.engine.placeholders import bind, search
from gameday.engine.settings import Reading, read_turns
from gameday.engine.undo import undo
from gameday.errors import GamedayError
from gameday.events import Called, Event, Settled
from gameday.steady_state.clock import Clock
from gameday.testing.unreliable_account import RoughAccount, Way


class Broken(AssertionError):
    """A fault does not keep the law."""


def touched(changes: Iterable[Turn | Make | Strike], run: str, account: Account) -> dict[str, Json]:
    """How everything stands that changes touch, in a form to compare: settings, and what the run has made."""
    of_all = list(changes)
    turns = {number: change for number, change in enumerate(of_all) if isinstance(change, Turn)}
    stands: dict[str, Json] = {}
    for number, found in read_turns(turns, account).items():
        turn = turns[number]
        if not isinstance(found, Reading):
            raise found
        stands[f"{turn.knob.name} of {turn.id}"] = "gone" if found.gone else _said(turn, found.value)
    for make in (change for change in of_all if isinstance(change, Make)):
        answer = account.pages(bind(make.find, {"run": run, "args": make.args, "made": {}}), make.region)
        stands[f"made: {make.name}"] = search(make.found, answer) or []
    return stands


def _said(turn: Turn, value: Json) -> str:
    if turn.knob.shape is Shape.SET:
        return canonical(Canonical.SORTED, value or [])
    return canonical(turn.knob.canonical, value)


def law(
    injection: Injection,
    account: RoughAccount,
    clock: Clock,
    journal: Journal,
    run: str,
    *,
    times: int = 2,
) -> list[Settled]:
    """Apply an injection so many times and undo it twice, on a rough account; raises Broken where anything is left.

    The run must have begun in the journal. What apply raises (a request that is on its way) is undone all the same.
    """
    changes = injection.changes
    before = touched(changes, run, account.account)
    try:
        for _ in range(times):
            apply(injection.stages, 0, run, account, journal, clock, lambda _: None)
    except GamedayError:
        if Way.LATE not in account.ways:
            raise
    else:
        if (
            any(not isinstance(change, Strike) for change in changes)
            and touched(changes, run, account.account) == before
        ):
            raise Broken(f"{injection.label}: apply changed nothing")
    account.undo_begins()
    settled = undo(run, account, journal, clock, lambda _: None)
    after = touched(changes, run, account.account)
    if after != before:
        wrong = [f"{key} was {before[key]}, is {after[key]}" for key in before if before[key] != after[key]]
        raise Broken(f"{injection.label}: not as it was: {'; '.join(wrong)} ({settled})")
    again: list[Event] = []
    if undo(run, account, journal, clock, again.append) or any(isinstance(one, Called) for one in again):
        raise Broken(f"{injection.label}: a second undo did something: {again}")
    return settled
