"""The law that every fault must keep: after apply and undo, everything that it touched is as before."""

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
    """A fault broke the law."""


def touched(changes: Iterable[Change], run: str, account: Account) -> dict[str, Json]:
    """Read everything that changes touch, in a comparable form: settings, and what the run has created."""
    everything = list(changes)
    settings = {number: change for number, change in enumerate(everything) if isinstance(change, SettingChange)}
    state: dict[str, Json] = {}
    for number, observed in read_settings(settings, account).items():
        if not isinstance(observed, Observation):
            raise observed
        state[settings[number].subject] = "gone" if observed.gone else _normalized(settings[number], observed.value)
    for change in everything:
        if change.creates:
            known = change.bindings(run, {})
            find = bind(change.read_call, known)
            answer = account.pages(find, change.region)
            state[f"made: {', '.join(change.made_binding('new'))}"] = [*change.learned_ids(find, answer, known)]
    return state


def _normalized(setting_change: SettingChange, value: Json) -> str:
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
    """Apply a planned fault `times` times to a rough account, undo it twice, and return what undo closed.

    The run must have begun in the journal. If apply raises because a request is late, undo runs all the same. Raises
    Broken where undo leaves anything changed, where apply changes nothing, or where a second undo does something.
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
        raise Broken(f"{planned_fault.label}: undo left changes: {'; '.join(wrong)} ({settled})")
    again: list[Event] = []
    if undo(run, account, journal, clock, again.append) or any(isinstance(event, Called) for event in again):
        raise Broken(f"{planned_fault.label}: a second undo did something: {again}")
    return settled
