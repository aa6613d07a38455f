"""Faults for the AWS calls of the code under test: they begin at the call of the fixture and end with the test."""

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
    """Inject the faults of `gameday.sdk` at once. A failing test shows what they did to its calls."""

    def __init__(self, request: pytest.FixtureRequest, until_then: ExitStack) -> None:
        self._item = request.node
        self._until_then = until_then

    def __call__(self, *rules: sdk.Rule | sdk.Injection, seed: int = 0, sleep: Sleep = time.sleep) -> sdk.CallLog:
        """Inject several rules at once; the first rule that hits a request applies."""
        return self._begin(lambda: sdk.faults(*rules, seed=seed, sleep=sleep))

    def throttle(self, service: str, operation: str | None = None, **options: Unpack[ErrorAnswer]) -> sdk.CallLog:
        """Inject the fault of `gameday.sdk.throttle`."""
        return self._begin(lambda: sdk.throttle(service, operation, **options))

    def fail(self, service: str, operation: str | None = None, **options: Unpack[ErrorAnswer]) -> sdk.CallLog:
        """Inject the fault of `gameday.sdk.fail`."""
        return self._begin(lambda: sdk.fail(service, operation, **options))

    def delay(self, service: str, operation: str | None = None, **options: Unpack[Lateness]) -> sdk.CallLog:
        """Inject the fault of `gameday.sdk.delay`."""
        return self._begin(lambda: sdk.delay(service, operation, **options))

    def timeout(self, service: str, operation: str | None = None, **options: Unpack[Patience]) -> sdk.CallLog:
        """Inject the fault of `gameday.sdk.timeout`."""
        return self._begin(lambda: sdk.timeout(service, operation, **options))

    def blackhole(self, service: str, operation: str | None = None, **options: Unpack[Patience]) -> sdk.CallLog:
        """Inject the fault of `gameday.sdk.blackhole`."""
        return self._begin(lambda: sdk.blackhole(service, operation, **options))

    def lose_reply(self, service: str, operation: str | None = None, **options: Unpack[Patience]) -> sdk.CallLog:
        """Inject the fault of `gameday.sdk.lose_reply`."""
        return self._begin(lambda: sdk.lose_reply(service, operation, **options))

    def _begin(self, make: Callable[[], sdk.Injection]) -> sdk.CallLog:
        with no_traceback():
            record = self._until_then.enter_context(make())
        failure_hook.listen(self._item.config)
        self._item.stash.setdefault(failure_hook.CALLS, []).append(record)
        return record
