"""Decide requests as IAM does, from policies alone: pure, and without AWS.

- An explicit Deny overrides everything.
- Without an Allow, nothing is allowed.
- A session policy and a permissions boundary must each allow the request too.

Source: IAM User Guide, "Policy evaluation logic". This module ignores the policies of resources, of an organization and
of VPC endpoints, so it does not see what they deny.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gameday.change import Json
from gameday.errors import GamedayError
from gameday.iam.conditions import listed, met
from gameday.iam.patterns import Context, arn_like, like, with_variables

PolicyDocument = Mapping[str, Json]
"""A policy as JSON."""


@dataclass(frozen=True)
class AccessRequest:
    """An action on a resource. An action on several resources is allowed if it is allowed on each of them."""

    action: str
    resource: str  # an ARN, or * for an action without resources
    context: Context = field(default_factory=dict)


class Decision(StrEnum):
    """The decision of IAM."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"  # by no statement
    DENIED = "denied"  # by a statement


class Doubt(StrEnum):
    """How to count conditions with keys that the request's context lacks."""

    NONE = ""  # the request lacks those keys
    FOR = "for"  # they are unknown: decide as if they allowed the request
    AGAINST = "against"  # they are unknown: decide as if they denied the request


def decide(
    request: AccessRequest,
    identity: Sequence[PolicyDocument],
    *,
    session: Sequence[PolicyDocument] = (),
    boundary: PolicyDocument | None = None,
    doubt: Doubt = Doubt.NONE,
) -> Decision:
    """Decide a request of a principal with these identity policies. Raises GamedayError for unsupported policies."""
    layers = [identity, *([session] if session else []), *([[boundary]] if boundary is not None else [])]
    decisions = [_decide(request, documents, doubt) for documents in layers]
    worst_first = (Decision.DENIED, Decision.NOT_ALLOWED)
    return next((decision for decision in worst_first if decision in decisions), Decision.ALLOWED)


def _decide(request: AccessRequest, documents: Sequence[PolicyDocument], doubt: Doubt) -> Decision:
    effects = {
        str(statement.get("Effect"))
        for document in documents
        for statement in _statements(document)
        if _applies(statement, request, doubt)
    }
    if "Deny" in effects:
        return Decision.DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.NOT_ALLOWED


def _statements(document: PolicyDocument) -> list[Mapping[str, Json]]:
    if document.get("Version") != "2012-10-17":
        raise GamedayError("a policy of another version than 2012-10-17 cannot be judged here", "rewrite that policy")
    statements = document.get("Statement", [])
    listed_statements = statements if isinstance(statements, list) else [statements]
    return [statement for statement in listed_statements if isinstance(statement, dict)]


def _applies(statement: Mapping[str, Json], request: AccessRequest, doubt: Doubt) -> bool:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise GamedayError(
            f"a statement's Effect is {statement.get('Effect')}, not Allow or Deny", "correct that policy"
        )
    if "Principal" in statement or "NotPrincipal" in statement:
        raise GamedayError("a statement names a principal: it is a resource's policy", "check that policy by hand")
    unknown = (statement["Effect"] == "Allow") == (doubt is Doubt.FOR) if doubt else None
    return (
        _is_named(statement, "Action", request)
        and _is_named(statement, "Resource", request, unknown)
        and met(statement.get("Condition", {}), request.context, unknown)
    )


def _is_named(statement: Mapping[str, Json], element: str, request: AccessRequest, unknown: bool | None = None) -> bool:
    opposite = f"Not{element}"
    if (element in statement) == (opposite in statement):
        raise GamedayError(f"a statement must have exactly one of {element} and {opposite}", "correct that policy")
    patterns = listed(statement.get(element, statement.get(opposite)))
    if element == "Action":
        matches = any(like(pattern.lower(), request.action.lower()) for pattern in patterns)
    else:
        filled = [with_variables(pattern, request.context) for pattern in patterns]
        if unknown is not None and None in filled:
            return unknown
        matches = any(pattern is not None and arn_like(pattern, request.resource) for pattern in filled)
    return matches if element in statement else not matches
