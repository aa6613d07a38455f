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
    """Which requests: in a `region`, a `share` like 50% by `seed`, the `first` so many, `after` so many."""

    region: str | None
    share: str
    after: int
    first: int | None
    seed: int
    sleep: Sleep


class ErrorAnswer(Which, total=False):
    """Which requests, and with what error they are answered: none given, the service's own."""

    code: str | None
    status: int | None


class Patience(Which, total=False):
    """Which requests, and how long a client waits for them, like 400ms: none given, as long as its own timeout."""

    wait: str | None


class Later(Which, total=False):
    """Which requests, and how much later they arrive, like 400ms."""

    wait: Required[str]


def faults(*parts: Rule | Injection, seed: int = 0, sleep: Sleep = time.sleep) -> Injection:
    """Several rules at once: of those that hit a request the first wins. A rule that never can is warned of.

    `seed` decides which requests are in a rule's `share`: the same for the same seed, whatever the threads do. `sleep`
    makes clients wait, for back-off and for what rules hold; a test that has no time gives `lambda seconds: None`, and
    reads from the record what would have been waited. Adaptive mode's own rate limiter waits in any case.
    """
    if wrong := next((part for part in parts if not isinstance(part, Rule | Injection)), None):
        raise InvalidInput(f"faults: {wrong!r} is no rule", 'write throttle("dynamodb"), or Rule(…)', gd_code="GD-E119")
    _sound(seed, sleep)
    rules = tuple(rule for part in parts for rule in (part.rules if isinstance(part, Injection) else (part,)))
    for note in overlaps(rules):
        if "never hits" in note:
            warnings.warn(note, stacklevel=2)
    return Injection(rules, seed, sleep)


def throttle(service: str, operation: str | None = None, **said: Unpack[ErrorAnswer]) -> Injection:
    """Requests are answered with the service's own error for too many requests, and not carried out."""
    return _one("throttle", service, operation, said)


def fail(service: str, operation: str | None = None, **said: Unpack[ErrorAnswer]) -> Injection:
    """Requests are answered with an error, and not carried out: `code`, or the service's own failure (500)."""
    return _one("fail", service, operation, said)


def delay(service: str, operation: str | None = None, **said: Unpack[Later]) -> Injection:
    """Requests take `wait` longer. From a client's read timeout on they are carried out, and it never hears of it."""
    return _one("delay", service, operation, said)


def timeout(service: str, operation: str | None = None, **said: Unpack[Patience]) -> Injection:
    """Requests are not carried out, and clients wait in vain: for their own read timeout, or for `wait`."""
    return _one("timeout", service, operation, said)


def blackhole(service: str, operation: str | None = None, **said: Unpack[Patience]) -> Injection:
    """No connection comes about: clients wait for their own connect timeout, or for `wait`."""
    return _one("blackhole", service, operation, said)


def lose_reply(service: str, operation: str | None = None, **said: Unpack[Patience]) -> Injection:
    """Requests are carried out and their answers lost: clients wait for their read timeout, or for `wait`."""
    return _one("lose-reply", service, operation, said)


def _one(kind: RuleKind, service: str, operation: str | None, said: Mapping[str, Any]) -> Injection:
    fields = {name: value for name, value in said.items() if name not in ("seed", "sleep")}
    try:
        rule = Rule.model_validate({**fields, "kind": kind, "service": service, "operation": operation})
    except ValidationError as error:
        raise InvalidInput(f"{kind}: {'; '.join(in_words(error))}", gd_code="GD-E119") from error
    seed, sleep = said.get("seed", 0), said.get("sleep", time.sleep)
    _sound(seed, sleep)
    return Injection((rule,), seed, sleep)


def _sound(seed: object, sleep: object) -> None:
    if not isinstance(seed, int):
        raise InvalidInput(f"seed: {seed!r} is no whole number", "write seed=7", gd_code="GD-E119")
    if not callable(sleep):
        raise InvalidInput(f"sleep: {sleep!r} cannot be called", "write sleep=lambda seconds: None", gd_code="GD-E119")
