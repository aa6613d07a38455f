"""What planning, applying and undoing need of AWS: the same for an account, its twin, and a test's double."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from gameday.aws.answers.operation import Operation
from gameday.aws.answers.sts import GET_CALLER_IDENTITY
from gameday.aws.arns import ArnPlace
from gameday.change import Call, Json, JsonLike
from gameday.errors import UNEXPECTED_ANSWER, AwsError, GamedayError, Unreachable

A = TypeVar("A")

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
ATTEMPTS = 3
PAUSES = (1.0 + 5.0) + (2.0 + 5.0)
"""Seconds between a call's attempts, at most: throttled, and asked to wait (botocore, `retries/standard.py`)."""
LONGEST_CALL = ATTEMPTS * (CONNECT_TIMEOUT + READ_TIMEOUT) + PAUSES
"""Seconds until a request that got no answer can no longer arrive: every attempt, and the pauses between them."""

AWS = "AWS"
"""What AWS is called among the clocks that are compared with ours."""

USER_AGENT = "gameday"
"""What every client of the harness says it is; faults of `gameday.sdk` leave those alone."""


class Account(Protocol):
    """What planning, applying and undoing need of AWS."""

    def call(self, call: Call, region: str) -> Json:
        """One call's answer as JSON; raises AwsError, or Unreachable where it may have happened or not."""
        ...

    def pages(self, call: Call, region: str) -> Json:
        """A read's answer with all its pages merged."""
        ...

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Many independent calls, their answers or errors in the same order."""
        ...


class Allowed(Protocol):
    """Decides which calls may leave; `engine.allowlist` has the one of a run."""

    def check(self, call: Call, region: str) -> None:
        """Raise Unplanned where a call must not be sent."""
        ...

    def learn(self, call: Call, region: str, answer: Json) -> None:
        """Take what an answer says of the placeholders of planned calls."""
        ...


def request_id_of(answer: Json | GamedayError) -> str | None:
    """What AWS calls the request of a change, by its answer or error; None for reads, and on the twin."""
    if isinstance(answer, GamedayError):
        return answer.request_id if isinstance(answer, AwsError) else None
    metadata = answer.get("ResponseMetadata") if isinstance(answer, dict) else None
    found = metadata.get("RequestId") if isinstance(metadata, dict) else None
    return str(found) if found else None


class AnyCall:
    """Lets every call leave: to make a twin's world, and for tests. No run is given it."""

    def check(self, call: Call, region: str) -> None:
        """Refuse nothing."""

    def learn(self, call: Call, region: str, answer: Json) -> None:
        """Learn nothing."""


def read(account: Account, region: str, operation: Operation[A], **params: JsonLike) -> A:
    """Return the answer to a read, with all its pages. Raises AwsError, also where the answer has another shape."""
    return operation.typed(account.pages(operation.call(**params), region))


def arn_place(account: Account, region: str) -> ArnPlace:
    """Return what ARNs of this account and region say of their place. Raises AwsError."""
    id_, principal = whoami(account, region)
    return ArnPlace(principal.split(":")[1], region, id_)


def whoami(account: Account, region: str) -> tuple[str, str]:
    """The account id and the principal's ARN that the credentials belong to (STS GetCallerIdentity)."""
    identity = GET_CALLER_IDENTITY.typed(account.call(GET_CALLER_IDENTITY.call(), region))
    if not identity["Arn"].startswith("arn:") or identity["Arn"].count(":") < 5:
        raise Unreachable("sts", "get_caller_identity", UNEXPECTED_ANSWER, f"its ARN is {identity['Arn']!r}")
    return identity["Account"], identity["Arn"]
