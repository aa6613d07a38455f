"""An answer about a run that reads like a bool, and can say why it is not true."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from gameday.steady_state.kpi.claim import Verdict


@dataclass(frozen=True)
class Answer:
    """True where something is held; false where it is broken, and where it cannot be told."""

    about: str  # in a line: what was asked of which run, and what came out
    verdict: Verdict
    why: Callable[[], str] = field(repr=False, compare=False)  # all there is to say, on several lines

    def __bool__(self) -> bool:
        if self.verdict is not Verdict.HELD:
            Denial.last = Denial(self, inspect.currentframe())
        return self.verdict is Verdict.HELD

    def __repr__(self) -> str:
        return f"<{self.about}>"


class Denial:
    """The last answer that was false, and the line of code that asked: pytest tells its story if that line failed."""

    last: Denial | None = None

    def __init__(self, answer: Answer, inner: FrameType | None) -> None:
        self.answer = answer
        self._asked = inner.f_back if inner else None
        self._line = self._asked.f_lineno if self._asked else 0

    def failed(self, error: BaseException) -> bool:
        """Whether an error was raised by the very statement that asked."""
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        return trace is not None and trace.tb_frame is self._asked and trace.tb_lineno == self._line
