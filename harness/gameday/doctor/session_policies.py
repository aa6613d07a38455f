"""Examine how much of the room for session policies each plan takes, as STS packs them."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation
from gameday.doctor.examination import DoctorContext, Finding, Severity
from gameday.engine.allowlist import AllowList
from gameday.errors import AwsError, Refused
from gameday.iam import policy
from gameday.iam.undo_rights import PROBE_RUN
from gameday.plan.plan import Plan
from gameday.run.role_sessions import Sessions
from gameday.run.sessions import wanted

TOPIC = "session policies"


class AssumeRole(TypedDict, total=False):
    """The answer to AssumeRole, without its credentials; the size is in percent of what STS takes."""

    PackedPolicySize: int


ASSUME_ROLE = Operation("sts", "assume_role", AssumeRole)


def session_policies(context: DoctorContext) -> Iterator[Finding]:
    """Open each session once, and name the size of its policy; only a workload with a role has sessions."""
    sessions = context.environment.sessions
    if sessions is None:
        return
    for plan in context.plans:
        try:
            texts = policy.session_policies(plan, PROBE_RUN)
        except Refused:
            continue  # the plan names it
        for part, text in texts.items():
            name = f"{plan.experiment.name}: the policy of session `{part}` has {len(text):,} of 2,048 characters"
            try:
                packed = _packed(sessions, plan, part)
            except AwsError as error:
                yield Finding(Severity.REFUSES, TOPIC, f"{name}; STS opens no session: {error.what}", error.remedy)
            else:
                size = "" if packed is None else f", and takes {packed}% of the packed size"
                yield Finding(Severity.NOTE, TOPIC, name + size)


def _packed(sessions: Sessions, plan: Plan, part: str) -> int | None:
    call = wanted(sessions, plan, PROBE_RUN, part).call
    opening = sessions.base.allowing(AllowList(own=[(call, sessions.region)]))
    return ASSUME_ROLE.typed(opening.call(call, sessions.region)).get("PackedPolicySize")
