"""Names and ARNs: what AWS takes either of."""

from __future__ import annotations


def alarm_name(alarm: str) -> str:
    """The name of an alarm that is written as its name or as its ARN."""
    return alarm.split(":", 6)[-1] if alarm.startswith("arn:") else alarm
