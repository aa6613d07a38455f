"""The law that every fault keeps: apply, then undo, and everything it touched is as it was."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.account import Account
from gameday.change import CreatedResource, IrreversibleAction, Json, NormalForm, PlannedFault, SettingChange, Shape
from gameday.engine.apply import apply
from gameday.engine.canonical import canonical
from gameday.engine.journal import Journal
from gameday.engine.placeholders import bind, search
from gameday.engine.settings import SettingValue, read_settings
from gameday.engine.undo import undo
from gameday.errors import GamedayError
from gameday.events import Called, ChangeClosed, Event
from gameday.steady_state.clock import Clock
from gameday.testing.unreliable_account import RoughAccount, Way


class Broken(AssertionError):
    """A fault does not keep the law."""


def touched(
    changes: Iterable[SettingChange | CreatedResource | IrreversibleAction], run: str, account: Account
) -> dict[str, Json]:
    """How everything stands that changes touch, in a form to compare: settings, and what the run has made."""
    of_all = list(changes)
    setting_changes = {number: change for number, change in enumerate(of_all) if isinstance(change, SettingChange)}
    stands: dict[str, Json] = {}
    for number, found in read_settings(setting_changes, account).items():
        setting_change = setting_changes[number]
        if not isinstance(found, SettingValue):
            raise found
        stands[f"{setting_change.subject}"] = "gone" if found.gone else _said(setting_change, found.value)
    for make in (change for change in of_all if isinstance(change, CreatedResource)):
        answer = account.pages(bind(make.find, {"run": run, "args": make.args, "made": {}}), make.region)
        stands[f"made: {make.name}"] = search(make.found, answer) or []
    return stands


def _said(setting_change: SettingChange, value: Json) -> str:
    if setting_change.setting.shape is Shape.SET:
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
        if (
            any(not isinstance(change, IrreversibleAction) for change in changes)
            and touched(changes, run, account.account) == before
        ):
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
