"""A run on the twin must end in reasonable time."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.files.twin_load import MOST_STEPS, load_of_run, too_much
from gameday.plan.guards.context import PlaceContext
from gameday.plan.guards.guard import Objection


def twin_load(context: PlaceContext) -> Iterator[Objection]:
    """Refuse a run on the twin that would simulate more requests, checks and samples than it can in reasonable time."""
    request, twin = context.request, context.request.twin
    if request.place != "twin" or twin is None:
        return
    load, seconds = load_of_run(twin, request.experiment, request.workload)
    if load.steps > MOST_STEPS:
        remedy = "shorten `baseline` or `lasts`, lower `customers.rate` in the twin file, or run with --on aws"
        yield Objection(too_much(load, twin, seconds, "the run"), remedy)
