"""KPIs from a program of the user: its last line is a number (gauge), or `good bad` counts (ratio)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import isfinite
from typing import ClassVar

from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.masks import keeps_secrets, masked_output, masked_words
from gameday.steady_state.kpi.source import Kind, Reading, Source, SourceContext, SourceSpec
from gameday.steady_state.kpi.units import Wait
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.samples import Sample, inside, reading_of, share_of
from gameday.steady_state.sources.pace import Paced, Ticker
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, SerializationInfo, field_serializer


class Program(Written):
    """A program that prints a number (gauge) or `good bad` counts (ratio) on its last line."""

    run: tuple[str, ...] = Field(min_length=1, description="the program and its arguments; no shell reads it")
    every: Wait = Field(10.0, ge=0.01, description="how often it starts")
    timeout: Wait = Field(10.0, gt=0, description="how long it may take; then it is a gap")

    @field_serializer("run")
    def _masked(self, run: tuple[str, ...], info: SerializationInfo) -> tuple[str, ...]:
        return run if keeps_secrets(info) else masked_words(run)


class CommandSpec(SourceSpec):
    """A program that runs at even times."""

    name: ClassVar[str] = "command"
    title: ClassVar[str] = "a program"
    example: ClassVar[str] = "{command: {run: [./count-orders], every: 10s}}"
    kinds: ClassVar[tuple[Kind, ...]] = ("ratio", "gauge")
    counts_both: ClassVar[bool] = True

    command: Program

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return self.command.every

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs, which runs their programs until the block ends."""
        return CommandSource(kpis, context.clock)


@dataclass
class _Process:
    name: str
    kpi: Kpi
    spec: Program
    samples: list[Sample] = field(default_factory=list)


class CommandSource(Paced):
    """Run every KPI's program at even times while the block lasts.

    A program's output describes the bin since its last run. A program that fails, takes too long or prints anything
    else leaves a gap, with a remark once. No shell reads the arguments.
    """

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock) -> None:
        self._remarks = Remarks()
        self._lock = threading.Lock()
        self._runs = {
            name: _Process(name, kpi, kpi.source.command)
            for name, kpi in kpis.items()
            if isinstance(kpi.source, CommandSpec)
        }
        tickers = (
            Ticker(process.spec.every, clock, lambda due, name=name: self.sample(name, due), f"command-{name}")  # type: ignore[misc]
            for name, process in self._runs.items()
        )
        timeouts = (process.spec.timeout for process in self._runs.values())
        super().__init__(tickers, patience=max(timeouts, default=0.0))

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Return the bins of each KPI between two instants."""
        with self._lock:
            known = {name: tuple(process.samples) for name, process in self._runs.items() if name in kpis}
        samples = {name: inside(series, start, end) for name, series in known.items()}
        return Reading(samples, self._remarks.take())

    def sample(self, name: str, due: float) -> None:
        """Run a KPI's program now, for the bin that ends at `due`."""
        process = self._runs[name]
        try:
            numbers = parse(run(process.spec), process.kpi.kind, process.spec.run)
        except ValueError as error:
            self._remarks.add(f"{name} has a gap: {error}", about=name)
            return
        every = process.spec.every
        with self._lock:
            process.samples.append(_sample(process.kpi, due - every, every, numbers))


def run(spec: Program) -> str:
    """Run a program and return its output. Raises ValueError with the reason where it fails or takes too long."""
    import subprocess  # late: validating a file runs no program

    program = masked_words(spec.run)[0]
    try:
        done = subprocess.run(  # noqa: S603  the user's own program, as written in the workload file
            spec.run,
            capture_output=True,
            text=True,
            timeout=spec.timeout,
            check=False,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        msg = f"{program} took longer than {spec.timeout:g}s"
        raise ValueError(msg) from None
    except OSError as error:
        msg = f"{program} does not start: {error.strerror}"
        raise ValueError(msg) from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        said = masked_output(last[0], spec.run)  # a usage message repeats the arguments
        msg = f"{program} ended with exit code {done.returncode}: {said}".rstrip(": ")
        raise ValueError(msg)
    return done.stdout


def parse(text: str, kind: str, command: tuple[str, ...] = ()) -> tuple[float, ...]:
    """Parse the last line: a number for a gauge, two for a ratio.

    Raises ValueError with the line, where masks hide the arguments of `command`, which printed it.
    """
    last = (text.strip().splitlines() or [""])[-1]
    wanted = 1 if kind == "gauge" else 2
    try:
        numbers = tuple(float(word) for word in last.split())
    except ValueError:
        numbers = ()
    if len(numbers) != wanted or not all(map(isfinite, numbers)) or (wanted == 2 and min(numbers) < 0):
        form = "one number" if wanted == 1 else "two counts, `good bad`"
        msg = f"its last line must be {form}; it is {masked_output(last, command)[:80]!r}"
        raise ValueError(msg)
    return numbers


def _sample(kpi: Kpi, start: float, length: float, numbers: tuple[float, ...]) -> Sample:
    if kpi.kind == "gauge":
        return reading_of(start, length, numbers[0], kpi.bound.admits(numbers[0]))
    good, bad = numbers
    return share_of(start, length, good + bad, bad)
