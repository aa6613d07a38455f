"""A view of a run for tests: its record, and the answers to assert on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError

from gameday.errors import InvalidInput
from gameday.files.experiment import IsolationClaim, RecoveryClaim
from gameday.plan.plan import claim_of
from gameday.pytest_plugin.assertable import Answer
from gameday.pytest_plugin.failure_text import about, details, shown, unheld
from gameday.records.record import Record
from gameday.report import failures, phrases
from gameday.steady_state.judging.judge import judge, worst
from gameday.steady_state.kpi.claim import Claim, Judgement, Recovery, Verdict


@dataclass(frozen=True, repr=False)
class RecordView:
    """Hold a run that has ended. Use `held`, `contained`, `restored` and `recovered_within(…)` in `assert`.

    Each is true only if it is proven. An *unknown* answer is not true, and explains why.
    """

    record: Record

    @property
    def verdict(self) -> str:
        """The verdict: held, broken, unknown, or refused."""
        return self.record.outcome

    @property
    def sentence(self) -> str:
        """What was claimed and what was seen, in one or two sentences."""
        return phrases.sentence(self.record)

    @property
    def held(self) -> Answer:
        """Whether the experiment's whole claim held."""
        verdict = Verdict.UNKNOWN if self.record.outcome == "refused" else Verdict(self.record.outcome)
        return self._answer(self.sentence, verdict, failures.not_held(self.record), unheld(self.record))

    @property
    def restored(self) -> Answer:
        """Whether every changed setting has its earlier value again."""
        account = phrases.account_words(self.record)
        verdict = Verdict.HELD if account in ("restored", "untouched") else Verdict.BROKEN
        return self._answer(f"The account is {account}.", verdict, failures.left_behind(self.record))

    @property
    def contained(self) -> Answer:
        """Whether no other module suffered, by the margin of the experiment's `isolation`, else 1%."""
        claim = claim_of(self.record.plan)
        margin = IsolationClaim().margin if claim.margin is None else claim.margin
        judged = self._judged(replace(claim, margin=margin))
        rows = [row for row in judged.modules if row.judged] if judged else []
        kpis = shown([(row.verdict, row.worst_kpi) for row in rows])
        lines = failures.spread(judged) if judged else ()
        return self._part("contained", [row.verdict for row in rows], lines, kpis)

    def recovered_within(
        self, within: str, since: Literal["impact", "undo"] | None = None, sustained: str | None = None
    ) -> Answer:
        """Whether every claimed KPI recovered within a time like `5m` and stayed in bound, or never left it.

        `since` "impact" counts while the fault lasts; "undo" counts from the undo. Missing arguments come from the
        experiment's `recovery`, else they are "impact" and one minute. Raises InvalidInput.
        """
        __tracebackhide__ = True  # a mistake in a test is shown in the test
        claim = _recovery(self.record.plan.experiment.recovery, within, since, sustained)
        judged = self._judged(replace(claim_of(self.record.plan), recovery=claim))
        rows = judged.recovery if judged else ()
        kpis = shown([(row.verdict, row.kpi) for row in rows])
        lines = failures.late(judged) if judged else ()
        return self._part(f"recovered within {within} of {claim.since}", [row.verdict for row in rows], lines, kpis)

    def _judged(self, claim: Claim) -> Judgement | None:
        """Judge the samples by another claim; None if the run ended before its judgement."""
        judged = self.record.judged
        return judge(claim, self.record.series, judged.phases) if judged else None

    def _part(self, what: str, verdicts: list[Verdict], lines: Iterable[str], kpis: Iterable[str]) -> Answer:
        """Answer one part of a claim; *unknown* at best if the run did not test it to its end."""
        phases, lines = self.record.judged.phases if self.record.judged else None, tuple(lines)
        tested = phases is not None and phases.took_effect is not None and phases.aborted is None
        verdict = worst(verdicts if tested else [*verdicts, Verdict.UNKNOWN])
        starts = {Verdict.HELD: "", Verdict.BROKEN: "not ", Verdict.UNKNOWN: "unknown whether "}
        if verdict is not Verdict.HELD:
            what = f"{starts[verdict]}{what}: {lines[0].partition(': ')[2] if lines and tested else self.sentence}"
        return self._answer(what, verdict, lines, kpis)

    def _answer(self, sentence: str, verdict: Verdict, lines: Iterable[str], kpis: Iterable[str] = ()) -> Answer:
        shown_lines, drawn = tuple(lines), tuple(kpis)
        return Answer(about(self.record, sentence), verdict, lambda: details(self.record, sentence, shown_lines, drawn))

    def __repr__(self) -> str:
        return f"<run of {self.record.name}: {phrases.label(self.verdict, self.record.place)}>"


def _recovery(own: RecoveryClaim | None, within: str, since: str | None, sustained: str | None) -> Recovery:
    """Build the recovery claim; missing arguments come from the experiment. Raises InvalidInput."""
    __tracebackhide__ = True
    given = {"within": within, "from": since, "sustained": sustained}
    try:
        claim = RecoveryClaim.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        what = f"recovered_within: {first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"
        raise InvalidInput(
            what, 'write it like record.recovered_within("5m", since="undo")', gd_code="GD-E121"
        ) from None
    if own and since is None:
        claim = claim.model_copy(update={"from_": own.from_})
    if own and sustained is None:
        claim = claim.model_copy(update={"sustained": own.sustained})
    return Recovery(claim.within, claim.from_, claim.sustained)
