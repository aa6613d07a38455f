"""The table of verdicts at the end of pytest's output, from the properties of its reports (also under xdist)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gameday.pytest_plugin.runner import PREFIX
from gameday.report import phrases
from gameday.report.event_lines import COLUMNS, MARKS
from gameday.text import printable

Properties = list[tuple[str, object]]


def table(reports: Iterable[Properties]) -> str:
    """Render a head and a row for each run."""
    rows = [COLUMNS, *(_entry(run) for properties in reports for run in _runs(properties))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def _runs(properties: Properties) -> Iterator[dict[str, str]]:
    """Split the properties of one test into runs; each begins with its experiment."""
    run: dict[str, str] = {}
    for name, value in properties:
        if name == f"{PREFIX}experiment" and run:
            yield run
            run = {}
        if name.startswith(PREFIX):
            run[name.removeprefix(PREFIX)] = str(value)
    yield run


def _entry(run: dict[str, str]) -> tuple[str, ...]:
    verdict = run.get("verdict", "")
    label = phrases.label(verdict, run["place"]) if "place" in run else verdict
    shown = [run.get(key, "") for key in ("recovery", "isolation", "account")]
    return tuple(printable(cell) for cell in (MARKS.get(verdict, "?"), run.get("experiment", ""), label, *shown))
