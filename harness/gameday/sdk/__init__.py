"""Faults for the AWS calls of a program, inside its process: `with throttle("dynamodb", share="50%") as seen:`.

They hold for the whole process: for every boto3 and botocore client, made before or after, in every thread, from
entering the block to leaving it. They do not reach aiobotocore, other processes, and calls that never come to the
wire (botocore's Stubber, presigned URLs, invalid parameters); the harness's own clients are left alone. Within moto and
before a real endpoint the same holds: what is hit is not carried out, except by `delay` and `lose_reply`. Handlers that
others have registered for `before-send` do not hear of a request that is not carried out.

A rule counts requests, of which a call makes several where its client retries: `first=2` fails two attempts and lets
the third through.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gameday.sdk.botocore_patch import Injection
    from gameday.sdk.call_log import Attempt, CallLog, CallMade
    from gameday.sdk.context_managers import blackhole, delay, fail, faults, lose_reply, throttle, timeout
    from gameday.sdk.rule import Rule

__all__ = [
    "Attempt",
    "CallLog",
    "CallMade",
    "Injection",
    "Rule",
    "blackhole",
    "delay",
    "fail",
    "faults",
    "lose_reply",
    "throttle",
    "timeout",
]
_HOMES = {"Injection": "botocore_patch", "Attempt": "call_log", "CallMade": "call_log", "CallLog": "call_log"}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is: files name rules, and need neither botocore nor the patch."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = "rule" if name == "Rule" else _HOMES.get(name, "context_managers")
    return getattr(import_module(f"{__name__}.{home}"), name)
