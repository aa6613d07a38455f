"""A large account of strangers beside the workload, whose reads are metered as AWS meters them.

Each page of a read takes a token. A read that finds its bucket empty is tried again as botocore's standard mode does,
in virtual time, and then fails with the service's own error code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gameday.aws.account import ATTEMPTS, Account
from gameday.aws.rate_limits import Bucket
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.steady_state.clock import TestClock
from gameday.testing.wrapper import Wrapped

ROUND_TRIP = 0.05
"""Seconds until AWS answers; calls in parallel share it."""
BACKOFF = (1.0, 2.0)
"""Seconds before each further attempt, at most (botocore, `retries/standard.py`: a random part of 2 to the power n)."""

LAMBDA = Bucket(15, 15, shared=True)
EC2, EC2_UNPAGED = Bucket(100, 20), Bucket(50, 10)
BUCKETS = {
    # AWS Lambda Developer Guide, "Lambda quotas": GetFunction, GetPolicy, and the rest of the control plane in all.
    "lambda": LAMBDA,
    "lambda.get_function": Bucket(100, 100),
    "lambda.get_policy": Bucket(15, 15),
    # DynamoDB API Reference, ListTagsOfResource: "up to 10 times per second, per account".
    "dynamodb.list_tags_of_resource": Bucket(10, 10),
    # API Gateway Developer Guide, "Quotas": all operations of REST, HTTP and WebSocket APIs together.
    "apigateway": Bucket(40, 10, shared=True),
    # Amazon EC2 Developer Guide, "Request throttling": non-mutating actions; those without filter and page size.
    "ec2": EC2,
}
SAME_BUCKET = {"apigatewayv2": "apigateway"}
CODES = {"ec2": "RequestLimitExceeded", "dynamodb": "ThrottlingException"}
"""The error codes of throttling, by service; others answer TooManyRequestsException."""
PAGE_SIZES = {"lambda.list_functions": 50, "dynamodb.list_tables": 100, "ec2.describe_instances": 1000}
"""Most items a page (the API References)."""


@dataclass(frozen=True)
class Strangers:
    """How many resources of others the account holds."""

    functions: int = 1_000
    tables: int = 1_000
    instances: int = 10_000

    def seen_by(self, call: Call) -> int:
        """Return how many of them a call reads through."""
        if call.operation == "describe_instances" and (call.params.get("Filters") or call.params.get("InstanceIds")):
            return 0
        numbers = {
            "lambda.list_functions": self.functions,
            "dynamodb.list_tables": self.tables,
            "ec2.describe_instances": self.instances,
        }
        return numbers.get(str(call), 0)


class Crowded(Wrapped):
    """The account with the strangers in it; counts the requests that leave, each attempt and each page."""

    def __init__(self, account: Account, clock: TestClock, strangers: Strangers | None = None) -> None:
        super().__init__(account)
        self.clock = clock
        self.strangers = strangers or Strangers()
        self.requests: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self._left: dict[str, tuple[float, float]] = {}

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """One call's answer; raises AwsError."""
        (answer,) = self.call_all([(call, region)], paged)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """All calls at the same moment; those that are throttled wait together, and go out again."""
        answers: dict[int, Json | AwsError] = {}
        waiting = list(range(len(calls)))
        for attempt in range(ATTEMPTS):
            waiting = [number for number in waiting if not self._admits(calls[number][0])]
            if not waiting or attempt == ATTEMPTS - 1:
                break
            self.clock.sleep(BACKOFF[attempt])
        for number, (call, region) in enumerate(calls):
            if number in waiting:
                code = CODES.get(call.service, "TooManyRequestsException")
                answers[number] = AwsError(call.service, call.operation, code, "Rate exceeded")
                continue
            try:
                answers[number] = super().answer(call, region, paged)
            except AwsError as error:
                answers[number] = error
        self.clock.sleep(ROUND_TRIP)
        return [answers[number] for number in range(len(calls))]

    def _admits(self, call: Call) -> bool:
        """Take a token for each page; false where one is missing."""
        pages = 1 + self.strangers.seen_by(call) // PAGE_SIZES.get(str(call), 1)
        self.requests[str(call)] += pages
        known = SAME_BUCKET.get(call.service, call.service)
        bucket = BUCKETS.get(str(call)) or BUCKETS.get(known)
        if bucket is None:
            return True
        if bucket is EC2 and not (call.params.get("Filters") or call.params.get("MaxResults") or _ids(call)):
            bucket = EC2_UNPAGED
        key = known if bucket.shared else str(call)
        left, then = self._left.get(key, (bucket.size, self.clock.now()))
        left = min(bucket.size, left + (self.clock.now() - then) * bucket.refill)
        is_there = left >= pages - 1e-6  # sums of fractions
        self._left[key] = left - pages * is_there, self.clock.now()
        self.throttled[str(call)] += not is_there
        return is_there


def _ids(call: Call) -> bool:
    return any(name.endswith("Ids") for name in call.params)
