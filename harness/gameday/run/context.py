"""What a run is given: the account, the clock, the source of samples, the journal, and the request to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gameday.aws.account import Account
from gameday.engine.journal import Journal
from gameday.run.stop import StopRequest
from gameday.steady_state.clock import Clock

if TYPE_CHECKING:
    from gameday.steady_state.kpi.source import Source


@dataclass(frozen=True)
class RunContext:
    """The surroundings of a run: the account, the clock, the source of samples, and the journal."""

    run: str  # its random id
    account: Account
    clock: Clock
    source: Source
    journal: Journal
    lag: float = 0.0  # seconds until the source can answer for a bin
    stop: StopRequest = field(default_factory=StopRequest)
    undoing: Callable[[], Account] | None = None  # opens the account that undoes, if it is another one
