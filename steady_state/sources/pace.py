"""Something that is done again and again at even times, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from math import floor
from types import TracebackType
from typing import Self

from gameday.steady_state.clock import Clock


class Ticker:
    """Calls `act` with the time it was due, at each whole multiple of `every` seconds, until it is stopped.

    An open loop: the times do not depend on how long acting takes; those that pass meanwhile are left out.
    """

    def __init__(self, every: float, clock: Clock, act: Callable[[float], None], name: str) -> None:
        self._every = every
        self._clock = clock
        self._act = act
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End, and wait up to `patience` seconds for what is being done."""
        self._stopped.set()
        self._thread.join(patience)

    def _go(self) -> None:
        due = self._next()
        while not self._stopped.wait(max(0.0, due - self._clock.now())):
            self._act(due)
            due = max(due + self._every, self._next())

    def _next(self) -> float:
        return (floor(self._clock.now() / self._every) + 1) * self._every


class Paced:
    """Something that keeps its paces from `with` on until the block ends; `patience` as in `Ticker.stop`."""

    def __init__(self, paces: Iterable[Ticker], patience: float = 1.0) -> None:
        self._paces = tuple(paces)
        self._patience = patience

    def __enter__(self) -> Self:
        for pace in self._paces:
            pace.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pace in self._paces:
            pace.stop(self._patience)
