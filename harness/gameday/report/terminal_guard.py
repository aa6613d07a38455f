"""Keeps a terminal quiet while a display moves its cursor there: a stray line would tear the frame."""

from __future__ import annotations

import io
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import IO

LOCAL_MODES = 3
"""Where `tcgetattr` keeps the flags of termios(3) that hold ECHOCTL."""


@contextmanager
def quiet(stream: IO[str], say: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, Ctrl-C leaves no ^C, and each line that goes to stderr is handed to `say`."""
    with ExitStack() as held:
        if _is_terminal(stream):
            held.enter_context(_without_marks(stream.fileno()))
        if stream is sys.stderr:
            held.enter_context(_stderr_to(say))
        yield


class _Pipe(io.TextIOBase):
    """A stderr whose descriptor is a pipe, so that a signal handler may write there too."""

    def __init__(self, descriptor: int, behind: IO[str]) -> None:
        self._descriptor = descriptor
        self._behind = behind
        self.is_over = False  # whoever kept this stream writes to the one behind it from then on

    def fileno(self) -> int:
        return self._behind.fileno() if self.is_over else self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.is_over:
            return self._behind.write(text)
        os.write(self._descriptor, text.encode(errors="replace"))
        return len(text)


@contextmanager
def _stderr_to(say: Callable[[str], None]) -> Iterator[None]:
    reading, writing = os.pipe()

    def read() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.strip():
                    say(line.rstrip())

    reader, before = Thread(target=read, name="stderr above the display", daemon=True), sys.stderr
    sys.stderr = pipe = _Pipe(writing, before)
    reader.start()
    try:
        yield
    finally:
        sys.stderr = before
        pipe.is_over = True
        os.close(writing)
        reader.join()


@contextmanager
def _without_marks(terminal: int) -> Iterator[None]:
    """No ^C on the screen: the terminal would put it into the frame."""
    marks = termios.tcgetattr(terminal)[LOCAL_MODES] & termios.ECHOCTL
    _set_marks(terminal, 0)
    try:
        yield
    finally:
        _set_marks(terminal, marks)


def _set_marks(terminal: int, marks: int) -> None:
    # In the background a process that changes its terminal is stopped, unless it blocks SIGTTOU (tcsetattr(3p)).
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        modes = termios.tcgetattr(terminal)
        modes[LOCAL_MODES] = modes[LOCAL_MODES] & ~termios.ECHOCTL | marks
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
    except termios.error:
        return  # the terminal has gone away; there is nothing to keep quiet
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False  # a stream in memory
