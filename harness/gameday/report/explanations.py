"""Explanations of a run's verdicts in plain sentences, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gameday.plan.plan import claim_of
from gameday.records.record import Record, Rejudged
from gameday.report import fault_intervals, phrases
from gameday.steady_state.judging.explain import Explanation, explain, together
from gameday.steady_state.judging.judge import Judgement, LeadJudgement, LossJudgement, Move
from gameday.steady_state.judging.loss import noun_of
from gameday.steady_state.kpi.kpi import Tier

NAMED = 10
"""The most KPIs that one sentence names."""


def judgement(record: Record) -> Judgement | None:
    """Return the judgement to explain: the second judgement if there is one, else the run's own."""
    if isinstance(record, Rejudged):
        return record.again
    return record.judged.judgement if record.judged else None


def explanations(record: Record) -> tuple[Explanation, ...]:
    """Explain each verdict of a record, like verdicts together; none if the run was not judged."""
    judged = judgement(record)
    if judged is None or record.judged is None:
        return ()
    judged = replace(judged, phases=tuple(replace(row, seen=phrases.seen(record, row)) for row in judged.phases))
    budget = record.plan.workload.budget.false_abort
    return together(explain(claim_of(record.plan), judged, record.judged.phases, budget))


def losses(record: Record) -> tuple[LossJudgement, ...]:
    """Return the losses KPI by KPI; claimed KPIs come first."""
    judged = judgement(record)
    return judged.losses if judged else ()


def loss_lines(record: Record) -> tuple[str, ...]:
    """List the losses, a line each; one line names the first KPIs whose loss is neither claimed nor proven."""
    claimed = record.plan.experiment.steady_state
    lines, unproven = [], []
    for loss in losses(record):
        proven = loss.low is not None and loss.high is not None and not loss.low <= 0 <= loss.high
        (lines.append(loss.words) if proven or loss.kpi in claimed else unproven.append(loss.kpi))
    more = f", and {len(unproven) - NAMED} more" if len(unproven) > NAMED else ""
    rest = [f"no loss is proven for {', '.join(unproven[:NAMED])}{more}"] if unproven else []
    return tuple(f"{line[:1].upper()}{line[1:]}." for line in [*lines, *rest])


def cost(record: Record) -> LossJudgement | None:
    """Return the loss of the first business KPI that the experiment claims."""
    plan = record.plan
    names = [name for name in plan.experiment.steady_state if plan.workload.kpis[name].tier is Tier.BUSINESS]
    return next((loss for name in names for loss in losses(record) if loss.kpi == name), None)


def cost_words(record: Record) -> str:
    """Phrase what customers lost, with its interval: `110 orders (99 to 110)`."""
    loss = cost(record)
    if loss is None or loss.lost is None or loss.low is None or loss.high is None:
        return "unknown"
    if loss.low <= 0 <= loss.high:
        return "none proven"
    what = noun_of(loss.kpi, record.plan.workload.kpis[loss.kpi])
    return f"{_whole(loss.lost)} {what} ({_whole(loss.low)} to {_whole(loss.high)})"


def _whole(number: float) -> str:
    return f"{'−' if round(number) < 0 else ''}{abs(number):,.0f}"


def graphs(record: Record) -> tuple[LeadJudgement, ...]:
    """Return the technical KPIs; those worth watching come first."""
    judged = judgement(record)
    return tuple(sorted(judged.leads, key=lambda lead: list(Move).index(lead.move))) if judged else ()


def explained(record: Record) -> Iterator[str]:
    """Yield a run in plain sentences for the terminal, a verdict a line."""
    yield f"{record.name}: {phrases.label(record.outcome, record.place)}"
    yield phrases.sentence(record)
    if faults := fault_intervals.lines(record):
        yield from ("", "faults", *(f"  {line}" for line in faults))
    if record.place == "twin":
        yield "This was a rehearsal on the twin. Only a run on the account is a proof."
    for explanation in explanations(record):
        yield from ("", explanation.verdict)
        yield from (f"  {line}" for line in explanation.statements)
        yield f"  → {explanation.certainty}"
