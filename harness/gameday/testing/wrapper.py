"""Accounts that stand before another one: every call goes through one method, in order."""

from __future__ import annotations

from collections.abc import Sequence

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError


class Wrapped:
    """An account before another one."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def one(self, call: Call, region: str, paged: bool) -> Json:
        """One call's answer; raises AwsError."""
        return self.account.pages(call, region) if paged else self.account.call(call, region)

    def call(self, call: Call, region: str) -> Json:
        """One call's answer as JSON; raises AwsError."""
        return self.one(call, region, paged=False)

    def pages(self, call: Call, region: str) -> Json:
        """A read's answer with all its pages merged."""
        return self.one(call, region, paged=True)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Many calls, their answers or errors in the same order."""
        answers: list[Json | AwsError] = []
        for call, region in calls:
            try:
                answers.append(self.one(call, region, paged))
            except AwsError as error:
                answers.append(error)
        return answers
