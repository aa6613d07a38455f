"""An account whose calls are metered by token buckets, as AWS meters them."""

from __future__ import annotations

from gameday.aws.account import Account
from gameday.aws.rate_limits import Bucket
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.steady_state.clock import Clock
from gameday.testing.wrapper import Wrapped


class Metered(Wrapped):
    """Every operation has a bucket of its own; what finds it empty is throttled, and takes nothing."""

    def __init__(self, account: Account, clock: Clock, bucket: Bucket) -> None:
        super().__init__(account)
        self.clock = clock
        self.bucket = bucket
        self.left: dict[str, tuple[float, float]] = {}
        self.throttled: list[Call] = []

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """One call's answer; raises AwsError."""
        left, then = self.left.get(call.operation, (self.bucket.size, self.clock.now()))
        left = min(self.bucket.size, left + (self.clock.now() - then) * self.bucket.refill)
        is_there = left > 1.0 - 1e-6  # sums of fractions
        self.left[call.operation] = left - is_there, self.clock.now()
        if not is_there:
            self.throttled.append(call)
            raise AwsError(call.service, call.operation, "RequestLimitExceeded", "by test")
        return super().answer(call, region, paged)
