"""What we may not undo, we do not inject."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection

UNCHECKED = "unchecked-undo"


def undo_rights(context: PlanContext) -> Iterator[Objection]:
    """Refuse a plan whose undo IAM does not permit; nothing in the experiment can allow it."""
    yield from (Objection(f"undo is not permitted: {line}") for line in context.rights.lacking)


def inject_rights(context: PlanContext) -> Iterator[Objection]:
    """Refuse a plan whose injection AWS would deny halfway."""
    yield from (Objection(f"injecting is not permitted: {line}") for line in context.rights.no_injection)


def unchecked_rights(context: PlanContext) -> Iterator[Objection]:
    """Refuse where nobody can say whether IAM permits the undo; warn where the experiment allows that."""
    allowed = UNCHECKED in context.plan.experiment.allow
    remedy = "" if allowed else f"add `allow: [{UNCHECKED}]` to the experiment if you know that it is permitted"
    for line in context.rights.unchecked:
        yield Objection(f"whether undo is permitted cannot be checked: {line}", remedy, refuses=not allowed)


def session_policies(context: PlanContext) -> Iterator[Objection]:
    """Refuse a plan whose session policies are longer than STS takes."""
    for line in context.rights.too_long:
        yield Objection(line, "name fewer targets, or split the experiment: Gameday never widens a policy to fit")
