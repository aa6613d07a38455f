"""Prove every case, one after the other, each in a run of its own, and undo each before the next begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gameday.aws.account import Account, Allowed, whoami
from gameday.change import AnyChange, PlannedFault
from gameday.conform.case import SANDBOX, Case, ConformPlan
from gameday.conform.laws import CaseRun, LawResult
from gameday.engine.allowlist import AllowList
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.errors import Exit, GamedayError, in_words, worst
from gameday.faults.fault import effect
from gameday.run.stop import Stoppable, StopRequest
from gameday.steady_state.clock import Clock

Narrow = Callable[[Allowed], Account]
"""Narrow the account to an allow-list."""


@dataclass(frozen=True)
class Conformance:
    """What the laws showed, in the order of the cases; `stuck` names the runs that a person must look at."""

    region: str
    endpoint: str
    results: tuple[LawResult, ...]
    stuck: tuple[str, ...] = ()

    @property
    def exit(self) -> Exit:
        """Return *stuck*, *broken* where a law did not hold, *unknown* where one could not be tried, else *held*."""
        codes = [Exit.STUCK] if self.stuck else []
        codes_of = {None: Exit.UNKNOWN, False: Exit.BROKEN, True: Exit.HELD}
        return worst([*codes, *(codes_of[result.held] for result in self.results)] or [Exit.UNKNOWN])


@dataclass(frozen=True)
class Sandbox:
    """Where the cases are proven, and with what."""

    region: str
    narrow: Narrow
    reader: Account
    journal: Journal
    clock: Clock
    stop: StopRequest

    def prove(self, case: Case, run: str) -> Iterator[LawResult]:
        """Prove a case and undo it; where it cannot be proven, the last result says why. Raises JournalError."""
        self.stop.is_undoing = False
        account, _ = whoami(self.reader, self.region)
        self.journal.begin(run, _plan(case, account, self.region), os.getpid())
        self.journal.take(run, SANDBOX, account, "aws")

        def allow(changes: tuple[AnyChange, ...]) -> Account:
            return self.narrow(AllowList([changes], run))

        waiting = Stoppable(self.clock, self.stop)
        under_way = CaseRun(case, run, self.region, self.reader, self.journal, waiting, allow)
        try:
            yield from under_way.prove()
        except GamedayError as error:
            yield LawResult(case.name, "not proven", None, self.clock.now(), about=in_words(error))
        finally:
            self.stop.is_undoing = True
            began = self.clock.now()
            of_journal = self.narrow(AllowList.of_journal(self.journal.entries(run), run))
            closed = undo(run, of_journal, self.journal, self.clock, under_way.events.append)
            self.journal.end(run)
        yield from under_way.after_undo(closed, began)

    def all(self, cases: Sequence[tuple[Case, str]]) -> Iterator[LawResult]:
        """Prove each case in its run; stop where one is stuck, or the user asks for an end."""
        for case, run in cases:
            yield from self.prove(case, run)
            if self.stuck(run) or self.stop.why:
                return

    def stuck(self, run: str) -> bool:
        """Return whether a run has changes that are not undone."""
        known = self.journal.run(run)
        return known is not None and known.ended is None


def _plan(case: Case, account: str, region: str) -> ConformPlan:
    stages: tuple[tuple[AnyChange, ...], ...] = case.makes
    made = PlannedFault(fault="conform", label=case.name, stages=stages, effect=effect("none", ()))
    return ConformPlan(account=account, region=region, planned_faults=(made,))
