"""Ask IAM itself what a principal may do: it also knows the organization's policies and the permissions boundary.

Source: IAM API Reference, SimulatePrincipalPolicy. It simulates no session policy and no policy of a resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gameday.aws.account import Account, read
from gameday.aws.answers.iam import SIMULATE_PRINCIPAL_POLICY, EvaluationResult, ResourceSpecificResult
from gameday.change import JsonLike
from gameday.iam.evaluate import AccessRequest

MOST = 100
"""Resources in one simulation, so that no request becomes too long for IAM."""


@dataclass(frozen=True)
class Simulated:
    """What IAM decides of a request; `who` denies it, in words; `is_certain` is false where a condition is unknown."""

    allowed: bool
    who: str = ""
    is_certain: bool = True


def simulate(
    requests: Sequence[AccessRequest], principal: str, account: Account, region: str
) -> dict[tuple[str, str], Simulated]:
    """Return what IAM decides, by action and resource; `principal` is the ARN of a role or user. Raises AwsError."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for request in requests:
        context = tuple(sorted((key, str(value)) for key, value in request.context.items()))
        resources = groups.setdefault((request.action, context), [])
        if request.resource not in resources:
            resources.append(request.resource)
    found: dict[tuple[str, str], Simulated] = {}
    for (action, context), resources in groups.items():
        for start in range(0, len(resources), MOST):
            some = resources[start : start + MOST]
            answer = read(
                account,
                region,
                SIMULATE_PRINCIPAL_POLICY,
                PolicySourceArn=principal,
                ActionNames=[action],
                ResourceArns=list(some),
                ContextEntries=list(_entries(context)),
            )
            for result in answer["EvaluationResults"]:
                found |= {(action, resource): simulated for resource, simulated in _of(result)}
    return found


def _entries(context: Iterable[tuple[str, str]]) -> Iterable[JsonLike]:
    for key, value in context:
        kind = "boolean" if value in ("true", "false") else "string"
        yield {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": kind}


def _of(result: EvaluationResult) -> Iterable[tuple[str, Simulated]]:
    """Yield each resource of a result with its decision: results of several resources are inside."""
    is_denied_above = not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    for each in result.get("ResourceSpecificResults", []):
        yield each["EvalResourceName"], _decided(each["EvalResourceDecision"], each, is_denied_above)
    if not result.get("ResourceSpecificResults"):
        yield result.get("EvalResourceName", "*"), _decided(result["EvalDecision"], result, is_denied_above)


def _decided(decision: str, of: EvaluationResult | ResourceSpecificResult, is_denied_above: bool) -> Simulated:
    is_bounded = not of.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True)
    if is_denied_above:
        who = "by the organization's policies"
    elif is_bounded:
        who = "by the permissions boundary"
    else:
        who = "by a statement" if decision == "explicitDeny" else "since no statement allows it"
    allowed = decision == "allowed" and not is_denied_above
    return Simulated(allowed, "" if allowed else who, not of.get("MissingContextValues"))
