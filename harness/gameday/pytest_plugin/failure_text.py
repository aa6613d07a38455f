"""Texts of failing tests: the run's KPIs with numbers and small charts, and the command that repeats it."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.records.record import Record
from gameday.report import phrases
from gameday.report.sparkline import sparkline
from gameday.steady_state.kpi.claim import Verdict
from gameday.text import printable

CHARTS = 3
"""The most KPIs to draw."""


def about(record: Record, sentence: str) -> str:
    """Name the run and the result, in one line."""
    return printable(f"{record.name} ({record.place}): {sentence}")


def details(record: Record, sentence: str, lines: Iterable[str] = (), kpis: Iterable[str] = ()) -> str:
    """Describe a run: the result, the hypothesis, a line for each part that did not hold, and charts of KPIs."""
    text = [about(record, sentence), f"  claimed: {record.plan.experiment.hypothesis}"]
    text += [f"  {line}" for line in lines]
    for kpi in list(dict.fromkeys(kpis))[:CHARTS]:
        text += ["", f"  {kpi}, bound: {record.plan.workload.kpis[kpi].bound.words}"]
        text += [f"  {line}" for line in sparkline(record, kpi)]
    text += ["", f"  repeat: {record.command}"] if record.command else []
    return "\n".join(phrases.shorten(printable(line), record.plan.account) for line in text)


def unheld(record: Record) -> tuple[str, ...]:
    """Return the claimed KPIs that did not hold."""
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
    """Return the KPIs to draw: those of *broken* rows, else those of *unknown* rows."""
    failed = [(verdict, kpi) for verdict, kpi in rows if verdict is not Verdict.HELD and kpi]
    broken = tuple(kpi for verdict, kpi in failed if verdict is Verdict.BROKEN)
    return broken or tuple(kpi for _, kpi in failed if kpi)
