"""Each verdict of a run in plain sentences: the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gameday.plan.plan import claim_of
from gameday.records.record import Record, Rejudged
from gameday.report import phrases
from gameday.steady_state.judging.explain import Explanation, explain, together
from gameday.steady_state.judging.judge import Judgement, LeadJudgement, LossJudgement, Move
from gameday.steady_state.judging.loss import noun_of
from gameday.steady_state.kpi.kpi import Tier


def judgement(record: Record) -> Judgement | None:
    """What is explained: the samples judged again where they were, else what the run said."""
    if isinstance(record, Rejudged):
        return record.again
    return record.judged.judgement if record.judged else None


def explanations(record: Record) -> tuple[Explanation, ...]:
    """Each verdict of a record, explained, those that are alike together; of a run that was not judged: none."""
    found = judgement(record)
    if found is None or record.judged is None:
        return ()
    told = replace(found, phases=tuple(replace(row, seen=phrases.seen(record, row)) for row in found.phases))
    budget = record.plan.workload.budget.false_abort
    return together(explain(claim_of(record.plan), told, record.judged.phases, budget))


def losses(record: Record) -> tuple[LossJudgement, ...]:
    """What it cost, KPI by KPI: what the experiment claims first."""
    found = judgement(record)
    return found.losses if found else ()


def loss_lines(record: Record) -> tuple[str, ...]:
    """What it cost, a line each; what is neither claimed nor proven stands in one line."""
    claimed = record.plan.experiment.steady_state
    told, left = [], []
    for one in losses(record):
        proven = one.low is not None and one.high is not None and not one.low <= 0 <= one.high
        (told.append(one.words) if proven or one.kpi in claimed else left.append(one.kpi))
    rest = [f"no loss is proven of {', '.join(left)}"] if left else []
    return tuple(f"{line[:1].upper()}{line[1:]}." for line in [*told, *rest])


def cost(record: Record) -> LossJudgement | None:
    """The loss of the first business KPI that the experiment claims."""
    plan = record.plan
    names = [one for one in plan.experiment.steady_state if plan.workload.kpis[one].tier is Tier.BUSINESS]
    return next((one for name in names for one in losses(record) if one.kpi == name), None)


def cost_words(record: Record) -> str:
    """What customers lost, with its interval: `110 orders (99 to 110)`."""
    found = cost(record)
    if found is None or found.lost is None or found.low is None or found.high is None:
        return "unknown"
    if found.low <= 0 <= found.high:
        return "none proven"
    what = noun_of(found.kpi, record.plan.workload.kpis[found.kpi])
    return f"{_whole(found.lost)} {what} ({_whole(found.low)} to {_whole(found.high)})"


def _whole(number: float) -> str:
    return f"{'−' if round(number) < 0 else ''}{abs(number):,.0f}"


def graphs(record: Record) -> tuple[LeadJudgement, ...]:
    """The technical KPIs, those worth watching first."""
    found = judgement(record)
    return tuple(sorted(found.leads, key=lambda one: list(Move).index(one.move))) if found else ()


def explained(record: Record) -> Iterator[str]:
    """A run in plain sentences, a verdict a line: for the terminal."""
    yield f"{record.name}: {phrases.label(record.outcome, record.place)}"
    yield phrases.sentence(record)
    if record.place == "twin":
        yield "It was rehearsed on the twin: only a run on the account proves it."
    for one in explanations(record):
        yield from ("", one.verdict)
        yield from (f"  {line}" for line in one.statements)
        yield f"  → {one.certainty}"
