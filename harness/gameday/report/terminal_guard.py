"""A guard that keeps the terminal from echoing `^C` into a display."""

from __future__ import annotations

import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

LOCAL_MODES = 3
"""Index in the list of `tcgetattr` of the local flags of termios(3), which hold ECHOCTL."""


@contextmanager
def without_control_marks(stream: IO[str]) -> Iterator[None]:
    """Turn off the echo of ^C on the stream's terminal; do nothing for another stream."""
    shown = None
    with suppress(OSError, ValueError, termios.error):  # a stream in memory, or no terminal
        shown = termios.tcgetattr(stream.fileno())[LOCAL_MODES] & termios.ECHOCTL
        _set_marks(stream.fileno(), 0)
    try:
        yield
    finally:
        if shown:
            _set_marks(stream.fileno(), shown)


def _set_marks(terminal: int, shown: int) -> None:
    # The system stops a background process that changes its terminal, unless it blocks SIGTTOU (tcsetattr(3p)).
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        modes = termios.tcgetattr(terminal)
        modes[LOCAL_MODES] = modes[LOCAL_MODES] & ~termios.ECHOCTL | shown
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
    except termios.error:
        return  # the terminal has gone away
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
