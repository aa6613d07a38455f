"""Accounts whose calls fail, in every way in which AWS fails a call."""

from __future__ import annotations

from enum import StrEnum

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError, Unreachable
from gameday.testing.wrapper import Wrapped


class Trouble(StrEnum):
    """What becomes of a call."""

    THROTTLED = "throttled"
    BROKEN = "5xx"
    BROKEN_AFTER = "5xx, though it happened"
    TIMEOUT = "timeout"
    LOST = "timeout, though it happened"
    DENIED = "access denied"
    DENIED_ON = "access denied from there on"
    EXPIRED = "credentials expired"
    EXPIRED_ON = "credentials expired from there on"


_LASTS = (Trouble.DENIED_ON, Trouble.EXPIRED_ON)
HAPPENS = frozenset({Trouble.BROKEN_AFTER, Trouble.LOST})
"""Troubles of calls that happen all the same."""


def _code(service: str, trouble: Trouble) -> str:
    """The error code that a service gives (EC2 differs from most; EC2 API Reference, "Error codes")."""
    is_ec2 = service == "ec2"
    return {
        Trouble.THROTTLED: "RequestLimitExceeded" if is_ec2 else "ThrottlingException",
        Trouble.BROKEN: "InternalError" if is_ec2 else "InternalFailure",
        Trouble.BROKEN_AFTER: "InternalError" if is_ec2 else "InternalFailure",
        Trouble.DENIED: "UnauthorizedOperation" if is_ec2 else "AccessDeniedException",
        Trouble.DENIED_ON: "UnauthorizedOperation" if is_ec2 else "AccessDeniedException",
        Trouble.EXPIRED: "RequestExpired" if is_ec2 else "ExpiredTokenException",
        Trouble.EXPIRED_ON: "RequestExpired" if is_ec2 else "ExpiredTokenException",
    }.get(trouble, "ReadTimeoutError")


class FailingAccount(Wrapped):
    """An account that fails call number `at` (from 0); `met` says whether it came to that."""

    def __init__(self, account: Account, trouble: Trouble, at: int | None) -> None:
        super().__init__(account)
        self.trouble = trouble
        self.at = at
        self.calls: list[Call] = []
        self.met = False

    def one(self, call: Call, region: str, paged: bool) -> Json:
        """One call's answer; raises AwsError."""
        number = len(self.calls)
        self.calls.append(call)
        if self.at is None or number < self.at or (number > self.at and self.trouble not in _LASTS):
            return super().one(call, region, paged)
        self.met = True
        if self.trouble in HAPPENS:
            super().one(call, region, paged)
        code = _code(call.service, self.trouble)
        unheard = self.trouble in (Trouble.TIMEOUT, Trouble.LOST)
        raise (Unreachable if unheard else AwsError)(call.service, call.operation, code, "by test")
