"""What can happen to one call, or to twelve in a row: AWS fails it, something else answers, or the answer drips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gameday.aws.account import LONGEST_CALL, Account
from gameday.change import Call, Json
from gameday.errors import Unreachable
from gameday.steady_state.clock import Clock
from gameday.testing import CallFailure, FailingAccount
from gameday.testing.failing_account import HAPPENS
from gameday.testing.wrapper import Wrapped

from tests.doubles.nonsense import EVERY, Nonsense, NonsenseAccount
from tests.doubles.shop import GATE

ROW = 12
"""How many calls one after the other are answered with nonsense."""
READS = 6
"""Kinds of nonsense at each read; every kind comes at some read, and at each write."""


class Troubled(Protocol):
    """An account that has met its trouble, or not."""

    calls: list[Call]
    met: bool

    call = Wrapped.call
    pages = Wrapped.pages
    call_all = Wrapped.call_all


class Trouble(Protocol):
    """A way for a call to fail; `passes`: the run undoes everything by itself all the same."""

    @property
    def passes(self) -> bool: ...

    def on(self, account: Account, clock: Clock, at: int) -> Troubled:
        """The account whose call number `at` meets it."""
        ...


@dataclass(frozen=True)
class Failing:
    """AWS itself fails the call."""

    failure: CallFailure
    passes = False

    def __str__(self) -> str:
        return str(self.failure)

    def on(self, account: Account, clock: Clock, at: int) -> FailingAccount:
        return FailingAccount(account, self.failure, at)


@dataclass(frozen=True)
class Foreign:
    """Something else than AWS answers."""

    nonsense: Nonsense
    times: int = 1
    passes = True

    def __str__(self) -> str:
        return f"{self.nonsense}{f', {self.times} in a row' if self.times > 1 else ''}"

    def on(self, account: Account, clock: Clock, at: int) -> NonsenseAccount:
        return NonsenseAccount(account, GATE, self.nonsense, at, self.times)


class DrippingAccount(Wrapped):
    """An account whose call number `at` is answered byte by byte, until nobody waits for it any longer."""

    def __init__(self, account: Account, clock: Clock, at: int, *, happens: bool) -> None:
        super().__init__(account)
        self.clock, self.at, self.happens = clock, at, happens
        self.calls: list[Call] = []
        self.met = False

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """Make a call; raises AwsError."""
        self.calls.append(call)
        if len(self.calls) - 1 != self.at:
            return super().answer(call, region, paged)
        self.met = True
        if self.happens:
            super().answer(call, region, paged)
        self.clock.sleep(LONGEST_CALL)
        raise Unreachable(call.service, call.operation, "DeadlineExceeded", "by test")


@dataclass(frozen=True)
class Drips:
    """The answer comes byte by byte."""

    happens: bool = False
    passes = True

    def __str__(self) -> str:
        return f"drips{', though it happened' if self.happens else ''}"

    def on(self, account: Account, clock: Clock, at: int) -> DrippingAccount:
        return DrippingAccount(account, clock, at, happens=self.happens)


ALL: dict[str, Trouble] = {
    str(each): each
    for each in (
        *map(Failing, CallFailure),
        *(Foreign(nonsense, times) for nonsense in EVERY for times in (1, ROW)),
        Drips(),
        Drips(happens=True),
    )
}
"""Every trouble by its name."""
KINDS = ("troubles", "nonsense", "rows of nonsense", "drips")


def troubles_of(kind: str, at: int, *, is_write: bool, thin: bool) -> Iterator[Trouble]:
    """The troubles of a kind that call number `at` meets. A read that happened is like one that did not."""
    if kind == "troubles":
        chosen = set(CallFailure) if is_write else set() if thin else set(CallFailure) - HAPPENS
        yield from map(Failing, sorted(chosen))
    elif kind == "drips":
        yield Drips()
        yield from [Drips(happens=True)] if is_write else ()
    else:
        times = ROW if kind.startswith("rows") else 1
        kinds = [each for each in EVERY if not each.happens or (is_write and times == 1)]
        many = len(kinds) if is_write and not thin else 2 if thin else READS
        yield from (Foreign(kinds[(at * many + n) % len(kinds)], times) for n in range(many))
