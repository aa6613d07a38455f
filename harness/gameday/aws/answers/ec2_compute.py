"""EC2: instance types, volumes, fleets, Spot requests, console output."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class InstanceType(TypedDict):
    """An instance type; `InstanceStorageSupported`: whether it has instance store volumes."""

    InstanceType: str
    InstanceStorageSupported: bool


class DescribeInstanceTypes(TypedDict):
    """The answer to DescribeInstanceTypes."""

    InstanceTypes: list[InstanceType]


class VolumeAttachment(TypedDict):
    """The instance that a volume is attached to."""

    InstanceId: str


class Volume(TypedDict):
    """An EBS volume; `KmsKeyId` is the ARN of the key that encrypts it."""

    VolumeId: str
    Encrypted: NotRequired[bool]
    KmsKeyId: NotRequired[str]
    Attachments: NotRequired[list[VolumeAttachment]]


class DescribeVolumes(TypedDict):
    """The answer to DescribeVolumes."""

    Volumes: list[Volume]


class Fleet(TypedDict):
    """An EC2 Fleet; its type: request, maintain or instant."""

    FleetId: str
    Type: NotRequired[str]


class DescribeFleets(TypedDict):
    """The answer to DescribeFleets."""

    Fleets: list[Fleet]


class SpotInstanceRequest(TypedDict):
    """A Spot request; its type: one-time or persistent, its state: open, active, closed, cancelled, …"""

    Type: NotRequired[str]
    State: NotRequired[str]


class DescribeSpotInstanceRequests(TypedDict):
    """The answer to DescribeSpotInstanceRequests."""

    SpotInstanceRequests: list[SpotInstanceRequest]


class GetConsoleOutput(TypedDict):
    """The answer to GetConsoleOutput; `Timestamp`: when the output was last updated, in seconds since the epoch."""

    InstanceId: str
    Timestamp: NotRequired[float]


DESCRIBE_INSTANCE_TYPES = Operation("ec2", "describe_instance_types", DescribeInstanceTypes)
DESCRIBE_VOLUMES = Operation("ec2", "describe_volumes", DescribeVolumes)
DESCRIBE_FLEETS = Operation("ec2", "describe_fleets", DescribeFleets)
DESCRIBE_SPOT_INSTANCE_REQUESTS = Operation("ec2", "describe_spot_instance_requests", DescribeSpotInstanceRequests)
GET_CONSOLE_OUTPUT = Operation("ec2", "get_console_output", GetConsoleOutput)
