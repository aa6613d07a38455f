"""Time on an account that skips every wait: a run lasts as long as its calls take, and no sample comes late.

A process of a test runs as `python -m tests.doubles.skipping run …`, or under pytest with this module as a plugin.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from gameday.engine.journal import Journal
from gameday.steady_state.clock import WallClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.sources.command import CommandSource

if TYPE_CHECKING:
    import pytest

HOLD = "GAMEDAY_TEST_HOLD"
"""Names a file in the environment: while it exists, time stands still for a run that has injected."""
PAUSE = 0.02
"""Seconds of this machine that a sleep takes while time stands still."""


class SkippedTime:
    """The wall's time when it is made; from then on only sleeps let time pass, and none takes any."""

    def __init__(self, on_sleep: Callable[[], None], is_held: Callable[[], bool]) -> None:
        self._on_sleep = on_sleep
        self._is_held = is_held
        self._at = time.time()

    def now(self) -> float:
        return self._at

    def sleep(self, seconds: float) -> None:
        self._on_sleep()
        if self._is_held():
            time.sleep(PAUSE)
        else:
            self._at += max(0.0, seconds)


def _is_held() -> bool:
    """Whether the test holds this process's run, which has injected."""
    file = os.environ.get(HOLD)
    if not file or not Path(file).exists():
        return False
    with closing(Journal.open()) as journal:
        mine = [run.id for run in journal.unended() if run.pid == os.getpid()]
        return any(entry.answered for run in mine for entry in journal.entries(run))


@contextmanager
def skipping(on_sleep: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Skip every wait of this process's runs; `on_sleep` is called at each, to let the world go on."""
    skipped = SkippedTime(on_sleep, _is_held)
    read = CommandSource.read
    due: dict[tuple[int, str], float] = {}

    def read_all(self: CommandSource, kpis: Mapping[str, Kpi], start: float, end: float) -> Any:
        """Run each program for every bin that has ended meanwhile, however late that is."""
        for name, run in self._runs.items():
            if name not in kpis:
                continue
            every = run.spec.every
            next_ = due.get((id(self), name), (start // every + 1) * every)
            while next_ <= end:
                self.sample(name, next_)
                next_ += every
            due[id(self), name] = next_
        return read(self, kpis, start, end)

    clock = patch.multiple(
        WallClock, now=lambda self: skipped.now(), sleep=lambda self, seconds: skipped.sleep(seconds)
    )
    on_demand = {"__enter__": lambda self: self, "__exit__": lambda self, *_: None, "read": read_all}
    with clock, patch.multiple(CommandSource, **on_demand):
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Skip the waits of a suite."""
    skips = skipping()
    skips.__enter__()
    config.add_cleanup(lambda: skips.__exit__(None, None, None) and None)


if __name__ == "__main__":
    from gameday.cli.main import main

    sys.argv[0] = "gameday"
    with skipping():
        main()
