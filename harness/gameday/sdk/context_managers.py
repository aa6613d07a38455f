"""Faults for the AWS calls of the code under test, as context managers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any, Required, TypedDict, Unpack

from pydantic import ValidationError

from gameday.errors import InvalidInput
from gameday.sdk.attempt import Sleep
from gameday.sdk.botocore_patch import Injection
from gameday.sdk.matching import overlaps
from gameday.sdk.rule import Rule, RuleKind, in_words


class Which(TypedDict, total=False):
    """Which requests a rule hits.

    `region`: only in this region. `share`: a share like 50%, chosen by `seed`. `first`: at most this many. `after`:
    only after this many. `sleep`: makes clients wait.
    """

    region: str | None
    share: str
    after: int
    first: int | None
    seed: int
    sleep: Sleep


class ErrorAnswer(Which, total=False):
    """Which requests, and the error that answers them; by default the service's own."""

    code: str | None
    status: int | None


class Patience(Which, total=False):
    """Which requests, and how long a client waits for each, like 400ms; by default the client's own timeout."""

    wait: str | None


class Lateness(Which, total=False):
    """Which requests, and how much later they arrive, like 400ms."""

    wait: Required[str]


def faults(*parts: Rule | Injection, seed: int = 0, sleep: Sleep = time.sleep) -> Injection:
    """Inject several rules at once: the first rule that hits a request wins. Warns of a rule that can never hit.

    `seed` decides which requests are in a rule's `share`: the same for the same seed, for any order of threads. `sleep`
    makes clients wait, both for back-off and for rules that hold requests. A fast test passes `lambda seconds: None`,
    and reads the waits from the CallLog. Adaptive mode's own rate limiter waits in any case. Raises InvalidInput for
    what is no rule, and for a wrong `seed` or `sleep`.
    """
    if wrong := next((part for part in parts if not isinstance(part, Rule | Injection)), None):
        raise InvalidInput(
            f"faults: {wrong!r} is not a rule", 'write throttle("dynamodb"), or Rule(…)', gd_code="GD-E119"
        )
    _validate(seed, sleep)
    rules = tuple(rule for part in parts for rule in (part.rules if isinstance(part, Injection) else (part,)))
    for note in overlaps(rules):
        if "never hits" in note:
            warnings.warn(note, stacklevel=2)
    return Injection(rules, seed, sleep)


def throttle(service: str, operation: str | None = None, **options: Unpack[ErrorAnswer]) -> Injection:
    """Answer requests with the service's own error for too many requests, and do not carry them out."""
    return _injection("throttle", service, operation, options)


def fail(service: str, operation: str | None = None, **options: Unpack[ErrorAnswer]) -> Injection:
    """Answer requests with an error, `code` or the service's own failure (500), and do not carry them out."""
    return _injection("fail", service, operation, options)


def delay(service: str, operation: str | None = None, **options: Unpack[Lateness]) -> Injection:
    """Delay requests by `wait`. If that reaches a client's read timeout, AWS carries the request out unseen."""
    return _injection("delay", service, operation, options)


def timeout(service: str, operation: str | None = None, **options: Unpack[Patience]) -> Injection:
    """Do not carry requests out, and let clients wait in vain: for their own read timeout, or for `wait`."""
    return _injection("timeout", service, operation, options)


def blackhole(service: str, operation: str | None = None, **options: Unpack[Patience]) -> Injection:
    """Block connections: clients wait for their own connect timeout, or for `wait`."""
    return _injection("blackhole", service, operation, options)


def lose_reply(service: str, operation: str | None = None, **options: Unpack[Patience]) -> Injection:
    """Carry requests out and lose their answers: clients wait for their read timeout, or for `wait`."""
    return _injection("lose-reply", service, operation, options)


def _injection(kind: RuleKind, service: str, operation: str | None, options: Mapping[str, Any]) -> Injection:
    fields = {name: value for name, value in options.items() if name not in ("seed", "sleep")}
    try:
        rule = Rule.model_validate({**fields, "kind": kind, "service": service, "operation": operation})
    except ValidationError as error:
        raise InvalidInput(f"{kind}: {'; '.join(in_words(error))}", gd_code="GD-E119") from error
    seed, sleep = options.get("seed", 0), options.get("sleep", time.sleep)
    _validate(seed, sleep)
    return Injection((rule,), seed, sleep)


def _validate(seed: object, sleep: object) -> None:
    if not isinstance(seed, int):
        raise InvalidInput(f"seed: {seed!r} is not a whole number", "write seed=7", gd_code="GD-E119")
    if not callable(sleep):
        raise InvalidInput(f"sleep: {sleep!r} cannot be called", "write sleep=lambda seconds: None", gd_code="GD-E119")
