"""Signals end a run politely: the first asks for the undo, a second does not skip it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from gameday.run.stop import StopRequest

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undo_on_signals(stop: StopRequest, shows: Callable[[str], bool] = lambda _: False) -> Iterator[None]:
    """While this lasts, SIGINT, SIGTERM and SIGHUP ask the run to abort and undo.

    `shows` shows a message about a signal in a live display; where it answers False, the message goes to stderr.
    """

    def heard(number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if stop.why is None:
            stop.ask("signal", f"{name} arrived")
            text = f"{name}: aborting, and undoing first"
        else:
            text = f"{name} again: still undoing. To force: kill -9 {os.getpid()}, and later `gameday restore`"
        if not shows(text):
            _say(text)

    with signals_to(heard):
        yield


@contextmanager
def signals_to(
    heard: Callable[[int, FrameType | None], object], numbers: Iterable[signal.Signals] = HEARD
) -> Iterator[None]:
    """While this lasts, these signals call `heard`; afterwards they do what they did."""
    before = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    # Straight to the file: print() is not safe inside a signal handler that interrupted a print().
    try:
        os.write(sys.stderr.fileno(), f"\ngameday: {text}\n".encode())
    except (OSError, ValueError):
        return  # nobody listens; the undo matters, not the word
