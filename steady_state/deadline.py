"""Wait for answers with a deadline: a server that sends its answer byte by byte must not hold the thread that waits.

Time-outs of sockets count for each read alone. So each act runs in a daemon thread, and the caller leaves it behind at
the deadline. A thread left behind ends with its act, or with the process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

POLL = 0.1
"""Seconds between two checks whether the caller is wanted elsewhere."""

IsAwaited = Callable[[], bool]
"""Returns whether somebody still waits for an act; an act that nobody waits for must begin nothing new."""
Hurries = Callable[[], bool]
"""Returns whether the caller is wanted elsewhere, and leaves all acts behind."""


def never() -> bool:
    """Return false: nothing hurries the caller."""
    return False


class _Act(Generic[T]):
    def __init__(self, do: Callable[[IsAwaited], T]) -> None:
        self._do = do
        self.outcome: Future[T] = Future()
        self.began: float | None = None  # by the monotonic clock
        self.is_awaited = True

    def is_overdue(self, seconds: float) -> bool:
        return self.is_awaited and self.began is not None and monotonic() - self.began >= seconds

    def run(self) -> None:
        self.began = monotonic()
        try:
            self.outcome.set_result(self._do(lambda: self.is_awaited))
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            self.outcome.set_exception(error)


class _Crew(Generic[T]):
    """Daemon threads that run acts in order, and whose number stays the same when one is left behind."""

    def __init__(self, acts: list[_Act[T]], size: int) -> None:
        self._waiting = deque(acts)
        for _ in range(min(size, len(acts))):
            self.add()

    def add(self) -> None:
        threading.Thread(target=self._work, name="answer", daemon=True).start()

    def dismiss(self) -> None:
        self._waiting.clear()

    def _work(self) -> None:
        while True:
            try:
                act = self._waiting.popleft()
            except IndexError:
                return
            act.run()
            if not act.is_awaited:
                return  # another thread has taken this one's place


def within(
    seconds: float, acts: Sequence[Callable[[IsAwaited], T]], at_once: int = 1, hurries: Hurries = never
) -> list[Future[T]]:
    """Run acts in other threads, `at_once` at a time; return their outcomes. One that is not done was left behind.

    An act is left behind `seconds` after its own begin. All are left behind once `hurries` returns true.
    """
    running = [_Act(act) for act in acts]
    crew = _Crew(running, at_once)
    while left := [act for act in running if act.is_awaited and not act.outcome.done()]:
        wait([act.outcome for act in left], timeout=min(POLL, seconds))
        is_wanted = hurries()
        if is_wanted:
            crew.dismiss()
        for act in left:
            if not act.outcome.done() and (is_wanted or act.is_overdue(seconds)):
                act.is_awaited = False
                crew.add()
    return [act.outcome if act.is_awaited else Future() for act in running]
