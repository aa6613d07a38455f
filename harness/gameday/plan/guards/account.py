"""The right account, the right region."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import AccountContext, PlaceContext
from gameday.plan.guards.guard import Objection


def account(context: AccountContext) -> Iterator[Objection]:
    """Refuse credentials of another account than the workload's."""
    wanted = context.request.workload.account
    if context.found != wanted:
        yield Objection(f"the credentials are for account {context.found}, the workload is in {wanted}")


def region(context: PlaceContext) -> Iterator[Objection]:
    """Refuse a region that the workload does not name."""
    regions = context.request.workload.regions
    if context.request.region not in regions:
        yield Objection(f"region {context.request.region} is not one of the workload's: {', '.join(regions)}")
