"""The table of verdicts on the terminal, and under it the reasons."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator

from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report import explanations, fault_intervals, phrases
from gameday.report.event_lines import COLUMNS, MARKS, STYLES, fitted
from gameday.steady_state.judging.judge import Move
from gameday.text import printable


def verdict_table(suite: Suite) -> str:
    """Render a row for each experiment, and the reasons below, for stdout; in colour only on a terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    plain = not sys.stdout.isatty() or os.environ.get("TERM") == "dumb"
    width = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=not plain,
        no_color=plain or None,
        highlight=False,
        soft_wrap=False,
    )
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for head in COLUMNS:
        table.add_column(head, overflow="fold")
    for entry in suite.entries:
        state = phrases.state_of(entry)
        style = STYLES[state]
        name, *rest = (printable(cell) for cell in _entry(entry))
        stuck = "bold red" if isinstance(entry, Record) and entry.stuck else ""
        table.add_row(
            Text(MARKS[state], style),
            Text(name, "bold"),
            Text(rest[0], style),
            Text(rest[1]),
            Text(rest[2]),
            Text(rest[3], stuck),
        )
    for name in suite.not_run:
        table.add_row(Text(MARKS["not run"], "dim"), Text(printable(name), "bold"), Text("not run", "dim"))
    with console.capture() as captured:
        console.print()
        console.print(table)
        for entry in suite.entries:
            console.print()
            state = phrases.state_of(entry)
            console.print(Text(printable(f"{MARKS[state]} {entry.name}"), STYLES[state]))
            for line in _why(entry):
                console.print(Padding(Text(printable(line)), (0, 0, 0, 2)))
        console.print()
    return fitted("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n", sys.stdout)


def _entry(entry: Record | Refusal) -> tuple[str, str, str, str, str]:
    if isinstance(entry, Refusal):
        return entry.name, phrases.state_of(entry), "", "", "untouched"
    return (
        entry.name,
        phrases.label(entry.outcome, entry.place),
        phrases.recovery_words(entry),
        phrases.isolation_words(entry),
        phrases.account_words(entry),
    )


def _why(entry: Record | Refusal) -> Iterator[str]:
    if isinstance(entry, Refusal):
        yield from phrases.refusal_lines(entry)
        return
    yield phrases.sentence(entry)
    if faults := fault_intervals.lines(entry):
        yield f"Faults: {'; '.join(faults)}."
    leads = explanations.graphs(entry)
    worth = [lead.kpi for lead in leads if lead.move in (Move.LED, Move.TOGETHER)]
    false_alarms = [lead.words for lead in leads if lead.move is Move.CRIED_WOLF]
    missed = [lead.kpi for lead in leads if lead.move is Move.MISSED]
    parts = [f"worth watching: {', '.join(worth)}"] if worth else []
    parts += [f"never left their bounds: {', '.join(missed)}"] if missed else []
    if parts or false_alarms:
        yield f"Graphs: {'; '.join([*parts, *false_alarms])}."
    if entry.stuck:
        unsettled = (change for change in entry.settled.values() if change.state in ("stuck", "conflict"))
        abouts = "; ".join(change.about for change in unsettled)
        yield f"The account needs a person: {abouts or 'the run ended before it undid all changes'}."
