"""Neither ^C nor messages about a signal disturb a live display."""

from __future__ import annotations

import io
import os
import pty
import signal
import sys
import termios

import pytest
from gameday.report.live_display import LiveProgress
from gameday.report.terminal_guard import LOCAL_MODES, without_control_marks
from gameday.run.signals import undo_on_signals
from gameday.run.stop import StopRequest

from tests.report.sample import held


def test_without_control_marks_gives_the_terminal_back() -> None:
    ours, terminal = pty.openpty()

    def marks() -> bool:
        return bool(termios.tcgetattr(terminal)[LOCAL_MODES] & termios.ECHOCTL)

    with os.fdopen(ours, "w"), os.fdopen(terminal, "w") as stream:
        before = marks()
        with without_control_marks(stream):
            assert not marks()
        assert before
        assert marks()


def test_without_control_marks_on_no_terminal_does_nothing() -> None:
    with without_control_marks(io.StringIO()):
        pass


def test_a_signal_is_shown_in_the_display_alone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    display, stderr = LiveProgress(stream), sys.stderr
    with undo_on_signals(StopRequest(), display.shows):
        display.begin(held().plan, "r")
        signal.raise_signal(signal.SIGINT)
        display.close()
        assert "SIGINT: aborting the run; the undo comes first" in stream.getvalue()
        assert capfd.readouterr().err == ""
        signal.raise_signal(signal.SIGINT)
    assert "SIGINT again" in capfd.readouterr().err
    assert sys.stderr is stderr
