"""Journal and lease: where others find them, and that no other run has the workload. The twin needs neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gameday.plan.guards.context import PlaceContext, PlanContext
from gameday.plan.guards.guard import Objection


def store(context: PlaceContext) -> Iterator[Objection]:
    """Refuse an account run without a team's store, unless --local-journal is given; then warn."""
    workload, local = context.request.workload, context.facts.local_journal
    if context.request.place == "twin" or workload.store:
        return
    if local:
        yield Objection(
            "journal and lease are on this machine alone: no other machine can restore this run, or sees that the "
            f"workload {workload.name} is taken",
            refuses=False,
        )
    else:
        yield Objection(
            f"workload {workload.name} names no `store`, where its team's machines find journal and lease",
            "add `store: s3://bucket/prefix` to it; or pass --local-journal to `gameday run`, and restore only here",
            refuses=local is False,
        )


def lease(context: PlanContext) -> Iterable[Objection]:
    """Refuse a workload that another run has, on this machine or by the team's store."""
    if context.plan.place == "aws" and context.facts.must_be_free:
        context.facts.must_be_free()  # raises Refused
    return ()
