"""What a failing test prints: the run's KPIs with their numbers and a small chart, and how to run it again."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.records.record import Record
from gameday.report import phrases
from gameday.report.sparkline import sparkline
from gameday.steady_state.kpi.claim import Verdict

CHARTS = 3
"""KPIs that are drawn at most."""


def about(record: Record, sentence: str) -> str:
    """A run and what was found of it, in a line."""
    return phrases.printable(f"{record.name} ({record.place}): {sentence}")


def story(record: Record, sentence: str, lines: Iterable[str] = (), kpis: Iterable[str] = ()) -> str:
    """All of it, a line for each thing that did not hold, and the KPIs drawn."""
    told = [about(record, sentence), f"  claimed: {record.plan.experiment.hypothesis}"]
    told += [f"  {line}" for line in lines]
    for kpi in list(dict.fromkeys(kpis))[:CHARTS]:
        told += ["", f"  {kpi}, bound: {record.plan.workload.kpis[kpi].bound.words}"]
        told += [f"  {line}" for line in sparkline(record, kpi)]
    told += ["", f"  again: {record.command}"] if record.command else []
    return "\n".join(phrases.shorten(phrases.printable(line), record.plan.account) for line in told)


def unheld(record: Record) -> tuple[str, ...]:
    """The claimed KPIs that did not hold."""
    judged = record.judged.judgement if record.judged else None
    if judged is None:
        return ()
    return shown(
        [
            *((row.verdict, row.kpi) for row in judged.phases if row.kpi in record.plan.experiment.steady_state),
            *((row.verdict, row.kpi) for row in judged.recovery),
            *((row.verdict, row.worst_kpi) for row in judged.modules),
        ]
    )


def shown(rows: Iterable[tuple[Verdict, str | None]]) -> tuple[str, ...]:
    """The KPIs to draw: of what is proven broken, and only where nothing is, of what cannot be told."""
    found = [(verdict, kpi) for verdict, kpi in rows if verdict is not Verdict.HELD and kpi]
    broken = tuple(kpi for verdict, kpi in found if verdict is Verdict.BROKEN)
    return broken or tuple(kpi for _, kpi in found if kpi)
