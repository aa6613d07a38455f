"""The AWS calls of KPI sources: `service.operation` in one account and region."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.steady_state.kpi.source import CallAws, Unanswered


def call_named(name: str, params: Mapping[str, JsonValue] | None = None) -> Call:
    """Return the call that is written as `service.operation`."""
    service, _, operation = name.partition(".")
    return Call(service=service, operation=operation, params=dict(params or {}))


def calls_of(account: Account, region: str) -> CallAws:
    """Return a function that calls AWS in an account, in this region unless another is named; it raises AwsError."""
    here = region

    def call(
        operation: str, params: Mapping[str, JsonValue], *, paged: bool = False, region: str | None = None
    ) -> Json:
        named = call_named(operation, params)
        return account.pages(named, region or here) if paged else account.call(named, region or here)

    return call


def calls_of_sources(account: Account, region: str) -> CallAws:
    """Return the same function for KPI sources; it raises Unanswered."""
    call_aws = calls_of(account, region)

    def call(
        operation: str, params: Mapping[str, JsonValue], *, paged: bool = False, region: str | None = None
    ) -> Json:
        try:
            answer: Json = call_aws(operation, params, paged=paged, region=region)
        except AwsError as error:
            raise Unanswered(error.what) from error
        return answer

    return call
