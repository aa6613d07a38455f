"""A run as a test sees it: its record, and what can be asserted of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError

from gameday.errors import InvalidInput
from gameday.files.experiment import IsolationClaim, RecoveryClaim
from gameday.plan.plan import claim_of
from gameday.pytest_plugin.assertable import Answer
from gameday.pytest_plugin.failure_text import about, shown, story, unheld
from gameday.records.record import Record
from gameday.report import failures, phrases
from gameday.steady_state.judging.judge import judge, worst
from gameday.steady_state.kpi.claim import Claim, Judgement, Recovery, Verdict


@dataclass(frozen=True, repr=False)
class RecordView:
    """A run that has ended. `held`, `contained`, `restored` and `recovered_within(…)` are made for `assert`.

    Each is true only where it is proven: what cannot be told is not true, and says why.
    """

    record: Record

    @property
    def verdict(self) -> str:
        """held, broken, unknown, or refused."""
        return self.record.outcome

    @property
    def sentence(self) -> str:
        """What was claimed and what was seen, in a sentence or two."""
        return phrases.sentence(self.record)

    @property
    def held(self) -> Answer:
        """Whether the experiment's whole claim held."""
        verdict = Verdict.UNKNOWN if self.record.outcome == "refused" else Verdict(self.record.outcome)
        return self._answer(self.sentence, verdict, failures.not_held(self.record), unheld(self.record))

    @property
    def restored(self) -> Answer:
        """Whether every setting that was touched is as it was."""
        account = phrases.account_words(self.record)
        verdict = Verdict.HELD if account in ("restored", "untouched") else Verdict.BROKEN
        return self._answer(f"The account is {account}.", verdict, failures.left_behind(self.record))

    @property
    def contained(self) -> Answer:
        """Whether no module suffered that must not: by the experiment's `isolation`, else by its margin of 1%."""
        claim = claim_of(self.record.plan)
        margin = IsolationClaim().margin if claim.margin is None else claim.margin
        judged = self._judged(replace(claim, margin=margin))
        rows = [row for row in judged.modules if row.judged] if judged else []
        kpis = shown([(row.verdict, row.worst_kpi) for row in rows])
        told = failures.spread(judged) if judged else ()
        return self._part("contained", [row.verdict for row in rows], tuple(told), kpis)

    def recovered_within(
        self, within: str, since: Literal["impact", "undo"] | None = None, sustained: str | None = None
    ) -> Answer:
        """Whether every claimed KPI was back within a time like `5m`, and stayed so; or did not suffer at all.

        `since` impact: by itself, while the fault lasted; undo: once it was taken out. What is not given is as the
        experiment's `recovery` says, else from impact, sustained for a minute. Raises InvalidInput.
        """
        __tracebackhide__ = True  # a mistake in a test is shown in the test
        asked = _recovery(self.record.plan.experiment.recovery, within, since, sustained)
        judged = self._judged(replace(claim_of(self.record.plan), recovery=asked))
        rows = judged.recovery if judged else ()
        kpis = shown([(row.verdict, row.kpi) for row in rows])
        told = failures.late(judged) if judged else ()
        return self._part(f"recovered within {within} of {asked.since}", [row.verdict for row in rows], told, kpis)

    def _judged(self, claim: Claim) -> Judgement | None:
        """The samples judged again by another claim; None where the run never got as far."""
        found = self.record.judged
        return judge(claim, self.record.series, found.phases) if found else None

    def _part(self, what: str, verdicts: list[Verdict], lines: Iterable[str], kpis: Iterable[str]) -> Answer:
        """An answer about one part of a claim; of a run that did not test it to its end, at most unknown."""
        phases, lines = self.record.judged.phases if self.record.judged else None, tuple(lines)
        tested = phases is not None and phases.took_effect is not None and phases.aborted is None
        verdict = worst(verdicts if tested else [*verdicts, Verdict.UNKNOWN])
        starts = {Verdict.HELD: "", Verdict.BROKEN: "not ", Verdict.UNKNOWN: "unknown whether "}
        if verdict is not Verdict.HELD:
            what = f"{starts[verdict]}{what}: {lines[0].partition(': ')[2] if lines and tested else self.sentence}"
        return self._answer(what, verdict, lines, kpis)

    def _answer(self, sentence: str, verdict: Verdict, lines: Iterable[str], kpis: Iterable[str] = ()) -> Answer:
        told, drawn = tuple(lines), tuple(kpis)
        return Answer(about(self.record, sentence), verdict, lambda: story(self.record, sentence, told, drawn))

    def __repr__(self) -> str:
        return f"<run of {self.record.name}: {phrases.label(self.verdict, self.record.place)}>"


def _recovery(own: RecoveryClaim | None, within: str, since: str | None, sustained: str | None) -> Recovery:
    """The recovery asked for; what is not given is as the experiment says. Raises InvalidInput."""
    __tracebackhide__ = True
    given = {"within": within, "from": since, "sustained": sustained}
    try:
        asked = RecoveryClaim.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        what = f"recovered_within: {first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"
        raise InvalidInput(
            what, 'write it like record.recovered_within("5m", since="undo")', gd_code="GD-E121"
        ) from None
    if own and since is None:
        asked = asked.model_copy(update={"from_": own.from_})
    if own and sustained is None:
        asked = asked.model_copy(update={"sustained": own.sustained})
    return Recovery(asked.within, asked.from_, asked.sustained)
