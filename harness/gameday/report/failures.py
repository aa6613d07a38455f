"""Lines for what did not hold: KPIs in their phases, recoveries, the alarm, modules, changes not undone."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.records.record import Record
from gameday.report import phrases
from gameday.steady_state.judging.judge import Judgement, ModuleJudgement, RecoveryJudgement, Verdict


def not_held(record: Record) -> Iterator[str]:
    """Yield a line for each part of a run that did not hold."""
    if record.judged:
        judgement = record.judged.judgement
        for row in judgement.phases:
            if row.verdict is not Verdict.HELD and row.kpi in record.plan.experiment.steady_state:
                yield f"{row.verdict.value}: {row.kpi} {row.phase}: {phrases.seen(record, row)}; claimed {row.bound}"
        yield from late(judgement)
        if (detection := judgement.detection) and detection.verdict is not Verdict.HELD:
            yield f"{detection.verdict.value}: alarm {detection.alarm} {detection.words}"
        yield from spread(judgement)
    yield from left_behind(record)


def late(judgement: Judgement) -> Iterator[str]:
    """Yield late recoveries, then unknown recoveries."""
    for row in sorted(judgement.recovery, key=_worst_first):
        if row.verdict is not Verdict.HELD:
            yield f"{row.verdict.value}: {row.kpi}: {row.words}"


def spread(judgement: Judgement) -> Iterator[str]:
    """Yield modules that suffered and must not, then modules with an unknown verdict."""
    for row in sorted(judgement.modules, key=_worst_first):
        if row.verdict is not Verdict.HELD:
            yield f"{row.verdict.value}: {row.module}: {row.seen}"


def left_behind(record: Record) -> Iterator[str]:
    """Yield the changes that were not undone."""
    for position, settled in sorted(record.settled.items()):
        if settled.state not in ("restored", "healed", "untouched"):
            yield f"{settled.state}: change {position + 1}: {settled.about}"


def _worst_first(row: RecoveryJudgement | ModuleJudgement) -> bool:
    return row.verdict is not Verdict.BROKEN
