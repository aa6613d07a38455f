"""EC2 Auto Scaling and Application Auto Scaling: scaling groups, and what else scales by itself."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation, Tag


class AutoScalingInstance(TypedDict):
    """A member of a scaling group; `WeightedCapacity` is a number as text, absent where a member counts one."""

    InstanceId: str
    LifecycleState: str
    HealthStatus: str
    WeightedCapacity: NotRequired[str]


class AutoScalingGroup(TypedDict):
    """A scaling group; `VPCZoneIdentifier` lists its subnets, separated by commas."""

    AutoScalingGroupName: str
    DesiredCapacity: int
    AvailabilityZones: NotRequired[list[str]]
    VPCZoneIdentifier: NotRequired[str]
    TargetGroupARNs: NotRequired[list[str]]
    Instances: NotRequired[list[AutoScalingInstance]]
    Tags: NotRequired[list[Tag]]


class DescribeAutoScalingGroups(TypedDict):
    """The answer to DescribeAutoScalingGroups."""

    AutoScalingGroups: list[AutoScalingGroup]


class ScalableTarget(TypedDict):
    """What Application Auto Scaling scales: a dimension of a resource."""

    ResourceId: str
    ScalableDimension: str
    ScalableTargetARN: NotRequired[str]


class DescribeScalableTargets(TypedDict):
    """The answer to DescribeScalableTargets of Application Auto Scaling."""

    ScalableTargets: list[ScalableTarget]


DESCRIBE_AUTO_SCALING_GROUPS = Operation("autoscaling", "describe_auto_scaling_groups", DescribeAutoScalingGroups)
DESCRIBE_SCALABLE_TARGETS = Operation("application-autoscaling", "describe_scalable_targets", DescribeScalableTargets)
