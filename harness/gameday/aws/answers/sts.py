"""STS: whose credentials are used."""

from __future__ import annotations

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class GetCallerIdentity(TypedDict):
    """The answer to GetCallerIdentity."""

    Account: str
    Arn: str


GET_CALLER_IDENTITY = Operation("sts", "get_caller_identity", GetCallerIdentity)
