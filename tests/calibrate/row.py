"""A row of the table, and the job that fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scipy.special import betaincinv


@dataclass(frozen=True, slots=True)
class Row:
    """A claim, its goal, its measurement, and the results of other rules on the same streams.

    `passed` None: a figure without a goal.
    """

    claim: str
    goal: str
    measured: str
    passed: bool | None = None
    anchors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that makes some rows; `fill` takes the share of the whole work (1, or less for a quick look)."""

    name: str
    fill: Callable[[float], list[Row]]


def upper(events: int, trials: int, chance: float = 0.05) -> float:
    """Return the upper 95% limit of a probability (Clopper and Pearson, Biometrika 26, 1934)."""
    return 1.0 if events >= trials else float(betaincinv(events + 1, trials - events, 1 - chance))


def lower(events: int, trials: int, chance: float = 0.05) -> float:
    """Return the lower 95% limit of a probability."""
    return 0.0 if not events else float(betaincinv(events, trials - events + 1, chance))


def at_most(claim: str, limit: float, events: int, trials: int) -> Row:
    """Make a row for a probability whose upper 95% limit must not exceed `limit`.

    A quick look has too few trials to show that; it fails only if the data show a larger probability.
    """
    enough = upper(0, trials) <= limit
    passed = upper(events, trials) <= limit if enough else lower(events, trials) <= limit
    quick = "" if enough else " (too few to show it)"
    seen = f"{events} of {trials:,}: at most {upper(events, trials):.1e}{quick}"
    return Row(claim, f"at most {limit:.0e}", seen, passed)


def covers(claim: str, wanted: float, hits: int, trials: int) -> Row:
    """Make a row for a coverage; it fails if the data show a coverage below `wanted`."""
    seen = f"{hits / trials:.3f} of {trials:,} (95% limits {lower(hits, trials):.3f} to {upper(hits, trials):.3f})"
    return Row(claim, f"at least {wanted:g}", seen, upper(hits, trials) >= wanted)
