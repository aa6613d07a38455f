"""What guards look at: where an experiment is to run, its plan, and what only the machine that runs it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gameday.aws.account import Account
from gameday.aws.credentials import Credentials
from gameday.plan.plan import Plan, RunRequest
from gameday.steady_state.skew import Clocks


@dataclass(frozen=True, slots=True)
class UndoRights:
    """What IAM says about the undo of a plan, and about its injection, one line each."""

    lacking: tuple[str, ...] = ()  # not permitted
    unchecked: tuple[str, ...] = ()  # nobody can say here whether it is permitted
    no_injection: tuple[str, ...] = ()  # of the injection: not permitted
    too_long: tuple[str, ...] = ()  # policies of the run's sessions that STS would not take


@dataclass(frozen=True)
class RunFacts:
    """What only the machine that runs a plan knows. A guard passes where its fact is None."""

    clocks: Clocks | None = None  # what the sources' answers have shown so far
    undo_rights: Callable[[Plan, Account], UndoRights] | None = None
    must_be_free: Callable[[], None] | None = None  # raises Refused while a run has the workload, and JournalError
    local_journal: bool | None = None  # whether --local-journal was given; None: nobody was asked yet
    credentials: Credentials | None = None  # that sign the run's calls, or open its role's sessions
    saved: Plan | None = None  # the plan that the run applies


@dataclass(frozen=True)
class PlaceContext:
    """What is to run where, before any call."""

    request: RunRequest
    now: float  # seconds since the epoch
    facts: RunFacts


@dataclass(frozen=True)
class AccountContext(PlaceContext):
    """The same, once the credentials are known."""

    found: str  # their account


@dataclass(frozen=True)
class PlanContext(AccountContext):
    """A plan, the account that it was made from (which guards only read), and what the machine knows."""

    plan: Plan
    account: Account
    in_service: Mapping[str | None, int] = field(default_factory=dict)  # instances by module
    rights: UndoRights = field(default_factory=UndoRights)
