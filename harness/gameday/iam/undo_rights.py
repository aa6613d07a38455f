"""Check before the injection that a plan has its permissions: Gameday injects nothing that it may not undo.

AWS is asked where it answers: SimulatePrincipalPolicy also knows the organization's policies. Where it does not answer,
or does not know the value of a condition, Gameday reads the policies of the principal, of its groups, and its
permissions boundary, and decides by them. Neither sees:

- policies of resources and of VPC endpoints;
- without a `role:`, the session policy of the caller's credentials.
"""

from __future__ import annotations

from dataclasses import replace

from gameday.aws.account import Account
from gameday.aws.proxy_client import PROXY
from gameday.errors import AwsError, GamedayError, Refused
from gameday.iam.evaluate import AccessRequest, Doubt
from gameday.iam.policy import not_permitted, requests_of, session_policies, undo_reads
from gameday.iam.principal import PrincipalPolicies, held_by
from gameday.iam.simulate import Simulated, simulate
from gameday.plan.guards.context import UndoRights
from gameday.plan.plan import Plan

PROBE_RUN = "00000000-000000-000000"
"""A run id as long as every run's id."""

Simulation = dict[tuple[str, str], Simulated]


def undo_rights(plan: Plan, account: Account) -> UndoRights:
    """Return what IAM permits of a plan; reads only. The twin permits everything."""
    if plan.place == "twin":
        return UndoRights()
    too_long = _too_long(plan) if plan.workload.role else ()
    if all(call.service == PROXY for call in undo_reads(plan)):
        return UndoRights(too_long=too_long)  # it asks nothing of AWS
    try:
        held = held_by(plan.workload.role or plan.principal, account, plan.region)
    except GamedayError as error:
        return UndoRights(unchecked=(error.what,), too_long=too_long)
    simulation = _simulation(plan, held, account)
    lacking, unchecked = _decided(plan, held, simulation, undo_only=True)
    no_injection, _ = _decided(plan, held, simulation, undo_only=False)
    return UndoRights(lacking, unchecked, tuple(line for line in no_injection if line not in lacking), too_long)


def _simulation(plan: Plan, held: PrincipalPolicies, account: Account) -> Simulation:
    """Return what IAM decides of each request; nothing where it does not answer."""
    requests = [
        replace(request, context={**_facts(plan, held), **request.context})
        for request in requests_of(plan, undo_only=False)
    ]
    try:
        return simulate(requests, held.arn, account, plan.region)
    except AwsError:
        return {}


def _decided(
    plan: Plan, held: PrincipalPolicies, simulation: Simulation, *, undo_only: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is certainly not permitted, and what nobody can decide; one line each."""
    by_aws = {key: found for key, found in simulation.items() if found.is_certain}
    requests = {(each.action, each.resource): each for each in requests_of(plan, undo_only=undo_only)}
    lacking = [
        f"{_words(each)} is denied {found.who}"
        for key, each in requests.items()
        if (found := by_aws.get(key)) and not found.allowed
    ]
    if all(key in by_aws for key in requests):
        return tuple(lacking), ()
    left = {_words(each) for key, each in requests.items() if key not in by_aws}
    try:
        own = [line for line in _judged(plan, held, Doubt.FOR, undo_only) if _request(line) in left]
        perhaps = {_request(line) for line in _judged(plan, held, Doubt.AGAINST, undo_only)}
    except GamedayError as error:
        return tuple(lacking), (error.what,)
    denied = {_words(each) for key, each in requests.items() if key in simulation and not simulation[key].allowed}
    doubtful = ((perhaps | denied) & left) - set(map(_request, own))
    return (*lacking, *own), tuple(
        f"{request} depends on conditions that Gameday cannot decide"
        for request in dict.fromkeys(map(_words, requests.values()))
        if request in doubtful
    )


def _facts(plan: Plan, held: PrincipalPolicies) -> dict[str, str]:
    return {
        "aws:PrincipalAccount": plan.account,
        "aws:PrincipalArn": held.arn,
        "aws:ResourceAccount": plan.account,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }


def _judged(plan: Plan, held: PrincipalPolicies, doubt: Doubt, undo_only: bool) -> tuple[str, ...]:
    facts = _facts(plan, held)
    return not_permitted(plan, held.identity, held.boundary, undo_only=undo_only, doubt=doubt, facts=facts)


def _words(request: AccessRequest) -> str:
    return f"{request.action} on {request.resource}"


def _request(line: str) -> str:
    return line.rpartition(" is ")[0]


def _too_long(plan: Plan) -> tuple[str, ...]:
    try:
        session_policies(plan, PROBE_RUN)
    except Refused as refusal:
        return tuple(reason.text for reason in refusal.reasons)
    return ()
