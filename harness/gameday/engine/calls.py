"""Send calls that change something, in parallel, with one event each; and wait on the run's clock."""

from __future__ import annotations

import logging
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

log = logging.getLogger("gameday.engine")

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
"""Codes that mean "not now" (botocore, `retries/standard.py`). A setting's own `retry` adds to them."""

_UNCERTAIN = frozenset(
    {"InternalError", "InternalFailure", "InternalServerError", "RequestTimeout", "ServiceUnavailable", "Unavailable"}
    | {"RequestTimeoutException", "InternalServiceError", "ServiceUnavailableException", "500", "502", "503", "504"}
)


def is_uncertain(error: AwsError) -> bool:
    """Return whether a failed call may have happened all the same: no answer came, or the server itself failed."""
    return isinstance(error, Unreachable) or error.code in _UNCERTAIN


def is_later(error: AwsError, retry: Sequence[str]) -> bool:
    """Return whether an error means "not now"."""
    return error.code in THROTTLED or error.code in retry


def answers_of_each(
    account: Account, calls: Sequence[tuple[Call, str]], *, paged: bool = False
) -> list[Json | GamedayError]:
    """Return the answers to calls that may be repeated. A call that raises anything does not stop the others."""
    try:
        return [*account.call_all(calls, paged)]
    except Exception as error:  # noqa: BLE001 - the undo must not rest on a list of exceptions
        if len(calls) == 1:
            return [as_error(error)]
        return [answer for call in calls for answer in answers_of_each(account, [call], paged=paged)]


def as_error(error: Exception) -> GamedayError:
    """Return any exception as an error of ours; the traceback of a foreign one goes to the log."""
    if isinstance(error, GamedayError):
        return error
    log.info("the undo met %s, and goes on", type(error).__name__, exc_info=error)
    return GamedayError(f"{type(error).__name__}: {error}", "report this as a bug of Gameday, with the log")


@dataclass(frozen=True, slots=True)
class CallSender:
    """Send the mutating calls of one run and phase, and emit an event for each."""

    run: str
    phase: Literal["inject", "undo"]
    account: Account
    clock: Clock
    emit: Emit

    def send(self, calls: Sequence[tuple[int, Call, str]]) -> list[Json | GamedayError]:
        """Send calls of the plan, each with its position, in parallel; return answers or errors in the same order."""
        began = self.clock.now()
        out = [(call, region) for _, call, region in calls]
        # Undo may send a call again; apply may not.
        answers: list[Json | GamedayError] = [
            *(answers_of_each(self.account, out) if self.phase == "undo" else self.account.call_all(out))
        ]
        took = self.clock.now() - began  # of all together: they run in parallel
        for (position, call, region), answer in zip(calls, answers, strict=True):
            code = _code(answer) if isinstance(answer, GamedayError) else None
            params = {key: shown(value, self.run) for key, value in call.params.items()}
            what = call.service, call.operation, region, params
            self.emit(Called(began, self.phase, position, *what, took, code, request_id_of(answer)))
        return answers


def _code(error: GamedayError) -> str:
    return error.code if isinstance(error, AwsError) else type(error).__name__


def until(done: Callable[[], bool], clock: Clock, within: float) -> bool:
    """Call `done` with growing pauses until it is true or `within` seconds have passed; return its last answer."""
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
