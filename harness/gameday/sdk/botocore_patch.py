"""Rules at work on every botocore client of this process.

Two methods of `botocore.endpoint.Endpoint` are replaced while there are faults: the one that sends a request and parses
the answer, and the one that decides whether to try again. All clients share them, those made before and those made
after, in every thread; both run inside the retry loop, so retries of each mode see what they would see from AWS. Both
originals are called with a stand-in for the endpoint, whose events are ours: that is how an answer is put in place of a
request, and how a back-off is heard. No handler is registered, so that nothing is left on any client afterwards.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any

import botocore
from botocore.awsrequest import AWSPreparedRequest
from botocore.endpoint import Endpoint
from botocore.model import OperationModel

from gameday.aws.account import USER_AGENT
from gameday.errors import InvalidInput
from gameday.sdk.attempt import Hearing, Sending, Sleep, StandIn
from gameday.sdk.call_log import Attempt, CallLog
from gameday.sdk.matching import Count, Request, choose, overlaps
from gameday.sdk.rule import Rule


class Injection:
    """Rules and a seed: faults for as long as it is entered. May be entered again, each time with a record of its own.

    Process-wide: a request of any thread counts and may be hit, whichever thread entered. Of several injections the one
    entered last is asked first. A forked process has the faults too, and a record of its own. Not reached are clients
    of aiobotocore, whose endpoint overrides what is replaced here (the proxy reaches them), and presigned URLs, which
    others open.
    """

    def __init__(self, rules: tuple[Rule, ...], seed: int = 0, sleep: Sleep = time.sleep) -> None:
        self.rules = rules
        self.seed = seed
        self.sleep = sleep
        self._entered: list[_Active] = []

    def __enter__(self) -> CallLog:
        record = CallLog(self.rules, tuple(overlaps(self.rules)), botocore.__version__)
        active = _Active(self.rules, self.seed, self.sleep, record)
        self._entered.append(active)
        _begin(active)
        return record

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end(self._entered.pop())


@dataclass(eq=False)
class _Active:
    rules: tuple[Rule, ...]
    seed: int
    sleep: Sleep
    record: CallLog
    counts: list[Count] = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.counts = [Count() for _ in self.rules]

    def hit(self, request: Request) -> Rule | None:
        with self.lock:
            position, self.counts = choose(self.rules, self.counts, request, self.seed)
        return None if position is None else self.rules[position]


_active: list[_Active] = []
_installed: dict[str, tuple[Any, Any]] = {}  # by method: ours, and what was there
_changing = threading.RLock()


def _begin(active: _Active) -> None:
    with _changing:
        if not _active:
            _replace()
        _active.append(active)


def _end(active: _Active) -> None:
    with _changing:
        _active.remove(active)
        if _active:
            return
        for name, (ours, before) in _installed.items():
            # Whoever has wrapped ours meanwhile keeps it: without faults it only calls what was there before.
            if Endpoint.__dict__[name] is ours:
                setattr(Endpoint, name, before)
        _installed.clear()


def _replace() -> None:
    for name in ("_do_get_response", "_needs_retry"):
        if name not in Endpoint.__dict__:
            raise InvalidInput(
                f"botocore {botocore.__version__} has no Endpoint.{name}: no fault can be injected into it",
                "use the proxy (gameday proxy), or another version of botocore",
                gd_code="GD-E119",
            )
    for name, act in (("_do_get_response", _respond), ("_needs_retry", _retry)):
        before = Endpoint.__dict__[name]
        _installed[name] = (_instead(act, before), before)
        setattr(Endpoint, name, _installed[name][0])


def _instead(act: Callable[..., Any], before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def ours(self: Any, *given: Any, **named: Any) -> Any:
        asked = tuple(_active)
        # A stand-in has come by already: somebody's wrapping of an earlier one of these.
        if not asked or isinstance(self, StandIn):
            return before(self, *given, **named)
        return act(before, asked, self, *given, **named)

    return ours


def _respond(
    before: Callable[..., Any],
    asked: tuple[_Active, ...],
    endpoint: Any,
    request: AWSPreparedRequest,
    operation_model: OperationModel,
    context: Mapping[str, Any],
) -> Any:
    """One attempt, hit or not: in place of `Endpoint._do_get_response`."""
    if _ours(context):
        return before(endpoint, request, operation_model, context)
    what = Request(operation_model.service_model.service_name, operation_model.name, context.get("client_region"))
    holder, rule = _hit(asked, what)
    sending = Sending(endpoint, rule, _sleep_of(asked), context, operation_model)
    answered, exception = before(sending, request, operation_model, context)
    error = type(exception).__name__ if exception else _error_of(answered)
    for each in asked:
        mine = rule if each is holder else None
        each.record.add(
            _key(context), what, _mode(context), Attempt(mine, error, sending.held if mine else 0.0, sending.limited)
        )
    return answered, exception


def _retry(
    before: Callable[..., Any],
    asked: tuple[_Active, ...],
    endpoint: Any,
    attempts: int,
    operation_model: OperationModel,
    request_dict: Mapping[str, Any],
    *more: Any,
    **named: Any,
) -> bool:
    """Whether to try again, and the wait before it: in place of `Endpoint._needs_retry`."""
    if _ours(request_dict["context"]):
        return bool(before(endpoint, attempts, operation_model, request_dict, *more, **named))
    key, hearing = _key(request_dict["context"]), Hearing(endpoint)
    again = False
    try:
        again = bool(before(hearing, attempts, operation_model, request_dict, *more, **named))
    finally:
        for each in asked:
            each.record.waited(key, hearing.delay) if again else each.record.over(key)
    if again:
        _sleep_of(asked)(hearing.delay)
    return again


def _hit(asked: tuple[_Active, ...], request: Request) -> tuple[_Active | None, Rule | None]:
    for active in reversed(asked):
        if rule := active.hit(request):
            return active, rule
    return None, None


def _sleep_of(asked: tuple[_Active, ...]) -> Sleep:
    return asked[-1].sleep


def _ours(context: Mapping[str, Any]) -> bool:
    return getattr(context.get("client_config"), "user_agent_extra", None) == USER_AGENT


def _mode(context: Mapping[str, Any]) -> str:
    retries = getattr(context.get("client_config"), "retries", None) or {}
    return str(retries.get("mode", "legacy"))


def _key(context: Mapping[str, Any]) -> str:
    return str(context["retries"]["invocation-id"])


def _error_of(answered: tuple[Any, Mapping[str, Any]]) -> str | None:
    http, parsed = answered
    return str(parsed.get("Error", {}).get("Code", http.status_code)) if http.status_code >= 300 else None
