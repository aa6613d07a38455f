"""The pace of an injection: half of what AWS takes of each API is kept for the undo.

AWS meters calls by token buckets: so many at once, so many a second afterwards. An injection that takes no more than
half of both never sends more than the undo can take back at once, while that is less than a bucket holds.
The undo is not paced: it waits out "not now".
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
    """What AWS takes: `size` calls at once, `refill` more a second; `shared` by all operations of the service."""

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
}
"""By service, or by service and operation; by default of an account and region. What is not known is not paced."""

MOMENT = 0.001
"""Seconds that are waited for longer than need be: clocks are coarse."""

T = TypeVar("T")
BucketKey = tuple[str, str]
"""A bucket's API, and its region."""


def _of(call: Call) -> tuple[str, Bucket] | None:
    """The API whose bucket a call takes from, and the bucket."""
    bucket = BUCKETS.get(str(call)) or BUCKETS.get(call.service)
    return (call.service if bucket.shared else str(call), bucket) if bucket else None


@dataclass
class RateLimiter:
    """What an injection may still send, on its clock."""

    clock: Clock
    kept: float = KEPT
    left: dict[BucketKey, tuple[float, float]] = field(default_factory=dict)  # calls left, and as of when

    def first(self, going: Sequence[T], call_of: Callable[[T], tuple[Call, str]]) -> list[T]:
        """Those that may go now, at least one: waits until there is one. Raises what the clock's sleep raises."""
        while True:
            now = [one for one in going if self._takes(*call_of(one))]
            if now or not going:
                return now
            self.clock.sleep(MOMENT + min(self._wait(*call_of(one)) for one in going))

    def _takes(self, call: Call, region: str) -> bool:
        if not (found := _of(call)):
            return True
        place, left = (found[0], region), self._left(*found, region)
        may = left >= 1.0
        self.left[place] = left - may, self.clock.now()
        return may

    def _left(self, api: str, bucket: Bucket, region: str) -> float:
        now, mine = self.clock.now(), 1.0 - self.kept
        left, then = self.left.get((api, region), (mine * bucket.size, now))
        return min(mine * bucket.size, left + (now - then) * mine * bucket.refill)

    def _wait(self, call: Call, region: str) -> float:
        found = _of(call)
        return (1.0 - self._left(*found, region)) / ((1.0 - self.kept) * found[1].refill) if found else 0.0


def needs(calls: Iterable[tuple[Call, str]]) -> dict[BucketKey, tuple[int, int, float, Bucket]]:
    """By bucket: how many calls, how many of them go out at once, and seconds until the last one does."""
    found = Counter((*known, region) for call, region in calls if (known := _of(call)))
    result = {}
    for (api, bucket, region), number in found.items():
        at_once = min(number, int((1.0 - KEPT) * bucket.size))
        result[api, region] = number, at_once, (number - at_once) / ((1.0 - KEPT) * bucket.refill), bucket
    return result


def lasts(calls: Iterable[tuple[Call, str]]) -> float:
    """Seconds that calls take to go out because of the undo's share."""
    return max((seconds for _, _, seconds, _ in needs(calls).values()), default=0.0)
