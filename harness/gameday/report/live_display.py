"""A live display of progress: the phase, the run's time, each KPI with a small chart, the guard."""

from __future__ import annotations

import atexit
import math
import time
from collections import deque
from contextlib import ExitStack
from threading import Lock
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gameday.events import Event, Judged, PhaseBegan, Sampled
from gameday.plan.plan import Plan
from gameday.report import phrases
from gameday.report.chart import allowed_range, out, pooled
from gameday.report.event_lines import MARKS, STYLES, clock, lines_of
from gameday.report.sparkline import bar, scale
from gameday.report.terminal_guard import without_control_marks
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Sample
from gameday.text import printable

WIDE = 24
"""Bars in a small chart."""
MOST = 12
"""The most KPIs to show; claimed and guarded KPIs come first."""
PHASES = ("before", "inject", "during", "undo", "after")


class LiveProgress:
    """Redraw several times a second during a run, and keep a line for each notable event."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._lock = Lock()
        self._live: Live | None = None
        self._cleanup = ExitStack()
        self._foot = ""

    def begin(self, plan: Plan, run: str) -> None:
        """Open the display of a run."""
        self.close()
        self._foot = ""
        self._state = _Display(plan)
        self._console.print(Text(printable(f"{plan.experiment.name} ({plan.place})"), "bold"), Text(run, "dim"))
        for warning in phrases.warnings(plan):
            self._console.print(Text(printable(f"  warning {warning}"), "yellow"))
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )
        # A run that ends by an exception never calls close, and the cursor must still return.
        atexit.register(self.close)
        self._cleanup.enter_context(without_control_marks(self._console.file))
        self._live.start()

    def on_event(self, event: Event) -> None:
        """Show an event."""
        with self._lock:
            self._state.on_event(event)
            lines = [] if isinstance(event, PhaseBegan | Judged) else list(lines_of(event, self._state.plan))
        if isinstance(event, Judged):
            verdict = event.judgement.verdict.value
            mark = f"{MARKS[verdict]} {phrases.label(verdict, self._state.plan.place)}"
            self._console.print(Text(f"  {mark}", STYLES[verdict]))
        for line in lines:
            self._console.print(Text(printable(f"  {clock(self._state.elapsed):>6}  {line}"), "dim"))

    def shows(self, line: str) -> bool:
        """Show a line at the foot of the display, if it is open. Signal handlers may call this: it only assigns."""
        if self._live is None:
            return False
        self._foot = line
        return True

    def close(self) -> None:
        """Close the display."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._cleanup.close()
            atexit.unregister(self.close)
            if self._foot:
                self._console.print(Text(self._foot, "bold yellow"))

    def _render(self) -> RenderableType:
        with self._lock:
            drawn = self._state.drawn()
        return Group(drawn, Text(self._foot, "bold yellow")) if self._foot else drawn


class _Display:
    """Hold the state of a run for the display."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.phase: PhaseBegan | None = None
        self.start: float | None = None
        self.at = 0.0
        self.received = time.monotonic()
        experiment = plan.experiment
        first = dict.fromkeys((*experiment.steady_state, *experiment.guard, *plan.workload.kpis))
        self.samples: dict[str, deque[Sample]] = {name: deque(maxlen=600) for name in tuple(first)[:MOST]}

    def on_event(self, event: Event) -> None:
        self.start = event.at if self.start is None else self.start
        self.at = max(self.at, event.at)
        self.received = time.monotonic()
        if isinstance(event, PhaseBegan):
            self.phase = event
        elif isinstance(event, Sampled) and event.kpi in self.samples:
            kept = self.samples[event.kpi]
            newest = kept[-1].start if kept else -math.inf
            kept.extend(sample for sample in event.samples if sample.start > newest)

    @property
    def now(self) -> float:
        """The run's time; on an account it advances between events."""
        return self.at + (time.monotonic() - self.received if self.plan.place == "aws" else 0.0)

    @property
    def elapsed(self) -> float:
        return self.now - self.start if self.start is not None else 0.0

    def drawn(self) -> RenderableType:
        return Group(self._head(), Padding(self._kpis(), (0, 0, 0, 2)))

    def _head(self) -> Text:
        text = Text(" ")
        here = PHASES.index(self.phase.phase) if self.phase else -1
        for index, name in enumerate(PHASES):
            style = "dim" if index > here else "green" if index < here else "bold reverse"
            text.append(f" {name} " if index == here else name, style).append("  ")
        if self.phase:
            of = f" of {clock(self.phase.lasts)}" if self.phase.lasts is not None else ""
            text.append(f"{clock(self.now - self.phase.at)}{of}", "bold")
        return text.append(f"   {clock(self.elapsed)} in all", "dim")

    def _kpis(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        longest = max(map(len, self.samples), default=0)
        for least in (longest, len("✗ 100.0%"), WIDE, None, None):  # name, now, lately, bound, guard
            table.add_column(no_wrap=True, min_width=least)
        for name, samples in self.samples.items():
            kpi = self.plan.workload.kpis[name]
            guard = self.plan.experiment.guard.get(name)
            recent = pooled(list(samples)[-10:], kpi)
            low, high = allowed_range(kpi, self._bound(name, kpi), [])
            bad = recent is not None and out(recent, low, high)
            shown = "no data" if recent is None else _value(recent.value, kpi)
            table.add_row(
                Text(name),
                Text(f"{MARKS['broken'] if bad else ' '} {shown}", "bold red" if bad else "bold", justify="right"),
                Text(sparkline(list(samples), kpi), "red" if bad else "cyan"),
                Text(phrases.drawn(kpi.bound), "dim"),
                Text(f"guard: {guard.words}" if guard else "", "dim"),
            )
        return table

    def _bound(self, name: str, kpi: Kpi) -> Bound:
        override = self.plan.experiment.during.get(name)
        if override is None or self.phase is None or self.phase.phase in ("before", "after"):
            return kpi.bound
        return Bound() if override == "any" else override


def sparkline(samples: list[Sample], kpi: Kpi) -> str:
    """Draw the latest samples of a KPI as bars."""
    if not samples:
        return ""
    size = max(1, math.ceil(len(samples) / WIDE))
    bins = [pooled(samples[at : at + size], kpi) for at in range(0, len(samples), size)]
    values = [pool.value for pool in bins if pool]
    low, high = scale(kpi, values) if values else (0.0, 1.0)
    return "".join(bar(pool.value if pool else None, low, high) for pool in bins)


def _value(value: float, kpi: Kpi) -> str:
    if kpi.kind in ("ratio", "latency"):
        return f"{value * 100:.1f}%"
    return f"{value:.3g}{'/s' if kpi.kind == 'rate' else ''}"
