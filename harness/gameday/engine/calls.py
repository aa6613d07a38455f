"""Calls that change something: sent in parallel, each heard; and patience, on the clock that was handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tenacity import Retrying, retry_if_result, wait_exponential

from gameday.aws.account import Account, request_id_of
from gameday.change import Call, Json
from gameday.change.placeholders import shown
from gameday.errors import AwsError, GamedayError, Unreachable
from gameday.events import Called, Event
from gameday.steady_state.clock import Clock

Emit = Callable[[Event], None]

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes that say "later" (botocore, `retries/standard.py`); a setting's own `retry` comes on top."""

_UNCERTAIN = frozenset(
    {"InternalError", "InternalFailure", "InternalServerError", "RequestTimeout", "ServiceUnavailable", "Unavailable"}
    | {"RequestTimeoutException", "InternalServiceError", "ServiceUnavailableException", "500", "502", "503", "504"}
)


def is_uncertain(error: AwsError) -> bool:
    """Whether a failed call may have happened all the same: no answer, or the server's own failure."""
    return isinstance(error, Unreachable) or error.code in _UNCERTAIN


def is_later(error: AwsError, retry: Sequence[str]) -> bool:
    """Whether an error means "not now"."""
    return error.code in THROTTLED or error.code in retry


def answers_of_each(
    account: Account, calls: Sequence[tuple[Call, str]], *, paged: bool = False
) -> list[Json | GamedayError]:
    """Answers to calls that may be repeated; one that cannot even be sent (its parameters) does not stop the others."""
    try:
        return [*account.call_all(calls, paged)]
    except GamedayError as error:
        if len(calls) == 1:
            return [error]
        return [answer for call in calls for answer in answers_of_each(account, [call], paged=paged)]


@dataclass(frozen=True, slots=True)
class CallSender:
    """Where the mutating calls of one run and phase go out, and who hears of them."""

    run: str
    phase: Literal["inject", "undo"]
    account: Account
    clock: Clock
    emit: Emit

    def send(self, calls: Sequence[tuple[int, Call, str]]) -> list[Json | GamedayError]:
        """Calls of the plan's positions, in parallel; answers or errors in the same order."""
        began = self.clock.now()
        out = [(call, region) for _, call, region in calls]
        # What undo sends may be sent again; what apply sends may not.
        answers: list[Json | GamedayError] = [
            *(answers_of_each(self.account, out) if self.phase == "undo" else self.account.call_all(out))
        ]
        took = self.clock.now() - began  # of all together: they go out at once
        for (position, call, region), answer in zip(calls, answers, strict=True):
            code = _code(answer) if isinstance(answer, GamedayError) else None
            params = {key: shown(value, self.run) for key, value in call.params.items()}
            what = call.service, call.operation, region, params
            self.emit(Called(began, self.phase, position, *what, took, code, request_id_of(answer)))
        return answers


def _code(error: GamedayError) -> str:
    return error.code if isinstance(error, AwsError) else type(error).__name__


def until(done: Callable[[], bool], clock: Clock, within: float) -> bool:
    """Ask again and again, with growing pauses, until `done` or until `within` seconds have passed; the last answer."""
    end = clock.now() + within
    return bool(
        Retrying(
            retry=retry_if_result(lambda is_done: not is_done),
            wait=wait_exponential(multiplier=0.25, max=2.0),
            stop=lambda _: clock.now() >= end,
            sleep=clock.sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else False,
        )(done)
    )
