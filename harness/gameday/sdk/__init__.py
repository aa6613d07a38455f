"""Faults for the AWS calls of a program, inside its process: `with throttle("dynamodb", share="50%") as seen:`.

They hold for the whole process: for every boto3 and botocore client, made before or after, in every thread, from
entering the block to leaving it. They do not reach aiobotocore, other processes, and calls that never come to the
wire (botocore's Stubber, presigned URLs, invalid parameters); the harness's own clients are left alone. Within moto and
before a real endpoint the same holds: what is hit is not carried out, except by `delay` and `lose_reply`. Handlers that
others have registered for `before-send` do not hear of a request that is not carried out.

A rule counts requests, of which a call makes several where its client retries: `first=2` fails two attempts and lets
the third through.
"""

from gameday.sdk.faults import blackhole, delay, fail, faults, lose_reply, throttle, timeout
from gameday.sdk.inject import Injection
from gameday.sdk.record import Attempt, CallMade, Record
from gameday.spec.rule import Rule

__all__ = [
    "Attempt",
    "CallMade",
    "Injection",
    "Record",
    "Rule",
    "blackhole",
    "delay",
    "fail",
    "faults",
    "lose_reply",
    "throttle",
    "timeout",
]
