"""The reads of planning, for the policy that must allow them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError


@dataclass
class Recorder:
    """An account that records the operations called through it: the reads of planning."""

    account: Account
    calls: dict[str, Call] = field(default_factory=dict)

    def call(self, call: Call, region: str) -> Json:
        """Send one call; return its answer as JSON. Raises AwsError."""
        self.calls[str(call)] = call
        return self.account.call(call, region)

    def pages(self, call: Call, region: str) -> Json:
        """Send a read; return its answer with all pages merged. Raises AwsError."""
        self.calls[str(call)] = call
        return self.account.pages(call, region)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Send many independent calls; return their answers or errors in the same order."""
        self.calls |= {str(call): call for call, _ in calls}
        return self.account.call_all(calls, paged)
