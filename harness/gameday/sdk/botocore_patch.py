"""The patch that applies rules to every botocore client of this process.

While faults last, it replaces two methods of `botocore.endpoint.Endpoint`:

- `_do_get_response` sends a request and parses the answer
- `_needs_retry` decides whether to try again

All clients share these methods, in every thread. Both run inside the retry loop, so retries of each mode behave as they
do with AWS. The patch calls the originals with a replacement of the endpoint, whose events it controls. That lets it
answer in place of the endpoint, and record back-off. It registers no handler, so it leaves nothing on any client.
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
from gameday.sdk.attempt import RequestSender, RetryObserver, Sleep, StandIn
from gameday.sdk.call_log import Attempt, CallLog
from gameday.sdk.matching import Count, Request, choose, overlaps
from gameday.sdk.rule import Rule


class Injection:
    """Inject faults by rules and a seed while entered. It may be entered again; each entry has its own CallLog.

    - It applies to the whole process: requests of every thread count, and rules may hit them.
    - Of several injections, the one entered last gets the first choice.
    - A forked process has the faults too, with a copy of the log.
    - It does not reach clients of aiobotocore, whose endpoint overrides the patched methods; the proxy reaches them.
    - It does not reach presigned URLs, since other programs open them.
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
_installed: dict[str, tuple[Any, Any]] = {}  # method → ours, and the original
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
            # A wrapper that another library put around ours stays: without faults, ours only calls the original.
            if Endpoint.__dict__[name] is ours:
                setattr(Endpoint, name, before)
        _installed.clear()


def _replace() -> None:
    for name in ("_do_get_response", "_needs_retry"):
        if name not in Endpoint.__dict__:
            raise InvalidInput(
                f"botocore {botocore.__version__} has no Endpoint.{name}, which the faults need to replace",
                "use the proxy (gameday proxy), or another version of botocore",
                gd_code="GD-E119",
            )
    for name, act in (("_do_get_response", _respond), ("_needs_retry", _retry)):
        before = Endpoint.__dict__[name]
        _installed[name] = (_instead(act, before), before)
        setattr(Endpoint, name, _installed[name][0])


def _instead(act: Callable[..., Any], before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def ours(self: Any, *args: Any, **kwargs: Any) -> Any:
        injections = tuple(_active)
        # A StandIn means that an earlier patch called us: another library had wrapped it.
        if not injections or isinstance(self, StandIn):
            return before(self, *args, **kwargs)
        return act(before, injections, self, *args, **kwargs)

    return ours


def _respond(
    before: Callable[..., Any],
    injections: tuple[_Active, ...],
    endpoint: Any,
    request: AWSPreparedRequest,
    operation_model: OperationModel,
    context: Mapping[str, Any],
) -> Any:
    """Make an attempt, hit or not, in place of `Endpoint._do_get_response`."""
    if _ours(context):
        return before(endpoint, request, operation_model, context)
    called = Request(operation_model.service_model.service_name, operation_model.name, context.get("client_region"))
    holder, rule = _hit(injections, called)
    sender = RequestSender(endpoint, rule, _sleep_of(injections), context, operation_model)
    answer, exception = before(sender, request, operation_model, context)
    error = type(exception).__name__ if exception else _error_of(answer)
    for active in injections:
        mine = rule if active is holder else None
        attempt = Attempt(mine, error, sender.held if mine else 0.0, sender.limited)
        active.record.add(_key(context), called, _mode(context), attempt)
    return answer, exception


def _retry(
    before: Callable[..., Any],
    injections: tuple[_Active, ...],
    endpoint: Any,
    attempts: int,
    operation_model: OperationModel,
    request_dict: Mapping[str, Any],
    *more: Any,
    **named: Any,
) -> bool:
    """Decide whether to try again, and wait before it, in place of `Endpoint._needs_retry`."""
    if _ours(request_dict["context"]):
        return bool(before(endpoint, attempts, operation_model, request_dict, *more, **named))
    key, observer = _key(request_dict["context"]), RetryObserver(endpoint)
    again = False
    try:
        again = bool(before(observer, attempts, operation_model, request_dict, *more, **named))
    finally:
        for active in injections:
            active.record.waited(key, observer.delay) if again else active.record.over(key)
    if again:
        _sleep_of(injections)(observer.delay)
    return again


def _hit(injections: tuple[_Active, ...], request: Request) -> tuple[_Active | None, Rule | None]:
    for active in reversed(injections):
        if rule := active.hit(request):
            return active, rule
    return None, None


def _sleep_of(injections: tuple[_Active, ...]) -> Sleep:
    return injections[-1].sleep


def _ours(context: Mapping[str, Any]) -> bool:
    return getattr(context.get("client_config"), "user_agent_extra", None) == USER_AGENT


def _mode(context: Mapping[str, Any]) -> str:
    retries = getattr(context.get("client_config"), "retries", None) or {}
    return str(retries.get("mode", "legacy"))


def _key(context: Mapping[str, Any]) -> str:
    return str(context["retries"]["invocation-id"])


def _error_of(answer: tuple[Any, Mapping[str, Any]]) -> str | None:
    http, parsed = answer
    return str(parsed.get("Error", {}).get("Code", http.status_code)) if http.status_code >= 300 else None
