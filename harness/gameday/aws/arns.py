"""Names and ARNs of resources that AWS takes by either."""

from __future__ import annotations


def alarm_name(alarm: str) -> str:
    """Return the name of an alarm, given its name or its ARN."""
    return alarm.split(":", 6)[-1] if alarm.startswith("arn:") else alarm
