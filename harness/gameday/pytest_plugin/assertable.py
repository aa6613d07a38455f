"""Answers about a run for `assert`: they act like a bool, and explain why they are not true."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from gameday.steady_state.kpi.claim import Verdict


@dataclass(frozen=True)
class Answer:
    """Hold an answer about a run: true if the verdict is *held*, false if it is *broken* or *unknown*."""

    about: str  # one line: the question, the run and the result
    verdict: Verdict
    why: Callable[[], str] = field(repr=False, compare=False)  # the details, on several lines

    def __bool__(self) -> bool:
        if self.verdict is not Verdict.HELD:
            Denial.last = Denial(self, inspect.currentframe())
        return self.verdict is Verdict.HELD

    def __repr__(self) -> str:
        return f"<{self.about}>"


class Denial:
    """Record the last false Answer and the source line that evaluated it.

    The failure hook adds the run's details to an assertion that failed on this line.
    """

    last: Denial | None = None

    def __init__(self, answer: Answer, inner: FrameType | None) -> None:
        self.answer = answer
        self._frame = inner.f_back if inner else None
        self._line = self._frame.f_lineno if self._frame else 0

    def failed(self, error: BaseException) -> bool:
        """Whether the statement that evaluated the answer raised this error."""
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        return trace is not None and trace.tb_frame is self._frame and trace.tb_lineno == self._line
