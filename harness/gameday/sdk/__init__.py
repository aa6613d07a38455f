"""Faults for the AWS calls of a program, inside its process: `with throttle("dynamodb", share="50%") as seen:`.

Faults last from entering the block to leaving it. They apply to every boto3 and botocore client of the process, in
every thread, created before or inside the block. They do not reach:

- aiobotocore, and other processes
- calls that send no request (botocore's Stubber, presigned URLs, invalid parameters)
- the harness's own clients

Behaviour is the same on moto and on a real endpoint: a request that a rule hits is not carried out, except by `delay`
and `lose_reply`. Other `before-send` handlers do not see a request that is not carried out.

A rule counts requests. A call whose client retries makes several: `first=2` fails two attempts and lets the third pass.
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
    """Import a name on first use: files name rules, and need neither botocore nor the patch."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = "rule" if name == "Rule" else _HOMES.get(name, "context_managers")
    return getattr(import_module(f"{__name__}.{home}"), name)
