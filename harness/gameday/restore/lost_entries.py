"""What a run may have changed that the journal does not hold: known from the run's plan, and shown by the account."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, ValidationError

from gameday.aws.account import Account
from gameday.change import Change, PlannedFault, Standing
from gameday.engine.entries import Entry, Run
from gameday.engine.observe import observe
from gameday.errors import AwsError, EntriesLost, GamedayError

_UNTOUCHED = (Standing.BEFORE, Standing.GONE)


class _PlannedFaults(BaseModel):
    """The part of a plan that says what would change; the rest may be of another version."""

    planned_faults: tuple[PlannedFault, ...]


def planned_entries(run: Run) -> list[Entry]:
    """Return an entry for each change of a run's plan, as apply would write it. Raises EntriesLost."""
    try:
        plan = _PlannedFaults.model_validate_json(run.plan)
    except ValidationError as error:
        raise EntriesLost(
            f"this version of Gameday cannot read the plan of run {run.id}, so it cannot check what the journal lost",
            "restore the run with the version that wrote it",
        ) from error
    entries: list[Entry] = []
    for fault in plan.planned_faults:
        first = len(entries)
        for stage, changes in enumerate(fault.stages):
            position = len(entries)
            entries += [Entry(position + n, first, stage, change) for n, change in enumerate(changes)]
    return entries


def known_changes(run: Run) -> list[str]:
    """Return the changes of a run's plan in words; none where its plan cannot be read."""
    try:
        return [entry.change.headline for entry in planned_entries(run)]
    except EntriesLost:
        return []


def must_show_no_other(run: Run, journaled: Collection[int], account: Account) -> None:
    """Raise EntriesLost where the account shows a change of the plan that the journal does not hold; reads only.

    What a change needs from a resource that the run would have created cannot be read without it: that resource's own
    change shows it. Raises AwsError where a read fails.
    """
    lacking = {
        entry.position: entry
        for entry in planned_entries(run)
        if entry.position not in journaled and entry.change.undoable
    }
    seen = observe(lacking, lambda entry: entry.change.bindings(run.id, {}), account)
    shown: list[Change] = []
    for position, entry in lacking.items():
        now = seen[position]
        if isinstance(now, AwsError):
            raise now
        if not isinstance(now, GamedayError) and entry.change.standing(now, None) not in _UNTOUCHED:
            shown.append(entry.change)
    if shown:
        raise EntriesLost(
            f"the journal does not hold what run {run.id} changed, and the account does not show the values of before: "
            f"{'; '.join(change.headline for change in shown)}"
        )
