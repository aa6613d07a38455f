"""Grants (an action on a resource under conditions), and the fewest statements that allow exactly them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gameday.change import RUN_TAG, Json
from gameday.iam.asks import Permission
from gameday.iam.dependent import Condition
from gameday.iam.evaluate import AccessRequest, PolicyDocument


@dataclass(frozen=True, order=True)
class Grant:
    """An action on a resource, allowed under conditions."""

    action: str
    resource: str
    conditions: tuple[Condition, ...] = ()


def grant_of(ask: Permission, run: str | None) -> Grant:
    """Return the grant for a permission: for created resources, only those with the run's tag; None means any run.

    A principal that may tag could give the run's tag to other resources, so tagging is allowed only during creation.
    Source: Amazon EC2 User Guide, "Grant permission to tag Amazon EC2 resources during creation".
    """
    conditions = [*ask.conditions]
    if ask.creates:
        conditions.append(("StringEquals", "ec2:CreateAction", ask.creates))
    if ask.tagged:
        of = "RequestTag" if ask.tagged == "to be made" else "ResourceTag"
        conditions.append(("StringEquals" if run else "StringLike", f"aws:{of}/{RUN_TAG}", run or "?*"))
    return Grant(ask.action, ask.resource, tuple(sorted(conditions)))


def by_tags(ask: Permission, grant: Grant, opt_in: Mapping[str, str]) -> Grant:
    """Return the grant for all resources that carry the opt-in tag, where that may stand for the target's id."""
    if not ask.all_alike:
        return grant
    tags = (("StringEquals", f"aws:ResourceTag/{key}", value) for key, value in opt_in.items())
    return Grant(grant.action, ask.all_alike, tuple(sorted({*grant.conditions, *tags})))


def read_of(action: str, region: str) -> Grant:
    """Return the grant for a read of all resources in the region.

    IAM is global: its calls are in us-east-1, wherever the caller is (IAM User Guide, "aws:RequestedRegion").
    """
    if action.startswith("iam:"):
        return Grant(action, "*")
    return Grant(action, "*", (("StringEquals", "aws:RequestedRegion", region),))


def request_of(ask: Permission, run: str, region: str) -> AccessRequest:
    """Return the request that AWS would decide for a permission."""
    context = {"aws:RequestedRegion": region, **{key: value.replace("*", "") for _, key, value in ask.conditions}}
    if ask.creates:
        context["ec2:CreateAction"] = ask.creates
    if ask.tagged:
        context[f"aws:{'RequestTag' if ask.tagged == 'to be made' else 'ResourceTag'}/{RUN_TAG}"] = run
    return AccessRequest(ask.action, ask.resource.replace("*", "known-later"), context)


def document(grants: Iterable[Grant]) -> PolicyDocument:
    """Return a policy that allows exactly these grants, and no action on a resource that no grant names."""
    return {"Version": "2012-10-17", "Statement": statements_of(grants)}


def statements_of(grants: Iterable[Grant]) -> list[Json]:
    """The statements of that policy."""
    resources: dict[tuple[str, tuple[Condition, ...]], set[str]] = {}
    for grant in grants:
        resources.setdefault((grant.action, grant.conditions), set()).add(grant.resource)
    actions: dict[tuple[tuple[str, ...], tuple[Condition, ...]], list[str]] = {}
    for (action, conditions), arns in resources.items():
        actions.setdefault((tuple(sorted(arns)), conditions), []).append(action)
    alternatives: dict[tuple[tuple[str, ...], tuple[str, ...], str, str], set[str]] = {}
    several: list[Json] = []
    for (where, conditions), of in actions.items():
        if len(conditions) == 1:  # values of one key are alternatives, so one statement can hold them
            ((operator, key, value),) = conditions
            alternatives.setdefault((where, tuple(sorted(of)), operator, key), set()).add(value)
        else:
            several.append(
                _statement(sorted(of), where, [(operator, key, [value]) for operator, key, value in conditions])
            )
    single = [
        _statement([*of], where, [(operator, key, sorted(values))])
        for (where, of, operator, key), values in alternatives.items()
    ]
    return [*several, *single]


def compact(policy: PolicyDocument) -> str:
    """Return a policy in as few characters as possible."""
    return json.dumps(policy, separators=(",", ":"))


def _statement(
    actions: list[str], resources: tuple[str, ...], conditions: Iterable[tuple[str, str, list[str]]]
) -> dict[str, Json]:
    statement: dict[str, Json] = {"Effect": "Allow", "Action": _single(actions), "Resource": _single(list(resources))}
    operators: dict[str, dict[str, Json]] = {}
    for operator, key, values in conditions:
        operators.setdefault(operator, {})[key] = _single(values)
    if operators:
        statement["Condition"] = {**operators}
    return statement


def _single(values: list[str]) -> Json:
    return values[0] if len(values) == 1 else [*values]
