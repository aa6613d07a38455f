"""The same queues on three event loops: why the twin has its own. CPU seconds for ten minutes at 50 requests a second.

    python tests/benchmarks/bench_event_loops.py          # with simpy too where it is installed

A request passes a chain of four servers, and each holds one of its 96 slots while it works (lognormal) and then
calls the next with a timeout of a second. All loops play the same random numbers and must end with the same count.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np

END, DEPTH, SLOTS, TIMEOUT = 600.0, 4, 96, 1.0
Draws = tuple[list[float], list[list[float]]]


def draws() -> Draws:
    """Arrivals, and each request's service time at each depth."""
    generator = np.random.default_rng(1)
    arrivals = np.cumsum(generator.exponential(1 / 50, 40_000))
    arrivals = arrivals[arrivals < END]
    return arrivals.tolist(), generator.lognormal(np.log(0.02), 0.66, (len(arrivals), DEPTH)).tolist()


def on_simpy(numbers: Draws) -> int:
    """Processes that yield, as simpy's manual shows them."""
    import simpy

    env = simpy.Environment()
    servers = [simpy.Resource(env, SLOTS) for _ in range(DEPTH)]
    done = 0

    def visit(times: list[float], depth: int) -> Generator[Any, Any, bool]:
        with servers[depth].request() as slot:
            yield slot
            yield env.timeout(times[depth])
            if depth + 1 == DEPTH:
                return True
            call = env.process(visit(times, depth + 1))
            yield call | env.timeout(TIMEOUT)
            return bool(call.triggered and call.value)

    def customers() -> Generator[Any, Any, None]:
        for at, times in zip(*numbers, strict=True):
            yield env.timeout(at - env.now)
            env.process(customer(times))

    def customer(times: list[float]) -> Generator[Any, Any, None]:
        nonlocal done
        good = yield env.process(visit(times, 0))
        done += good

    env.process(customers())
    env.run(END + 60)
    return done


def on_closures(numbers: Draws) -> int:
    """A heap of (time, number, function): each continuation is a closure, each timeout an event."""
    heap: list[tuple[float, int, Callable[[], None]]] = []
    serial, now, done = count(), 0.0, 0
    busy = [0] * DEPTH
    queues: list[deque[Callable[[], None]]] = [deque() for _ in range(DEPTH)]

    def after(delay: float, then: Callable[[], None]) -> None:
        heappush(heap, (now + delay, next(serial), then))

    def visit(times: list[float], depth: int, answer: Callable[[bool], None]) -> None:
        def start() -> None:
            busy[depth] += 1
            after(times[depth], worked)

        def leave(good: bool) -> None:
            busy[depth] -= 1
            if queues[depth]:
                queues[depth].popleft()()
            answer(good)

        def worked() -> None:
            if depth + 1 == DEPTH:
                leave(True)
                return
            waiting = True

            def answered(good: bool) -> None:
                nonlocal waiting
                if waiting:
                    waiting = False
                    leave(good)

            after(TIMEOUT, lambda: answered(False))
            visit(times, depth + 1, answered)

        if busy[depth] < SLOTS:
            start()
        else:
            queues[depth].append(start)

    def finished(good: bool) -> None:
        nonlocal done
        done += good

    for at, times in zip(*numbers, strict=True):
        heappush(heap, (at, next(serial), partial(visit, times, 0, finished)))
    while heap:
        now, _, then = heappop(heap)
        then()
    return done


class Visit:
    """One request at one server."""

    __slots__ = ("caller", "depth", "open", "times")

    def __init__(self, times: list[float], depth: int, caller: Visit | None) -> None:
        self.times = times
        self.depth = depth
        self.caller = caller
        self.open = True  # its call, or itself, may still be answered


class OnTuples:
    """A heap of (time, number, bound method, slotted object), and one queue for all timeouts of the same length."""

    def __init__(self, numbers: Draws) -> None:
        self.heap: list[tuple[float, int, Callable[[float, Any], None], Any]] = []
        self.serial = count().__next__
        self.busy = [0] * DEPTH
        self.queues: list[deque[Visit]] = [deque() for _ in range(DEPTH)]
        self.deadlines: deque[tuple[float, Visit]] = deque()
        self.done = 0
        for at, times in zip(*numbers, strict=True):
            heappush(self.heap, (at, self.serial(), self.enter, Visit(times, 0, None)))

    def run(self) -> int:
        """Play to the end; how many succeeded."""
        heap = self.heap
        while heap:
            now, _, handler, argument = heappop(heap)
            handler(now, argument)
        return self.done

    def enter(self, now: float, visit: Visit) -> None:
        """A slot, or the queue."""
        if self.busy[visit.depth] < SLOTS:
            self.busy[visit.depth] += 1
            heappush(self.heap, (now + visit.times[visit.depth], self.serial(), self.worked, visit))
        else:
            self.queues[visit.depth].append(visit)

    def worked(self, now: float, visit: Visit) -> None:
        """Own work is done: the call is next."""
        if visit.depth + 1 == DEPTH:
            self.leave(now, visit, True)
            return
        self.deadlines.append((now + TIMEOUT, visit))
        if len(self.deadlines) == 1:
            heappush(self.heap, (now + TIMEOUT, self.serial(), self.expire, None))
        self.enter(now, Visit(visit.times, visit.depth + 1, visit))

    def expire(self, now: float, _: None) -> None:
        """The earliest deadline that still counts."""
        while self.deadlines:
            at, visit = self.deadlines[0]
            if visit.open:
                if at > now:
                    heappush(self.heap, (at, self.serial(), self.expire, None))
                    return
                self.leave(now, visit, False)
            self.deadlines.popleft()

    def leave(self, now: float, visit: Visit, good: bool) -> None:
        """Free the slot and answer, up through all callers that wait."""
        following: Visit | None = visit
        while following is not None and following.open:
            following.open = False
            self.busy[following.depth] -= 1
            if self.queues[following.depth]:
                self.enter(now, self.queues[following.depth].popleft())
            if following.caller is None:
                self.done += good
            following = following.caller


def measure(name: str, play: Callable[[Draws], int], numbers: Draws, collect: bool) -> None:
    """Print one line."""
    gc.collect()
    (gc.enable if collect else gc.disable)()
    began = time.process_time()
    done = play(numbers)
    took = time.process_time() - began
    gc.enable()
    collector = "" if collect else ", no garbage collector"
    sys.stdout.write(f"{name + collector:<60} {took:6.2f}s CPU  {done:,} of {len(numbers[0]):,} served\n")


def main() -> None:
    """Print the figures of each loop."""
    numbers = draws()
    if importlib.util.find_spec("simpy"):
        measure("simpy", on_simpy, numbers, True)
        measure("simpy", on_simpy, numbers, False)
    else:
        sys.stdout.write("simpy is not installed: pip install simpy\n")
    for collect in (True, False):
        measure("a heap of closures", on_closures, numbers, collect)
    for collect in (True, False):
        measure("a heap of tuples with bound methods", lambda given: OnTuples(given).run(), numbers, collect)


if __name__ == "__main__":
    main()
