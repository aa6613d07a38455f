"""Accounts that wrap another account: every call goes through one method, in order."""

from __future__ import annotations

from collections.abc import Sequence

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError


class Wrapped:
    """Wrap an account; subclasses override `answer`, which every call goes through."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """Make a call; raises AwsError."""
        return self.account.pages(call, region) if paged else self.account.call(call, region)

    def call(self, call: Call, region: str) -> Json:
        """Make a call. Returns its answer as JSON; raises AwsError."""
        return self.answer(call, region, paged=False)

    def pages(self, call: Call, region: str) -> Json:
        """Make a read. Returns its answer with all pages merged; raises AwsError."""
        return self.answer(call, region, paged=True)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Make many calls. Returns their answers or errors in the same order."""
        answers: list[Json | AwsError] = []
        for call, region in calls:
            try:
                answers.append(self.answer(call, region, paged))
            except AwsError as error:
                answers.append(error)
        return answers
