"""The pace of an injection: it uses half of AWS's rate limit of each API, and leaves the other half to the undo.

AWS meters calls by token buckets: a number of calls at once, then a number a second. An injection that uses at most
half of both never sends more than the undo can send at once, up to the size of a bucket. The undo has no pace: it
waits and tries again while AWS answers "not now".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gameday.change import Call
from gameday.steady_state.clock import Clock

KEPT = 0.5
"""The share of a bucket, and of its refill, that an injection leaves to the undo."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """AWS's limit: `size` calls at once, `refill` more a second; `shared` by all operations of the service."""

    size: float
    refill: float
    shared: bool = False


BUCKETS = {
    # EC2 Developer Guide, "Request throttling": each action has a bucket of its own; mutating actions, and exceptions.
    "ec2": Bucket(50, 5),
    "ec2.modify_network_interface_attribute": Bucket(100, 5),
    "ec2.start_instances": Bucket(5, 2),
    "ec2.terminate_instances": Bucket(100, 5),
    # Lambda Developer Guide, "Lambda quotas": control plane API requests.
    "lambda": Bucket(15, 15, shared=True),
    # API Gateway Developer Guide, "Quotas": total operations.
    "apigateway": Bucket(40, 10, shared=True),
    "apigatewayv2": Bucket(40, 10, shared=True),
}
"""AWS's default limits for an account and region, by service or by operation. Other APIs have no pace."""

MOMENT = 0.001
"""Seconds added to every wait, since clocks are coarse."""

T = TypeVar("T")
BucketKey = tuple[str, str]
"""A bucket's API, and its region."""


def _bucket_of(call: Call) -> tuple[str, Bucket] | None:
    """Return the API whose bucket a call uses, and the bucket; None where there is no pace."""
    bucket = BUCKETS.get(str(call)) or BUCKETS.get(call.service)
    return (call.service if bucket.shared else str(call), bucket) if bucket else None


@dataclass
class RateLimiter:
    """The calls that an injection may still send, on its clock."""

    clock: Clock
    kept: float = KEPT
    left: dict[BucketKey, tuple[float, float]] = field(default_factory=dict)  # calls left, and as of when

    def first(self, going: Sequence[T], call_of: Callable[[T], tuple[Call, str]]) -> list[T]:
        """Return the items whose call may go now; wait until there is at least one.

        Raises what the clock's sleep raises.
        """
        while True:
            now = [item for item in going if self._takes(*call_of(item))]
            if now or not going:
                return now
            self.clock.sleep(MOMENT + min(self._wait(*call_of(item)) for item in going))

    def _takes(self, call: Call, region: str) -> bool:
        if not (bucket := _bucket_of(call)):
            return True
        place, left = (bucket[0], region), self._left(*bucket, region)
        may = left >= 1.0
        self.left[place] = left - may, self.clock.now()
        return may

    def _left(self, api: str, bucket: Bucket, region: str) -> float:
        now, mine = self.clock.now(), 1.0 - self.kept
        left, then = self.left.get((api, region), (mine * bucket.size, now))
        return min(mine * bucket.size, left + (now - then) * mine * bucket.refill)

    def _wait(self, call: Call, region: str) -> float:
        bucket = _bucket_of(call)
        return (1.0 - self._left(*bucket, region)) / ((1.0 - self.kept) * bucket[1].refill) if bucket else 0.0


def needs(calls: Iterable[tuple[Call, str]]) -> dict[BucketKey, tuple[int, int, float, Bucket]]:
    """Return by bucket: the number of calls, how many go out at once, the seconds until the last, and the bucket."""
    numbers = Counter((*known, region) for call, region in calls if (known := _bucket_of(call)))
    result = {}
    for (api, bucket, region), number in numbers.items():
        at_once = min(number, int((1.0 - KEPT) * bucket.size))
        result[api, region] = number, at_once, (number - at_once) / ((1.0 - KEPT) * bucket.refill), bucket
    return result


def lasts(calls: Iterable[tuple[Call, str]]) -> float:
    """Return the seconds until the last of these calls goes out, because of the undo's share."""
    return max((seconds for _, _, seconds, _ in needs(calls).values()), default=0.0)
