"""Accounts whose calls fail in every way in which AWS fails calls."""

from __future__ import annotations

from enum import StrEnum

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError, Unreachable
from gameday.testing.wrapper import Wrapped


class CallFailure(StrEnum):
    """How a call fails."""

    THROTTLED = "throttled"
    BROKEN = "5xx"
    BROKEN_AFTER = "5xx, though it happened"
    TIMEOUT = "timeout"
    LOST = "timeout, though it happened"
    DENIED = "access denied"
    DENIED_ON = "access denied from there on"
    EXPIRED = "credentials expired"
    EXPIRED_ON = "credentials expired from there on"


_LASTS = (CallFailure.DENIED_ON, CallFailure.EXPIRED_ON)
HAPPENS = frozenset({CallFailure.BROKEN_AFTER, CallFailure.LOST})
"""Failures of calls that AWS carries out all the same."""


def _code(service: str, failure: CallFailure) -> str:
    """Return a service's error code (EC2 differs from most; EC2 API Reference, "Error codes")."""
    is_ec2 = service == "ec2"
    return {
        CallFailure.THROTTLED: "RequestLimitExceeded" if is_ec2 else "ThrottlingException",
        CallFailure.BROKEN: "InternalError" if is_ec2 else "InternalFailure",
        CallFailure.BROKEN_AFTER: "InternalError" if is_ec2 else "InternalFailure",
        CallFailure.DENIED: "UnauthorizedOperation" if is_ec2 else "AccessDeniedException",
        CallFailure.DENIED_ON: "UnauthorizedOperation" if is_ec2 else "AccessDeniedException",
        CallFailure.EXPIRED: "RequestExpired" if is_ec2 else "ExpiredTokenException",
        CallFailure.EXPIRED_ON: "RequestExpired" if is_ec2 else "ExpiredTokenException",
    }.get(failure, "ReadTimeoutError")


class FailingAccount(Wrapped):
    """An account that fails call number `at` (from 0); `met` is True once it has."""

    def __init__(self, account: Account, failure: CallFailure, at: int | None) -> None:
        super().__init__(account)
        self.failure = failure
        self.at = at
        self.calls: list[Call] = []
        self.met = False

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """Make a call, or fail it; raises AwsError."""
        number = len(self.calls)
        self.calls.append(call)
        if self.at is None or number < self.at or (number > self.at and self.failure not in _LASTS):
            return super().answer(call, region, paged)
        self.met = True
        if self.failure in HAPPENS:
            super().answer(call, region, paged)
        code = _code(call.service, self.failure)
        unanswered = self.failure in (CallFailure.TIMEOUT, CallFailure.LOST)
        raise (Unreachable if unanswered else AwsError)(call.service, call.operation, code, "by test")
