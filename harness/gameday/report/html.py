"""The report as one HTML file: makes no requests; readable without script, in print, in light and in dark."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gameday import __version__
from gameday.change import Change
from gameday.change.words import in_full
from gameday.events import ChangeClosed
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report import explanations, fault_intervals, phrases
from gameday.report.chart import Chart, chart
from gameday.report.sparkline import sparkline
from gameday.steady_state.judging.judge import PhaseJudgement, RecoveryJudgement, Verdict, worst
from gameday.steady_state.kpi.kpi import Tier
from gameday.text import printable

HERE = Path(__file__).parent
SCRIPTS = ("vendor/uPlot.iife.min.js", "chart.js")
STYLES = ("vendor/uPlot.min.css", "page.css")
MANY = 20
"""The most KPIs whose table keeps the order of the experiment."""


@dataclass(frozen=True)
class KpiRow:
    """Hold one KPI against its bound, phase by phase; a KPI that is not claimed affects no verdict."""

    kpi: str
    claimed: bool
    phases: dict[str, PhaseJudgement]


@dataclass(frozen=True)
class Back:
    """Hold the recovery of one KPI, and the point, interval and allowed time on its track, in percent."""

    row: RecoveryJudgement
    took: float | None
    low: float
    high: float
    allowed: float | None


@dataclass(frozen=True)
class Section:
    """Hold one experiment of the page: its record, and the values that the template derives from it."""

    anchor: str
    record: Record
    first: Chart
    others: tuple[Chart, ...]
    rows: tuple[KpiRow, ...]
    backs: tuple[Back, ...]
    changes: tuple[tuple[Change, ChangeClosed | None], ...]
    recovered: Verdict
    isolation: str  # the worst state of a module that must not suffer; empty where there is none


def environment_of(shown: Callable[[str], str]) -> Environment:
    """Build the environment of a page: each value passes `shown`; the filter `coded` turns `quoted words` into code."""

    def in_page(value: object) -> object:
        # Every value passes here as text, reasons and numbers too; all but Markup, which templates and modules write.
        return value if isinstance(value, Markup) else shown(str(value))

    def coded(text: str) -> object:
        parts = shown(text).split("`")
        if len(parts) % 2 == 0:
            return text
        code = Markup("<code>{}</code>")
        return Markup("").join(code.format(part) if index % 2 else part for index, part in enumerate(parts))

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=in_page,
    )
    environment.filters["coded"] = coded
    return environment


def page(suite: Suite) -> str:
    """Render the report of a suite; the same suite gives the same bytes."""
    accounts = {entry.plan.account for entry in suite.entries if entry.plan}

    def shown(value: str) -> str:
        text = printable(value)
        for account in accounts:
            text = phrases.shorten(text, account)
        return text

    scripts = [_read(name) for name in SCRIPTS]
    environment = environment_of(shown)
    environment.globals.update(
        in_full=in_full,
        phrases=phrases,
        explanations=explanations,
        fault_intervals=fault_intervals,
        sparkline=sparkline,
        data=_data,
    )
    template = environment.get_template("page.html.j2")
    return template.render(
        suite=suite,
        sections=[_section(index, entry) for index, entry in enumerate(suite.entries, 1)],
        date=_date(suite.started),
        version=__version__,
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - ours
        styles=[Markup(_read(name)) for name in STYLES],  # noqa: S704 - ours
        licence=Markup(_read("vendor/uPlot-LICENSE.txt")),  # noqa: S704 - ours
        hashes=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
    )


def _section(index: int, entry: Record | Refusal) -> Section | Refusal:
    if isinstance(entry, Refusal):
        return entry
    plan = entry.plan
    claimed = plan.experiment.steady_state
    names = [*claimed, *(name for name in plan.workload.kpis if name not in claimed)]
    first = first_kpi(entry)
    judged = entry.judged.judgement if entry.judged else None
    rows: dict[str, dict[str, PhaseJudgement]] = {}
    for row in judged.phases if judged else ():
        rows.setdefault(row.kpi, {})[row.phase] = row
    changes = [change for planned_fault in plan.planned_faults for change in planned_fault.changes]
    return Section(
        anchor=f"experiment-{index}",
        record=entry,
        first=chart(entry, first),
        others=tuple(chart(entry, name) for name in names if name != first),
        rows=_kpi_rows(names, claimed, rows),
        backs=_backs(entry),
        changes=tuple((change, entry.settled.get(position)) for position, change in enumerate(changes)),
        recovered=worst([row.verdict for row in judged.recovery] if judged else []),
        isolation=next((row.state for row in phrases.modules(entry) if row.state not in ("hit", "may suffer")), ""),
    )


def _kpi_rows(
    names: list[str], claimed: tuple[str, ...], rows: dict[str, dict[str, PhaseJudgement]]
) -> tuple[KpiRow, ...]:
    """Return the rows of the table of KPIs; among more than MANY, the worst of the claimed KPIs come first."""

    def badness(name: str) -> tuple[bool, int]:
        verdict = worst([row.verdict for row in rows[name].values() if row.bound != "any"])
        return name not in claimed, -list(Verdict).index(verdict)

    known = [name for name in names if name in rows]
    if len(known) > MANY:
        known.sort(key=badness)
    return tuple(KpiRow(name, name in claimed, rows[name]) for name in known)


def first_kpi(record: Record) -> str:
    """Choose the KPI of the large chart: a broken KPI, a KPI that shows a spread, else the first business KPI."""
    plan, judged = record.plan, record.judged.judgement if record.judged else None
    claimed = plan.experiment.steady_state
    broken: set[str | None] = set()
    if judged:
        broken = {row.kpi for row in judged.phases if row.verdict is Verdict.BROKEN}
        broken |= {row.kpi for row in judged.recovery if row.verdict is Verdict.BROKEN}
    spread = {row.worst_kpi for row in judged.modules if row.verdict is Verdict.BROKEN} if judged else set()
    worst = [name for name in claimed if name in broken] + [name for name in plan.workload.kpis if name in spread]
    business = [name for name in claimed if plan.workload.kpis[name].tier is Tier.BUSINESS]
    return [*worst, *business, *claimed][0]


def _backs(record: Record) -> tuple[Back, ...]:
    rows = record.judged.judgement.recovery if record.judged else ()
    claim = record.plan.experiment.recovery
    ends = [claim.within] if claim else []
    ends += [end for row in rows for end in (row.took, row.low, row.high) if end is not None]
    track = max(ends, default=1.0) * 1.15 or 1.0

    def place(row: RecoveryJudgement) -> Back:
        high = row.high if row.high is not None else track if row.censored else row.took
        low = row.low if row.low is not None else row.took
        shares = [min(100.0, round(100 * (end or 0.0) / track, 2)) for end in (row.took, low, high)]
        took = shares[0] if row.took is not None else None
        return Back(row, took, shares[1], shares[2], round(100 * claim.within / track, 2) if claim else None)

    return tuple(place(row) for row in rows)


def _data(drawn: Chart) -> Markup:
    """Render a chart as JSON inside a script element, which must not contain a raw `<` or `&`."""
    text = json.dumps(asdict(drawn), separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - escaped above


def _date(started: str) -> str:
    try:
        return f"{datetime.fromisoformat(started):%-d %B %Y, %H:%M} UTC"
    except ValueError:
        return started


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
