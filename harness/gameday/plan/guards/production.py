"""When a workload must be left alone: in production without a word, and during a freeze. The twin is always free."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlaceContext
from gameday.plan.guards.guard import Objection


def production(context: PlaceContext) -> Iterator[Objection]:
    """Refuse a workload in production unless the command line says --production."""
    request = context.request
    if request.place == "aws" and request.workload.production and not request.production:
        yield Objection("the workload is in production", "pass --production if you mean it")


def freezes(context: PlaceContext) -> Iterator[Objection]:
    """Refuse on the days of a freeze, in its time zone."""
    if context.request.place == "twin":
        return
    for freeze in context.request.workload.freezes:
        if freeze.covers(context.now):
            zone = freeze.zone or "the calendar of any place on earth"
            remedy = "" if freeze.zone else "add `zone: Europe/Berlin`, or another, if only one place's days count"
            yield Objection(f"{freeze.why}: nothing is injected from {freeze.from_} to {freeze.to} ({zone})", remedy)
