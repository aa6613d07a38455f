"""Reads of a plan that AWS throttles: those are sent again, as long as each round brings some answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.engine.calls import THROTTLED
from gameday.errors import AwsError


@dataclass(frozen=True)
class PatientReads:
    """An account whose reads wait for AWS's rate limits.

    A client tries each call a few times, seconds apart. So a large module's reads all fail together, though AWS answers
    some in each second. Rounds end when none of a round's calls was answered: somebody else uses up the rate.
    """

    account: Account

    def call(self, call: Call, region: str) -> Json:
        """Send one read; return its answer. Raises AwsError."""
        return self.account.call(call, region)

    def pages(self, call: Call, region: str) -> Json:
        """Send one read; return its answer with all pages merged. Raises AwsError."""
        return self.account.pages(call, region)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Send many reads; return their answers or errors in the same order."""
        answers = self.account.call_all(calls, paged)
        waiting = [number for number, answer in enumerate(answers) if _is_throttled(answer)]
        while waiting:
            again = self.account.call_all([calls[number] for number in waiting], paged)
            for number, answer in zip(waiting, again, strict=True):
                answers[number] = answer
            left = [number for number in waiting if _is_throttled(answers[number])]
            if len(left) == len(waiting):
                break
            waiting = left
        return answers


def _is_throttled(answer: Json | AwsError) -> bool:
    return isinstance(answer, AwsError) and answer.code in THROTTLED
