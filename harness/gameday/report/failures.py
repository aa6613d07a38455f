"""What did not hold, a line for each: KPIs in their phases, recoveries, the alarm, modules, changes not undone."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.records.record import Record
from gameday.report import phrases
from gameday.steady_state.judging.judge import Judgement, ModuleJudgement, RecoveryJudgement, Verdict


def not_held(record: Record) -> Iterator[str]:
    """Of a run all that did not hold."""
    if record.judged:
        judgement = record.judged.judgement
        for row in judgement.phases:
            if row.verdict is not Verdict.HELD and row.kpi in record.plan.experiment.steady_state:
                yield f"{row.verdict.value}: {row.kpi} {row.phase}: {phrases.seen(record, row)}; claimed {row.bound}"
        yield from late(judgement)
        if (found := judgement.detection) and found.verdict is not Verdict.HELD:
            yield f"{found.verdict.value}: alarm {found.alarm} {found.words}"
        yield from spread(judgement)
    yield from left_behind(record)


def late(judgement: Judgement) -> Iterator[str]:
    """Recoveries that were not in time, then those that cannot be told."""
    for row in sorted(judgement.recovery, key=_worst_first):
        if row.verdict is not Verdict.HELD:
            yield f"{row.verdict.value}: {row.kpi}: {row.words}"


def spread(judgement: Judgement) -> Iterator[str]:
    """Modules that suffered and must not, then those of which it cannot be told."""
    for row in sorted(judgement.modules, key=_worst_first):
        if row.verdict is not Verdict.HELD:
            yield f"{row.verdict.value}: {row.module}: {row.seen}"


def left_behind(record: Record) -> Iterator[str]:
    """Changes that are not as they were."""
    for position, settled in sorted(record.settled.items()):
        if settled.state not in ("restored", "healed", "untouched"):
            yield f"{settled.state}: change {position + 1}: {settled.about}"


def _worst_first(row: RecoveryJudgement | ModuleJudgement) -> bool:
    return row.verdict is not Verdict.BROKEN
