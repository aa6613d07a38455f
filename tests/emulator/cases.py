"""What the emulator carries, and where it differs from AWS's documents. The documents win: README.md says how."""

from __future__ import annotations

CARRIED = ("function.concurrency", "table.capacity", "security groups, just made", "group.subnets", "instance.power")
"""Cases of `gameday conform` whose laws all hold on the emulator."""

RUNS = ("throttle-payments", "throttle-recommendations")
"""The storefront's experiments that the emulator carries."""

NOT_CARRIED = {
    "stage.throttling": "PutRestApi is unknown",
    "stage.throttling to 0": "PutRestApi is unknown",
    "stage.throttling from -1": "PutRestApi is unknown",
    "subnet.acl": "DescribeNetworkAcls lists no association of a new subnet",
    "interface.groups": "ModifyNetworkInterfaceAttribute is unknown",
    "group.suspended": "SuspendProcesses is unknown",
    "lose-an-instance": "its scaling groups launch and replace no instance",
    "lose-a-zone": "DescribeNetworkAcls lists no association of a new subnet",
    "lose-a-zone-then-payments": "DescribeNetworkAcls lists no association of a new subnet",
}
"""Cases and experiments that it does not carry, and why."""
