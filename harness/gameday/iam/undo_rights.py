"""Check before the injection that the undo has its permissions: Gameday injects nothing that it may not undo.

It reads the policies of the principal that will undo, of its groups, and its permissions boundary. It does not see:

- service and resource control policies, which a member account cannot read;
- policies of resources and of VPC endpoints;
- without a `role:`, the session policy of the caller's credentials.
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
    """Return what IAM permits of a plan's undo; reads only. The twin permits everything."""
    if plan.place == "twin":
        return UndoRights()
    return UndoRights(*_lacking(plan, account), _too_long(plan) if plan.workload.role else ())


def _lacking(plan: Plan, account: Account) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is certainly not permitted, and what Gameday cannot decide; one line each."""
    if all(call.service == PROXY for call in undo_reads(plan)):
        return (), ()  # it asks nothing of AWS
    try:
        held = held_by(plan.workload.role or plan.principal, account, plan.region)
        lacking, perhaps = _judged(plan, held, Doubt.FOR), _judged(plan, held, Doubt.AGAINST)
    except GamedayError as error:
        return (), (error.what,)
    doubtful = [request for request in map(_request, perhaps) if request not in map(_request, lacking)]
    return lacking, tuple(f"{request} depends on conditions that Gameday cannot decide" for request in doubtful)


def _judged(plan: Plan, held: PrincipalPolicies, doubt: Doubt) -> tuple[str, ...]:
    facts = {
        "aws:PrincipalAccount": plan.account,
        "aws:PrincipalArn": held.arn,
        "aws:ResourceAccount": plan.account,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }
    return not_permitted(plan, held.identity, held.boundary, doubt=doubt, facts=facts)


def _request(line: str) -> str:
    return line.rpartition(" is ")[0]


def _too_long(plan: Plan) -> tuple[str, ...]:
    try:
        session_policies(plan, "00000000-000000-000000")  # as long as every run's id
    except Refused as refusal:
        return tuple(reason.text for reason in refusal.reasons)
    return ()
