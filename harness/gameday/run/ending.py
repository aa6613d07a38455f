"""How a run ends: the errors that it met, its judgement, and its exit code."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from gameday.errors import Exit, GamedayError, in_words, worst
from gameday.events import AccountState, ChangeClosed, Ended, Event, Remark
from gameday.records.record import EXITS, with_outcomes
from gameday.steady_state.clock import Clock
from gameday.steady_state.judging.judge import judge
from gameday.steady_state.kpi.claim import Claim, Judgement, Phases, Verdict
from gameday.steady_state.samples import Series

log = logging.getLogger("gameday.run")


class ErrorsMet:
    """The errors that a run met and went on from; `has_bug` is whether Gameday did not expect one of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.has_bug = False

    def note(self, error: Exception) -> None:
        """Log an error with its traceback: as an error only if it is a bug, since a remark shows the others."""
        is_bug = not isinstance(error, GamedayError) or error.exit == Exit.BUG
        log.log(logging.ERROR if is_bug else logging.INFO, "the run met an error", exc_info=error)
        self.has_bug = self.has_bug or is_bug

    def remarking(self, step: Iterator[Event]) -> Iterator[Event]:
        """Yield the events of a step that aborts nothing; an error of the step ends it, and is a remark."""
        try:
            yield from step
        except Exception as error:  # noqa: BLE001 - the undo, the verdict and the record must follow
            self.note(error)
            yield Remark(self._clock.now(), f"the run went on after an error: {in_words(error)}")

    def judged(
        self, claim: Claim, series: Mapping[str, Series], phases: Phases, settled: Sequence[ChangeClosed]
    ) -> Judgement:
        """Judge the run; where the judgement itself raises, the verdict is unknown."""
        try:
            return with_outcomes(judge(claim, series, phases), settled, phases)
        except Exception as error:  # noqa: BLE001 - the record must tell what became of the account
            self.note(error)
            return Judgement(Verdict.UNKNOWN, f"Gameday could not judge the run: {in_words(error)}.", (), (), ())


def ended(
    at: float, verdict: Verdict, settled: Sequence[ChangeClosed], *, injected: bool, also: Sequence[Exit] = ()
) -> Ended:
    """Return the last event of a run; its exit code is the worst of the verdict's, the account's, and `also`."""
    stuck = any(change.state in ("stuck", "conflict") for change in settled)
    is_gone = any(change.state == "gone" for change in settled)
    left: AccountState = "gone" if is_gone else "restored"
    account: AccountState = "stuck" if stuck else left if injected else "untouched"
    codes = [EXITS[verdict.value], *([Exit.STUCK] if stuck else []), *also]
    return Ended(at, account, int(worst(codes)))
