"""Faults for the AWS calls of the code under test, from where a test asks for them until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Unpack

import pytest

from gameday import sdk
from gameday.pytest_plugin import failure_hook
from gameday.pytest_plugin.outcome import no_traceback
from gameday.sdk.attempt import Sleep
from gameday.sdk.context_managers import ErrorAnswer, Lateness, Patience


class SdkFaults:
    """The faults of `gameday.sdk`; each begins at once. A test that fails shows what they did to its calls."""

    def __init__(self, request: pytest.FixtureRequest, until_then: ExitStack) -> None:
        self._item = request.node
        self._until_then = until_then

    def __call__(self, *rules: sdk.Rule | sdk.Injection, seed: int = 0, sleep: Sleep = time.sleep) -> sdk.CallLog:
        """Several rules at once: of those that hit a request the first wins."""
        return self._begin(lambda: sdk.faults(*rules, seed=seed, sleep=sleep))

    def throttle(self, service: str, operation: str | None = None, **said: Unpack[ErrorAnswer]) -> sdk.CallLog:
        """As `gameday.sdk.throttle`."""
        return self._begin(lambda: sdk.throttle(service, operation, **said))

    def fail(self, service: str, operation: str | None = None, **said: Unpack[ErrorAnswer]) -> sdk.CallLog:
        """As `gameday.sdk.fail`."""
        return self._begin(lambda: sdk.fail(service, operation, **said))

    def delay(self, service: str, operation: str | None = None, **said: Unpack[Lateness]) -> sdk.CallLog:
        """As `gameday.sdk.delay`."""
        return self._begin(lambda: sdk.delay(service, operation, **said))

    def timeout(self, service: str, operation: str | None = None, **said: Unpack[Patience]) -> sdk.CallLog:
        """As `gameday.sdk.timeout`."""
        return self._begin(lambda: sdk.timeout(service, operation, **said))

    def blackhole(self, service: str, operation: str | None = None, **said: Unpack[Patience]) -> sdk.CallLog:
        """As `gameday.sdk.blackhole`."""
        return self._begin(lambda: sdk.blackhole(service, operation, **said))

    def lose_reply(self, service: str, operation: str | None = None, **said: Unpack[Patience]) -> sdk.CallLog:
        """As `gameday.sdk.lose_reply`."""
        return self._begin(lambda: sdk.lose_reply(service, operation, **said))

    def _begin(self, make: Callable[[], sdk.Injection]) -> sdk.CallLog:
        with no_traceback():
            record = self._until_then.enter_context(make())
        failure_hook.listen(self._item.config)
        self._item.stash.setdefault(failure_hook.CALLS, []).append(record)
        return record
