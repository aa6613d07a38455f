"""ARNs: where a resource is, and names that AWS accepts in their place."""

from __future__ import annotations

from dataclasses import dataclass


def alarm_name(alarm: str) -> str:
    """Return the name of an alarm, given its name or its ARN."""
    return alarm.split(":", 6)[-1] if alarm.startswith("arn:") else alarm


@dataclass(frozen=True)
class ArnPlace:
    """What an ARN says of where its resource is."""

    partition: str
    region: str
    account: str
