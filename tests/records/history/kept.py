"""Runs as the history keeps them, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from gameday.records.history.entries import of_record
from gameday.records.history.kept_run import KeptMeasure, KeptRun

from tests.report.sample import held

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def kept(number: int, **fields: object) -> KeptRun:
    """Run `number`, an hour after the one before it; each of another seed, and so of another plan."""
    started = (BEGIN + timedelta(hours=number)).isoformat(timespec="seconds")
    run = f"{BEGIN + timedelta(hours=number):%Y%m%d-%H%M%S}-{number:06x}"
    base = replace(_base(), run=run, started=started, ended=started, seed=number, plan=f"plan-{number}")
    return replace(base, **fields)  # type: ignore[arg-type]


@cache
def _base() -> KeptRun:
    return of_record(held())


def recovery(value: float | None, low: float | None = None, high: float | None = None) -> KeptMeasure:
    """A recovery of orders."""
    return KeptMeasure("recovery", "orders", "held", value, low, high, 1.0)
