"""What IAM would say to a request, from the policies alone: pure, and without AWS.

An explicit Deny wins over all; without an Allow nothing is allowed; a session policy and a permissions boundary must
each allow it too. Source: IAM User Guide, "Policy evaluation logic". Policies of resources, of an organization and of
VPC endpoints are not known here: what they deny is not seen.
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
    """One action on one resource; an action on several resources is allowed when each of them is."""

    action: str
    resource: str  # an ARN, or * where the action knows none
    context: Context = field(default_factory=dict)


class Decision(StrEnum):
    """What IAM says."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"  # by no statement
    DENIED = "denied"  # by a statement


class Doubt(StrEnum):
    """In whose favour conditions count whose keys the request's context does not have."""

    NONE = ""  # the request does not have those keys
    FOR = "for"  # nothing is known of them: the request could be allowed
    AGAINST = "against"  # nothing is known of them: the request could be denied


def decide(
    request: AccessRequest,
    identity: Sequence[PolicyDocument],
    *,
    session: Sequence[PolicyDocument] = (),
    boundary: PolicyDocument | None = None,
    doubt: Doubt = Doubt.NONE,
) -> Decision:
    """What a principal with these identity policies may do. Raises GamedayError for what cannot be judged."""
    layers = [identity, *([session] if session else []), *([[boundary]] if boundary is not None else [])]
    said = [_decide(request, documents, doubt) for documents in layers]
    return next((one for one in (Decision.DENIED, Decision.NOT_ALLOWED) if one in said), Decision.ALLOWED)


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
        raise GamedayError(f"a statement's Effect is {statement.get('Effect')}, not Allow or Deny", "mend that policy")
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
        raise GamedayError(f"a statement has not exactly one of {element} and {opposite}", "mend that policy")
    patterns = listed(statement.get(element, statement.get(opposite)))
    if element == "Action":
        found = any(like(pattern.lower(), request.action.lower()) for pattern in patterns)
    else:
        filled = [with_variables(pattern, request.context) for pattern in patterns]
        if unknown is not None and None in filled:
            return unknown
        found = any(one is not None and arn_like(one, request.resource) for one in filled)
    return found if element in statement else not found
