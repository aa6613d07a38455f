"""An area of attacks: it tries what it can until its time is up, and counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Count:
    """What an area has tried, and each failure in a line."""

    tried: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, name: str, wrong: tuple[str, ...]) -> None:
        """Count one attack; `wrong` is empty where the promise held."""
        self.tried += 1
        if wrong:
            self.failed.append(f"{name}: {'; '.join(wrong)}")


@dataclass(frozen=True)
class Until:
    """The end of an area's time; an attack that has begun is finished."""

    end: float

    @classmethod
    def after(cls, seconds: float) -> Until:
        """The end so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.end


Attack = Callable[[Until, int], Count]
"""Attacks until the time is up, in an order that the seed decides."""
