"""Alarms by name or ARN. An ARN keeps its region and account: alarms of the same name may exist in every region.

Source: Amazon CloudWatch API Reference, "PutMetricAlarm": AlarmName has 1 to 255 characters of any kind; Service
Authorization Reference, "Amazon CloudWatch": `arn:${Partition}:cloudwatch:${Region}:${Account}:alarm:${AlarmName}`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlarmPlace:
    """An alarm's name, and where it is; None: where the run is."""

    name: str
    region: str | None = None
    account: str | None = None

    def beside(self, region: str) -> str:
        """Return the alarm in words, for a run in this region: its name, and its region where that is another."""
        return self.name if self.region in (None, region) else f"{self.name} in {self.region}"


def alarm_place(alarm: str) -> AlarmPlace:
    """Read an alarm's name or ARN. Raises ValueError for an ARN of something else."""
    if not alarm.startswith("arn:"):
        return AlarmPlace(alarm)
    parts = alarm.split(":", 6)
    if len(parts) < 7 or parts[2] != "cloudwatch" or parts[5] != "alarm" or not all((parts[3], parts[4], parts[6])):
        msg = f"`{alarm}` is not the ARN of an alarm, like arn:aws:cloudwatch:us-east-1:111122223333:alarm:orders-low"
        raise ValueError(msg)
    if parts[1] != "aws":
        msg = f"the alarm is of partition {parts[1]}, and Gameday serves the standard partition (aws) alone"
        raise ValueError(msg)
    return AlarmPlace(parts[6], parts[3], parts[4])


def alarm_name(alarm: str) -> str:
    """Return the name of an alarm, given its name or its ARN."""
    return alarm_place(alarm).name
