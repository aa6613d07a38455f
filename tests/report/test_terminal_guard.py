"""While a display stands, nothing else may tear it: neither ^C nor a line on stderr."""

from __future__ import annotations

import os
import pty
import sys
import termios
from pathlib import Path

from gameday.report.terminal_guard import LOCAL_MODES, quiet


def test_what_a_signal_handler_writes_is_said_in_order_and_none_is_lost() -> None:
    said: list[str] = []
    stderr = sys.stderr
    with quiet(stderr, said.append):
        os.write(sys.stderr.fileno(), b"\ngameday: SIGINT: aborting, and undoing first\n")
        print("a warning", file=sys.stderr)
        os.write(sys.stderr.fileno(), b"\ngameday: SIGINT again")
    assert said == ["gameday: SIGINT: aborting, and undoing first", "a warning", "gameday: SIGINT again"]
    assert sys.stderr is stderr


def test_a_display_elsewhere_leaves_stderr_alone() -> None:
    stderr = sys.stderr
    with Path(os.devnull).open("w") as elsewhere, quiet(elsewhere, print):
        assert sys.stderr is stderr


def test_a_terminal_shows_no_mark_of_ctrl_c_and_is_given_back_as_it_was() -> None:
    ours, terminal = pty.openpty()

    def marks() -> bool:
        return bool(termios.tcgetattr(terminal)[LOCAL_MODES] & termios.ECHOCTL)

    with os.fdopen(ours, "w"), os.fdopen(terminal, "w") as stream:
        before = marks()
        with quiet(stream, print):
            assert not marks()
        assert before
        assert marks()
