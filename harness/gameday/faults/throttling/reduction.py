"""What every service's part of `throttle` takes and answers with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from gameday.change import Condition, Probe, SettingChange
from gameday.steady_state.kpi.units import Amount


@dataclass(frozen=True, slots=True)
class Left:
    """How much capacity a throttle leaves: a share of what is there, or a number."""

    amount: Amount

    @property
    def is_share(self) -> bool:
        """Whether it depends on what is there; a share of 0 does not."""
        return self.amount.unit == "%" and self.amount.value > 0

    @property
    def is_nothing(self) -> bool:
        """Whether it leaves nothing."""
        return not self.amount.value

    def of(self, was: float, least: int = 0) -> float:
        """Return the capacity that is left of `was`: never more than that, and at least `least`."""
        left = was * self.amount.value if self.amount.unit == "%" else self.amount.value
        return min(was, self.number(least, left))

    def number(self, least: int = 0, left: float | None = None) -> int:
        """Return a whole capacity where nothing limits it now."""
        return max(least, int((self.amount.value if left is None else left) + 1e-9))

    @property
    def nothing_taken(self) -> str:
        """Why a resource is left alone, in words."""
        return f"`to: {self.amount}` would take nothing away"


def taken(was: float | None, left: float) -> float:
    """Return the share of a capacity that is taken away; 0 where it is not known, since nothing limited it before."""
    if left <= 0:
        return 1.0
    return 0.0 if was is None or was <= 0 else max(0.0, 1.0 - left / was)


@dataclass(frozen=True)
class Reduction:
    """What a throttle changes at the resources of one kind, and what a plan says of them.

    `companions` go before the changes and are undone after them; `later` are changes that must not meet the others.
    """

    changes: tuple[SettingChange, ...] = ()
    companions: tuple[SettingChange, ...] = ()
    later: tuple[SettingChange, ...] = ()
    probes: tuple[Probe, ...] = ()
    conditions: tuple[Condition, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)  # resource → the share of its capacity that is taken
    refusals: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()  # resources that would lose nothing: a refusal where nothing else changes
    warnings: tuple[str, ...] = ()

    def __add__(self, other: Reduction) -> Reduction:
        """Return both together."""
        return Reduction(
            (*self.changes, *other.changes),
            (*self.companions, *other.companions),
            (*self.later, *other.later),
            (*self.probes, *other.probes),
            (*self.conditions, *other.conditions),
            {**self.shares, **other.shares},
            (*self.refusals, *other.refusals),
            (*self.idle, *other.idle),
            (*self.warnings, *other.warnings),
        )

    @property
    def all_changes(self) -> Sequence[SettingChange]:
        """All changes, in the order of their stages."""
        return (*self.companions, *self.changes, *self.later)


def together(reductions: Iterable[Reduction]) -> Reduction:
    """Return all reductions as one."""
    return reduce(Reduction.__add__, reductions, Reduction())
