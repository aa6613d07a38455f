"""Check the times of an experiment's faults: `at` and `for` against each other, and against what is claimed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from gameday.files.fault_entries import ScheduledFault
from gameday.files.yaml.document import Loc, Section
from gameday.files.yaml.mistake import Mistake
from gameday.steady_state.kpi.units import exact_duration

CLOSE = 1e-9
"""Seconds; times as close as that are equal."""

FaultsAt = dict[Loc, ScheduledFault]
"""The valid faults, by the place of their fields."""


@dataclass(frozen=True)
class Stretch:
    """The time from an injection until the next injection or undo, in seconds after the first effect."""

    start: float
    end: float
    ends_in_undo: bool  # else the next injection ends it


def stretches(faults: Collection[ScheduledFault], lasts: float) -> tuple[Stretch, ...]:
    """Return the planned time after each injection in which Gameday changes nothing, in order.

    Where a fault ends and another one begins at the same time, the run undoes first.
    """
    begins = sorted({fault.at for fault in faults})
    ends = {lasts, *(fault.at + fault.lasts for fault in faults if fault.lasts is not None)}
    found = []
    for begin in begins:
        undo = min((end for end in ends if end > begin + CLOSE), default=lasts)
        following = min((other for other in begins if other > begin + CLOSE), default=undo + 1)
        found.append(Stretch(begin, min(undo, following), undo <= following + CLOSE))
    return tuple(found)


def check_order(document: Section, parts: dict[str, Any], faults: FaultsAt) -> Iterator[Mistake]:
    """Check when the faults begin and end; without `at` and `for` there is nothing to check."""
    timed = {loc: scheduled for loc, scheduled in faults.items() if scheduled.is_timed}
    if not timed:
        return
    wrong = [*_begins(document, faults), *_without_end(document, timed)]
    if "lasts" in parts:
        wrong += list(_ends(document, timed, parts["lasts"]))
        wrong = wrong or [*_gaps(document, faults, parts["lasts"]), *_recovery(document, parts, faults)]
    yield from wrong
    if parts.get("effect") and any(scheduled.at > 0 for scheduled in timed.values()):
        what = "one KPI cannot show which of several faults in order takes effect"
        yield document.mistake(("effect",), what, "remove `effect`, or let all faults begin together")


def _begins(document: Section, faults: FaultsAt) -> Iterator[Mistake]:
    first = min(scheduled.at for scheduled in faults.values())
    if first > 0:
        loc = next(loc for loc, scheduled in faults.items() if scheduled.at == first)
        what = f"no fault begins at 0s: the first one begins at {exact_duration(first)}"
        remedy = "times count from the first effect: leave out `at` of the fault that begins"
        yield document.mistake((*loc[:-1], "at"), what, remedy)


def _without_end(document: Section, timed: FaultsAt) -> Iterator[Mistake]:
    for loc, scheduled in timed.items():
        if scheduled.lasts is not None and scheduled.fault.is_irreversible:
            what = f"nothing undoes `{scheduled.fault.name}`, so `for` cannot end it"
            yield document.mistake((*loc[:-1], "for"), what, "leave out `for`")


def _ends(document: Section, timed: FaultsAt, lasts: float) -> Iterator[Mistake]:
    for loc, scheduled in timed.items():
        name, last = f"`{scheduled.fault.name}`", exact_duration(lasts)
        if scheduled.at >= lasts - CLOSE:
            what = f"{name} begins at {exact_duration(scheduled.at)}, and all faults end after `lasts: {last}`"
            yield document.mistake((*loc[:-1], "at"), what, "begin it earlier, or write a longer `lasts`")
        elif scheduled.lasts is not None and scheduled.at + scheduled.lasts > lasts + CLOSE:
            end = exact_duration(scheduled.at + scheduled.lasts)
            what = f"{name} ends at {end}, and all faults end after `lasts: {last}`"
            yield document.mistake((*loc[:-1], "for"), what, f"leave out `for`, or write at least `lasts: {end}`")


def _gaps(document: Section, faults: FaultsAt, lasts: float) -> Iterator[Mistake]:
    """Refuse a time without any fault: what a claim says of the faults would then rest on healthy data, too."""
    reached = 0.0
    for loc, scheduled in sorted(faults.items(), key=lambda item: item[1].at):
        if scheduled.at > reached + CLOSE:
            what = f"no fault is in force from {exact_duration(reached)} to {exact_duration(scheduled.at)}"
            remedy = "lengthen the fault before it, begin this one earlier, or write two experiments"
            yield document.mistake((*loc[:-1], "at"), what, remedy)
        reached = max(reached, lasts if scheduled.lasts is None else scheduled.at + scheduled.lasts)
    if reached < lasts - CLOSE:
        what = f"no fault is in force after {exact_duration(reached)}, and `lasts` is {exact_duration(lasts)}"
        yield document.mistake(("lasts",), what, f"write `lasts: {exact_duration(reached)}`, or a longer `for`")


def _recovery(document: Section, parts: dict[str, Any], faults: FaultsAt) -> Iterator[Mistake]:
    """Refuse a claim of recovery from impact that no data could show: an undo would come too early."""
    claim, lasts = parts.get("recovery"), parts["lasts"]
    if claim is None or claim.from_ != "impact":
        return
    needed = claim.within + claim.sustained
    for stretch in stretches(faults.values(), lasts):
        if stretch.ends_in_undo and stretch.end - stretch.start < needed - CLOSE:
            what = (
                f"a fault begins at {exact_duration(stretch.start)}, and the next undo is at "
                f"{exact_duration(stretch.end)}: too short to see recovery from impact "
                f"({exact_duration(claim.within)} until it is back, {exact_duration(claim.sustained)} sustained)"
            )
            remedy = f"leave {exact_duration(needed)} between the two, or write recovery `from: undo`"
            yield document.mistake(("recovery", "from"), what, remedy)
