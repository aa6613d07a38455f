"""Signals end a run: the first starts the undo, and a second does not skip it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from gameday.run.stop import StopRequest

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""The signals that end a run. People send SIGQUIT (Ctrl-\\\\) when Ctrl-C seems to do nothing."""


@contextmanager
def undo_on_signals(stop: StopRequest, shows: Callable[[str], bool] = lambda _: False) -> Iterator[None]:
    """Within this block, abort and undo the run on each of `SIGNALS`.

    `shows` shows a message about a signal in a live display. Where it returns false, the message goes to stderr.
    """

    def handler(number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if stop.why is None:
            stop.ask("signal", f"{name} arrived")
            text = f"{name}: aborting the run; the undo comes first"
        else:
            text = f"{name} again: the undo goes on. To force an end: kill -9 {os.getpid()}, then `gameday restore`"
        if not shows(text):
            _write(text)

    with signals_to(handler):
        yield


@contextmanager
def signals_to(
    handler: Callable[[int, FrameType | None], object], numbers: Iterable[signal.Signals] = SIGNALS
) -> Iterator[None]:
    """Within this block, call `handler` on these signals; afterwards restore the handlers of before."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _write(text: str) -> None:
    # Straight to the file: print() is not safe inside a signal handler that interrupted a print().
    try:
        os.write(sys.stderr.fileno(), f"\ngameday: {text}\n".encode())
    except (OSError, ValueError):
        return  # stderr is closed; the undo matters more than the message
