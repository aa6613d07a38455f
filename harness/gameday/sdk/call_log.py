"""The log of a program's AWS calls while faults were injected."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from gameday.sdk.matching import Request
from gameday.sdk.rule import Rule
from gameday.steady_state.kpi.units import show_duration


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request of a call. Times are in seconds."""

    rule: Rule | None  # the rule of this log's faults that hit it
    error: str | None  # the code of the answered error, or the name of an exception; None: success
    held: float = 0.0  # how long the rule held it: a delay, or the client's wait for an answer
    limited: float = 0.0  # how long the client's own rate limiter (adaptive mode) delayed it
    backoff: float = 0.0  # how long the client waited after it, before the next attempt


@dataclass(frozen=True, slots=True)
class CallMade:
    """A call of the program, with all its attempts."""

    request: Request
    mode: str  # the client's retry mode: legacy, standard, adaptive
    attempts: tuple[Attempt, ...]
    done: bool = False

    @property
    def error(self) -> str | None:
        """How the call ended: an error's code, an exception's name, or None for success."""
        return self.attempts[-1].error if self.attempts else None

    @property
    def injected(self) -> int:
        """The number of attempts that rules hit."""
        return sum(attempt.rule is not None for attempt in self.attempts)

    @property
    def retried(self) -> int:
        """The number of attempts after the first."""
        return max(len(self.attempts) - 1, 0)

    @property
    def backoff(self) -> float:
        """Seconds that the client waited between attempts."""
        return sum(attempt.backoff + attempt.limited for attempt in self.attempts)

    def __str__(self) -> str:
        count = len(self.attempts)
        text = f"{self.request}: {count} attempt{'s' if count != 1 else ''}, {self.injected} hit"
        if self.backoff:
            text += f", {show_duration(self.backoff)} of back-off"
        return f"{text} → {self.error or 'answered'}" if self.done else f"{text} → under way"


@dataclass
class CallLog:
    """The calls so far. It grows while the faults last, and any thread may read it at any time."""

    rules: tuple[Rule, ...]
    notes: tuple[str, ...] = ()  # about rules that mean the same requests
    botocore: str = ""  # the version of botocore: retries differ between versions
    _calls: dict[str, CallMade] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def calls(self) -> tuple[CallMade, ...]:
        """Every call sent while the faults lasted, in the order of first attempts."""
        with self._lock:
            return tuple(self._calls.values())

    def of(self, service: str, operation: str | None = None) -> tuple[CallMade, ...]:
        """Return the calls of a service, or of one of its operations as its API names it (`PutItem`)."""
        return tuple(
            call
            for call in self.calls
            if call.request.service == service and operation in (None, call.request.operation)
        )

    @property
    def injected(self) -> int:
        """The number of requests that rules hit."""
        return sum(call.injected for call in self.calls)

    @property
    def retried(self) -> int:
        """The number of attempts after the first of each call."""
        return sum(call.retried for call in self.calls)

    @property
    def attempts(self) -> int:
        """The number of all requests."""
        return sum(len(call.attempts) for call in self.calls)

    @property
    def backoff(self) -> float:
        """Seconds that clients waited between attempts, summed over all calls."""
        return sum(call.backoff for call in self.calls)

    @property
    def failed(self) -> tuple[CallMade, ...]:
        """The calls that ended with an error after all their attempts."""
        return tuple(call for call in self.calls if call.done and call.error)

    @property
    def modes(self) -> tuple[str, ...]:
        """The retry modes of the clients that made these calls."""
        return tuple(sorted({call.mode for call in self.calls}))

    def __str__(self) -> str:
        modes = ", ".join(self.modes) or "no calls"
        head = (
            f"{len(self.calls)} calls, {self.attempts} attempts, {self.injected} hit, {len(self.failed)} failed; "
            f"{show_duration(self.backoff)} of back-off (botocore {self.botocore}, {modes})"
        )
        return "\n".join([head, *self.notes, *(f"  {call}" for call in self.calls)])

    def add(self, key: str, request: Request, mode: str, attempt: Attempt) -> None:
        """Add an attempt of a call."""
        with self._lock:
            call = self._calls.get(key) or CallMade(request, mode, ())
            self._calls[key] = replace(call, attempts=(*call.attempts, attempt))

    def waited(self, key: str, backoff: float) -> None:
        """Note the client's wait between the last attempt of a call and the next."""
        with self._lock:
            if call := self._calls.get(key):
                last = replace(call.attempts[-1], backoff=backoff)
                self._calls[key] = replace(call, attempts=(*call.attempts[:-1], last))

    def over(self, key: str) -> None:
        """Note that a call makes no further attempt."""
        with self._lock:
            if call := self._calls.get(key):
                self._calls[key] = replace(call, done=True)
