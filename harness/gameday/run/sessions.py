"""The accounts of a run: the caller's credentials or, with a `role:`, a session that injects and one that undoes.

One allow-list restricts them all. CloudTrail records with each call of a session: the run in the session's name, the
original caller in its source identity, and, where the role was assumed, the run, workload and plan in its tags.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from gameday.aws.account import Account
from gameday.aws.client import Aws
from gameday.change import RUN_TAG
from gameday.engine.allowlist import AllowList
from gameday.engine.entries import Run
from gameday.errors import JournalError
from gameday.iam.policy import session_policies
from gameday.plan.plan import Plan
from gameday.run.role_sessions import Sessions, Wanted


@dataclass(frozen=True)
class RunSessions:
    """The account that injects, and the function that opens the account that undoes, just before the injection."""

    account: Account
    undoing: Callable[[], Account]


def wanted(sessions: Sessions, plan: Plan, run: str, part: str) -> Wanted:
    """Return the session for a part of a run: `run` or `undo`. Raises Refused where its policy is too long."""
    tags = {RUN_TAG: run, "gameday:workload": plan.workload.name, "gameday:plan": plan.digest}
    name = f"gameday-{run}" + ("" if part == "run" else f"-{part}")
    return sessions.narrowed(name, session_policies(plan, run)[part], tags)


def open_run_sessions(account: Aws, sessions: Sessions | None, plan: Plan, run: str) -> RunSessions:
    """Open the accounts of a run, which send only its planned calls. Raises Refused."""
    planned = AllowList([planned_fault.changes for planned_fault in plan.planned_faults], run)

    def opened(part: str) -> Aws:
        aws = sessions.open(wanted(sessions, plan, run, part)) if sessions else account
        return aws.allowing(planned)

    first = opened("run")
    return RunSessions(first, (lambda: opened("undo")) if sessions else (lambda: first))


def named_by(run: Run, key: Literal["role", "store"]) -> str | None:
    """Return the role or the store in the plan of a run of the journal; None where it named none."""
    try:
        name = json.loads(run.plan)["workload"].get(key)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unreadable(run) from error
    return str(name) if name else None


def rescuing(base: Aws, run: Run) -> Aws:
    """Open the account through a session that can only undo a run of the journal. Raises Refused and JournalError."""
    try:
        plan = Plan.model_validate_json(run.plan)
    except ValidationError as error:
        raise _unreadable(run) from error
    sessions = Sessions(base, plan.workload.role or "", plan.region)
    return sessions.open(wanted(sessions, plan, run.id, "undo"))


def _unreadable(run: Run) -> JournalError:
    return JournalError(
        f"Gameday cannot read the plan of run {run.id}, so it does not know which role undoes the run",
        "restore the run with the version that wrote it",
        gd_code="GD-E301",
    )
