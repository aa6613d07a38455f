"""The rows of a matrix in worker processes: a worker that dies costs its own row, and no other."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from gameday.matrix.model import MatrixRow
from gameday.run.signals import signals_to

ENDED_BY = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

Job = Callable[[], MatrixRow]
"""Play a row; another process must be able to unpickle it."""


def play_in_processes(
    jobs: Sequence[Job], lost: Callable[[int], MatrixRow], cores: int, tell: Callable[[MatrixRow], None]
) -> tuple[MatrixRow, ...]:
    """Play jobs on so many cores; return their rows in order, and pass each to `tell` as it ends.

    `lost` returns the row of a job whose process died. Raises what a job raises.
    """
    rows: dict[int, MatrixRow] = {}
    waiting = list(enumerate(jobs))[::-1]
    lanes = [_lane() for _ in range(min(cores, len(jobs)))]
    running: dict[Future[MatrixRow], tuple[int, int]] = {}  # → lane, job

    def begin(lane: int) -> None:
        if waiting:
            number, job = waiting.pop()
            running[lanes[lane].submit(job)] = lane, number

    # SIGTERM, SIGHUP and SIGQUIT act like Ctrl-C; on the twin there is nothing to undo.
    with signals_to(signal.default_int_handler, ENDED_BY):
        try:
            for lane in range(len(lanes)):
                begin(lane)
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    lane, number = running.pop(future)
                    try:
                        rows[number] = future.result()
                    except BrokenProcessPool:
                        rows[number] = lost(number)
                        lanes[lane].shutdown()
                        lanes[lane] = _lane()
                    tell(rows[number])
                    begin(lane)
        finally:
            for pool in lanes:
                pool.shutdown(wait=False, cancel_futures=True)
    return tuple(rows[number] for number in range(len(jobs)))


def _lane() -> ProcessPoolExecutor:
    # A pool of one worker: the death of a worker breaks its whole pool, and a pool does not say whose job died.
    # Spawned, since a forked process would begin with the locks and signal handlers of this process.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Ignore the keys that reach every process of a terminal: the parent decides, and no worker outlives it."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
