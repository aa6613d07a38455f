"""Actions that repeat at even times, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from math import floor
from types import TracebackType
from typing import Self

from gameday.steady_state.clock import Clock

log = logging.getLogger("gameday.sources")


class Ticker:
    """Call `act` with the due time at each whole multiple of `every` seconds, until `stop`.

    An open loop: due times do not depend on how long `act` takes. It skips those that pass meanwhile.
    """

    def __init__(self, every: float, clock: Clock, act: Callable[[float], None], name: str) -> None:
        self._every = every
        self._clock = clock
        self._act = act
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Stop, and wait up to `patience` seconds for the current action."""
        self._stopped.set()
        self._thread.join(patience)

    def _go(self) -> None:
        due = self._next()
        while not self._stopped.wait(max(0.0, due - self._clock.now())):
            try:
                self._act(due)
            except Exception:  # no answer ends the thread: then the KPI would have no data for the rest of the run
                log.exception("%s failed at its tick, and goes on", self._thread.name)
            due = max(due + self._every, self._next())

    def _next(self) -> float:
        return (floor(self._clock.now() / self._every) + 1) * self._every


class Paced:
    """Run tickers while the block lasts; `patience` as in `Ticker.stop`."""

    def __init__(self, tickers: Iterable[Ticker], patience: float = 1.0) -> None:
        self._tickers = tuple(tickers)
        self._patience = patience

    def __enter__(self) -> Self:
        for ticker in self._tickers:
            ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for ticker in self._tickers:
            ticker.stop(self._patience)
