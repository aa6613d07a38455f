"""Words on the terminal: progress while a run lasts, and the table of verdicts after it."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Protocol, TextIO

from harness.events import Event, Judged
from harness.plan import Plan
from harness.record import Record
from harness.report import explanation, words
from harness.suite import Refusal, Suite
from steady_state.judge import Move

MARKS = {"held": "✓", "broken": "✗", "unknown": "?", "refused": "–", "interrupted": "–", "not run": "–"}
STYLES = {
    "held": "green",
    "broken": "bold red",
    "unknown": "yellow",
    "refused": "dim",
    "interrupted": "yellow",
    "not run": "dim",
}
_ASCII = str.maketrans({"✓": "+", "✗": "x", "–": "-", "−": "-", "…": "~", "→": ">", "·": "|", "─": "-"})


class Progress(Protocol):
    """Shows runs as they happen, one after the other."""

    def begin(self, plan: Plan, run: str) -> None:
        """A run begins."""
        ...

    def hear(self, event: Event) -> None:
        """An event of it."""
        ...

    def close(self) -> None:
        """The run is over; twice is harmless."""
        ...


def progress(stream: TextIO) -> Progress:
    """A live display where the stream is a terminal that can move its cursor, else plain lines."""
    if stream.isatty() and os.environ.get("TERM") not in ("dumb", "", None) and _speaks_unicode(stream):
        from harness.report.live import LiveProgress

        return LiveProgress(stream)
    return PlainProgress(stream)


class PlainProgress:
    """A line for each phase and each notable event, with the run's own time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, plan: Plan, run: str) -> None:
        """Name the run."""
        self._plan = plan
        self._start: float | None = None
        self._say(f"{plan.experiment.name} ({plan.place}), run {run}: {plan.experiment.hypothesis}")
        for warning in words.warnings(plan):
            self._say(f"  warning {warning}")

    def hear(self, event: Event) -> None:
        """Say what is worth a line."""
        if self._start is None:
            self._start = event.at
        for line in told(event, self._plan):
            self._say(f"  {clock(event.at - self._start):>6}  {line}")

    def close(self) -> None:
        """Nothing is held back."""

    def _say(self, line: str) -> None:
        self._stream.write(_fitted(words.printable(line), self._stream) + "\n")
        self._stream.flush()


def clock(seconds: float) -> str:
    """Elapsed time: `0:00`, `12:04`, `1:02:03`."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def told(event: Event, plan: Plan) -> Iterator[str]:
    """What an event is worth saying: nothing for samples and for calls that went well."""
    match event.type:
        case "phase":
            about = {
                "before": "watching steady state",
                "inject": "; ".join(injection.label for injection in plan.injections),
                "during": "watching under guard",
                "undo": "putting everything back",
                "after": "watching recovery",
            }[event.phase]
            lasts = f" for {words.duration(event.lasts)}" if event.lasts is not None else ""
            yield f"{event.phase:<7} {about}{lasts}"
        case "called" if event.error:
            yield f"failed  {event.service}.{event.operation}: {event.error}"
        case "bitten":
            yield f"bitten  {event.about}"
        case "did-not-bite":
            yield f"NO BITE {event.about}"
        case "detected":
            yield f"alarm   {event.alarm} has fired, {words.duration(event.at - event.fired_at)} ago"
        case "aborted":
            yield f"ABORTED by {event.why}: {event.about}"
        case "settled" if event.state not in ("restored", "healed", "untouched"):
            yield f"{event.state.upper()} {event.about}"
        case "said":
            yield f"note    {event.text}"
        case "judged":
            yield _judged(event, plan)
        case "ended":
            yield f"ended   account {event.account}"


def _judged(event: Judged, plan: Plan) -> str:
    verdict = event.judgement.verdict.value
    return f"judged  {words.label(verdict, plan.place)}: {event.judgement.sentence}"


def verdict_table(suite: Suite) -> str:
    """A row for each experiment, and under the table why: for stdout, coloured only where that is a terminal."""
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
    for head in ("", "experiment", "verdict", "recovery", "isolation", "account"):
        table.add_column(head, overflow="fold")
    for entry in suite.entries:
        state = words.state_of(entry)
        style = STYLES[state]
        name, *rest = (words.printable(cell) for cell in _row(entry))
        stuck = "bold red" if isinstance(entry, Record) and entry.stuck else ""
        table.add_row(
            Text(MARKS[state], style),
            Text(name, "bold"),
            Text(rest[0], style),
            Text(rest[1]),
            Text(rest[2]),
            Text(rest[3], stuck),
        )
    for left in suite.not_run:
        table.add_row(Text(MARKS["not run"], "dim"), Text(words.printable(left), "bold"), Text("not run", "dim"))
    with console.capture() as captured:
        console.print()
        console.print(table)
        for entry in suite.entries:
            console.print()
            state = words.state_of(entry)
            console.print(Text(words.printable(f"{MARKS[state]} {entry.name}"), STYLES[state]))
            for line in _why(entry):
                console.print(Padding(Text(words.printable(line)), (0, 0, 0, 2)))
        console.print()
    return _fitted("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n", sys.stdout)


def _row(entry: Record | Refusal) -> tuple[str, str, str, str, str]:
    if isinstance(entry, Refusal):
        return entry.name, words.state_of(entry), "", "", "untouched"
    return (
        entry.name,
        words.label(entry.outcome, entry.place),
        words.recovery_words(entry),
        words.isolation_words(entry),
        words.account_words(entry),
    )


def _why(entry: Record | Refusal) -> Iterator[str]:
    if isinstance(entry, Refusal):
        yield from words.refusal_lines(entry)
        yield from ([f"→ {entry.remedy}"] if entry.remedy else [])
        return
    yield words.sentence(entry)
    worth = [one.kpi for one in explanation.graphs(entry) if one.move in (Move.LED, Move.TOGETHER)]
    wolf = [one.words for one in explanation.graphs(entry) if one.move is Move.CRIED_WOLF]
    missed = [one.kpi for one in explanation.graphs(entry) if one.move is Move.MISSED]
    told = [f"worth watching: {', '.join(worth)}"] if worth else []
    told += [f"never moved: {', '.join(missed)}"] if missed else []
    if told or wolf:
        yield f"Graphs: {'; '.join([*told, *wolf])}."
    if entry.stuck:
        open_ones = (one for one in entry.settled.values() if one.state in ("stuck", "conflict"))
        abouts = "; ".join(one.about for one in open_ones)
        yield f"The account needs a person: {abouts or 'the run ended before everything was put back'}."


def _speaks_unicode(stream: TextIO) -> bool:
    # A stream in memory has no encoding, and takes anything.
    return (stream.encoding or "utf-8").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def _fitted(text: str, stream: TextIO) -> str:
    """Text that the stream can encode."""
    if _speaks_unicode(stream):
        return text
    return text.translate(_ASCII).encode(stream.encoding, "replace").decode(stream.encoding)
