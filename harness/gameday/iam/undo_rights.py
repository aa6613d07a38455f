"""What we may not undo, we do not inject: the rights of a plan's undo, checked before anything is injected.

Seen are the policies of the principal that will undo, its groups', and its permissions boundary. Not seen, and so not
promised: service and resource control policies (a member account cannot read them), policies of resources and of VPC
endpoints, and, without a `role:`, the session policy of the credentials at hand.
"""

from __future__ import annotations

from gameday.aws.account import Account
from gameday.aws.proxy_client import PROXY
from gameday.errors import GamedayError, Refused
from gameday.iam.evaluate import Doubt
from gameday.iam.policy import not_permitted, session_policies, undo_reads
from gameday.iam.principal import PrincipalPolicies, held_by
from gameday.plan.guards.context import UndoRights
from gameday.plan.plan import Plan


def undo_rights(plan: Plan, account: Account) -> UndoRights:
    """What IAM says about a plan's undo; reads only. The twin permits everything."""
    if plan.place == "twin":
        return UndoRights()
    return UndoRights(*_found(plan, account), _too_long(plan) if plan.workload.role else ())


def _found(plan: Plan, account: Account) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is not permitted whatever is not known, and what cannot be told; one line each."""
    if all(call.service == PROXY for call in undo_reads(plan)):
        return (), ()  # it asks nothing of AWS
    try:
        held = held_by(plan.workload.role or plan.principal, account, plan.region)
        lacking, perhaps = _judged(plan, held, Doubt.FOR), _judged(plan, held, Doubt.AGAINST)
    except GamedayError as error:
        return (), (error.what,)
    doubtful = [asked for asked in map(_asked, perhaps) if asked not in map(_asked, lacking)]
    return lacking, tuple(f"{asked} depends on conditions that cannot be judged here" for asked in doubtful)


def _judged(plan: Plan, held: PrincipalPolicies, doubt: Doubt) -> tuple[str, ...]:
    facts = {
        "aws:PrincipalAccount": plan.account,
        "aws:PrincipalArn": held.arn,
        "aws:ResourceAccount": plan.account,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }
    return not_permitted(plan, held.identity, held.boundary, doubt=doubt, facts=facts)


def _asked(line: str) -> str:
    return line.rpartition(" is ")[0]


def _too_long(plan: Plan) -> tuple[str, ...]:
    try:
        session_policies(plan, "00000000-000000-000000")  # as long as every run's id
    except Refused as refusal:
        return tuple(reason.text for reason in refusal.reasons)
    return ()
