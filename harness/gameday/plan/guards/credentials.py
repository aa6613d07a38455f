"""Credentials must sign until the undo is done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from gameday.engine.undo import PATIENCE
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.plan.plan import Plan


def credentials(context: PlanContext) -> Iterator[Objection]:
    """Refuse credentials that end, or that a person must renew, before the undo could end."""
    found = context.facts.credentials
    if found is None:
        return
    needed = context.now + longest(context.plan)
    until = found.sign_until
    if until is not None and until < needed:
        how = "botocore asks a person to renew them" if found.renewed_by == "person" else "they end"
        text = f"the credentials ({found.method}) sign until {_time(until)}: then {how}; the undo may last until "
        yield Objection(f"{text}{_time(needed)}", "renew the credentials before the run, or shorten the experiment")
    elif found.is_temporary and found.ends is None and found.renewed_by != "itself":
        text = f"Gameday cannot know when the credentials ({found.method}) end; the undo may last until {_time(needed)}"
        yield Objection(text, "set AWS_CREDENTIAL_EXPIRATION, or use credentials that renew themselves", refuses=False)


def longest(plan: Plan) -> float:
    """Return the seconds from the plan until its undo gives up: baseline, effects, `lasts`, and the undo's patience."""
    return plan.experiment.baseline + plan.longest_exposure + PATIENCE


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
