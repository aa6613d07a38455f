"""What became of the AWS calls of a program while faults were injected."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from gameday.sdk.matching import Request
from gameday.sdk.rule import Rule
from gameday.steady_state.kpi.units import show_duration


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a call. Times in seconds."""

    rule: Rule | None  # that hit it, of this record's faults
    error: str | None  # the code of an error that was answered, or the name of an exception; None: it was answered well
    held: float = 0.0  # by the rule: a delay, or what the client waited for an answer
    limited: float = 0.0  # by the client's own rate limiter (adaptive mode), before it was sent
    backoff: float = 0.0  # that the client waited after it, before the next


@dataclass(frozen=True, slots=True)
class CallMade:
    """A call as the program made it, with all its attempts."""

    request: Request
    mode: str  # of its client's retries: legacy, standard, adaptive
    attempts: tuple[Attempt, ...]
    done: bool = False

    @property
    def error(self) -> str | None:
        """How it ended: an error's code, an exception's name, or None where it was answered well."""
        return self.attempts[-1].error if self.attempts else None

    @property
    def injected(self) -> int:
        """How many of its attempts were hit."""
        return sum(attempt.rule is not None for attempt in self.attempts)

    @property
    def retried(self) -> int:
        """How many attempts came after the first."""
        return max(len(self.attempts) - 1, 0)

    @property
    def backoff(self) -> float:
        """Seconds that its client waited between attempts."""
        return sum(attempt.backoff + attempt.limited for attempt in self.attempts)

    def __str__(self) -> str:
        count = len(self.attempts)
        said = f"{self.request}: {count} attempt{'s' if count != 1 else ''}, {self.injected} hit"
        if self.backoff:
            said += f", {show_duration(self.backoff)} of back-off"
        return f"{said} → {self.error or 'answered'}" if self.done else f"{said} → under way"


@dataclass
class CallLog:
    """Grows while the faults last and stays afterwards; may be read at any time, from any thread."""

    rules: tuple[Rule, ...]
    notes: tuple[str, ...] = ()  # rules that stand in each other's way
    botocore: str = ""  # its version: retries differ between versions
    _calls: dict[str, CallMade] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def calls(self) -> tuple[CallMade, ...]:
        """Every call that was sent while the faults lasted, in the order of their first attempts."""
        with self._lock:
            return tuple(self._calls.values())

    def of(self, service: str, operation: str | None = None) -> tuple[CallMade, ...]:
        """The calls of a service, or of one of its operations as its API names it (`PutItem`)."""
        return tuple(
            call
            for call in self.calls
            if call.request.service == service and operation in (None, call.request.operation)
        )

    @property
    def injected(self) -> int:
        """Requests that were hit."""
        return sum(call.injected for call in self.calls)

    @property
    def retried(self) -> int:
        """Attempts after the first of each call."""
        return sum(call.retried for call in self.calls)

    @property
    def attempts(self) -> int:
        """Requests in all."""
        return sum(len(call.attempts) for call in self.calls)

    @property
    def backoff(self) -> float:
        """Seconds that clients waited between attempts, summed over all calls."""
        return sum(call.backoff for call in self.calls)

    @property
    def failed(self) -> tuple[CallMade, ...]:
        """The calls that ended with an error, after all their attempts."""
        return tuple(call for call in self.calls if call.done and call.error)

    @property
    def modes(self) -> tuple[str, ...]:
        """The retry modes of the clients that were seen."""
        return tuple(sorted({call.mode for call in self.calls}))

    def __str__(self) -> str:
        modes = ", ".join(self.modes) or "no calls"
        head = (
            f"{len(self.calls)} calls, {self.attempts} attempts, {self.injected} hit, {len(self.failed)} failed; "
            f"{show_duration(self.backoff)} of back-off (botocore {self.botocore}, {modes})"
        )
        return "\n".join([head, *self.notes, *(f"  {call}" for call in self.calls)])

    def add(self, key: str, request: Request, mode: str, attempt: Attempt) -> None:
        """Another attempt of a call."""
        with self._lock:
            call = self._calls.get(key) or CallMade(request, mode, ())
            self._calls[key] = replace(call, attempts=(*call.attempts, attempt))

    def waited(self, key: str, backoff: float) -> None:
        """The client waits after the last attempt of a call, and tries again."""
        with self._lock:
            if call := self._calls.get(key):
                last = replace(call.attempts[-1], backoff=backoff)
                self._calls[key] = replace(call, attempts=(*call.attempts[:-1], last))

    def over(self, key: str) -> None:
        """A call has no further attempt."""
        with self._lock:
            if call := self._calls.get(key):
                self._calls[key] = replace(call, done=True)
