"""A fault that takes away the ground we stand on: after it nobody could send the undo.

A process knows its EC2 instance without asking anybody: the firmware's asset tag is the instance's id on Nitro. Source:
Amazon EC2 User Guide, "Detect whether a host is an EC2 instance". In a container or a function it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gameday.aws.account import Account
from gameday.change import Call, PlannedFault
from gameday.errors import AwsError

ASSET_TAG = Path("/sys/devices/virtual/dmi/id/board_asset_tag")


def own_instance(path: Path = ASSET_TAG) -> str | None:
    """The EC2 instance that this process runs on, where the machine says so."""
    try:
        tag = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return tag if re.fullmatch(r"i-[0-9a-f]{8,17}", tag) else None


def own_instance_refusals(
    planned_faults: Iterable[PlannedFault], instance: str | None, account: Account, region: str
) -> tuple[str, ...]:
    """Which faults would hit the instance that we run on, its subnet or its interfaces; reads only, raises AwsError."""
    touched: dict[str, list[str]] = {}
    for planned_fault in planned_faults:
        for change in planned_fault.changes:
            for target in change.targets:
                touched.setdefault(target, []).append(planned_fault.label)
    if instance is None or not touched:
        return ()
    call = Call(service="ec2", operation="describe_instances", params={"InstanceIds": [instance]})
    try:
        found = account.call(call, region)["Reservations"]
    except AwsError as error:
        if error.code.startswith("InvalidInstanceID"):  # it is in another account or region
            return ()
        raise
    ours = [instance]
    for one in (one for reservation in found for one in reservation["Instances"]):
        ours += [one.get("SubnetId", "")]
        ours += [interface["NetworkInterfaceId"] for interface in one.get("NetworkInterfaces", [])]
    return tuple(
        f"{label} would hit {known}, which this very process needs to send the undo (it runs on {instance})"
        for known in ours
        for label in dict.fromkeys(touched.get(known, []))
    )
