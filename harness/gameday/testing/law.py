"""The law that every fault keeps: apply, then undo, and everything it touched is as it was."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.account import Account
from gameday.change import Change, Json, NormalForm, Observation, PlannedFault, SettingChange
from gameday.change.normal_form import canonical
from gameday.change.placeholders import bind
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.settings import read_settings
from gameday.engine.undo import undo
from gameday.errors import GamedayError
from gameday.events import Called, ChangeClosed, Event
from gameday.steady_state.clock import Clock
from gameday.testing.unreliable_account import RoughAccount, Way


class Broken(AssertionError):
    """A fault does not keep the law."""


def touched(changes: Iterable[Change], run: str, account: Account) -> dict[str, Json]:
    """How everything stands that changes touch, in a form to compare: settings, and what the run has made."""
    everything = list(changes)
    settings = {number: change for number, change in enumerate(everything) if isinstance(change, SettingChange)}
    stands: dict[str, Json] = {}
    for number, found in read_settings(settings, account).items():
        if not isinstance(found, Observation):
            raise found
        stands[settings[number].subject] = "gone" if found.gone else _said(settings[number], found.value)
    for change in everything:
        if change.creates:
            known = change.bindings(run, {})
            find = bind(change.read_call, known)
            answer = account.pages(find, change.region)
            stands[f"made: {', '.join(change.made_binding('new'))}"] = [*change.learned_ids(find, answer, known)]
    return stands


def _said(setting_change: SettingChange, value: Json) -> str:
    if setting_change.is_set:
        return canonical(NormalForm.SORTED, value or [])
    return canonical(setting_change.setting.canonical, value)


def law(
    planned_fault: PlannedFault,
    account: RoughAccount,
    clock: Clock,
    journal: Journal,
    run: str,
    *,
    times: int = 2,
) -> list[ChangeClosed]:
    """Apply an injection so many times and undo it twice, on a rough account; raises Broken where anything is left.

    The run must have begun in the journal. What apply raises (a request that is on its way) is undone all the same.
    """
    changes = planned_fault.changes
    before = touched(changes, run, account.account)
    try:
        for _ in range(times):
            apply(planned_fault.stages, 0, run, account, journal, clock, lambda _: None)
    except GamedayError:
        if Way.LATE not in account.ways:
            raise
    else:
        if any(change.undoable for change in changes) and touched(changes, run, account.account) == before:
            raise Broken(f"{planned_fault.label}: apply changed nothing")
    account.undo_begins()
    settled = undo(run, account, journal, clock, lambda _: None)
    after = touched(changes, run, account.account)
    if after != before:
        wrong = [f"{key} was {before[key]}, is {after[key]}" for key in before if before[key] != after[key]]
        raise Broken(f"{planned_fault.label}: not as it was: {'; '.join(wrong)} ({settled})")
    again: list[Event] = []
    if undo(run, account, journal, clock, again.append) or any(isinstance(one, Called) for one in again):
        raise Broken(f"{planned_fault.label}: a second undo did something: {again}")
    return settled
