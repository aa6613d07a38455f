"""Elastic Load Balancing: load balancers, target groups, the health of targets, tags."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation, Tag


class LoadBalancer(TypedDict):
    """A load balancer."""

    LoadBalancerArn: str


class DescribeLoadBalancers(TypedDict):
    """The answer to DescribeLoadBalancers."""

    LoadBalancers: list[LoadBalancer]


class TargetGroup(TypedDict):
    """A target group; `TargetType`: instance, ip, lambda or alb."""

    TargetGroupArn: str
    TargetGroupName: str
    TargetType: NotRequired[str]
    VpcId: NotRequired[str]
    LoadBalancerArns: NotRequired[list[str]]


class DescribeTargetGroups(TypedDict):
    """The answer to DescribeTargetGroups."""

    TargetGroups: list[TargetGroup]


class TargetDescription(TypedDict):
    """A target: an instance, an IP address, a function or a load balancer."""

    Id: str
    AvailabilityZone: NotRequired[str]


class TargetHealth(TypedDict, total=False):
    """initial, healthy, unhealthy, unused, draining or unavailable."""

    State: str


class TargetHealthDescription(TypedDict):
    """A target and its health."""

    Target: TargetDescription
    TargetHealth: NotRequired[TargetHealth]


class DescribeTargetHealth(TypedDict):
    """The answer to DescribeTargetHealth."""

    TargetHealthDescriptions: list[TargetHealthDescription]


class TagDescription(TypedDict):
    """The tags of a resource."""

    ResourceArn: str
    Tags: list[Tag]


class DescribeTags(TypedDict):
    """The answer to DescribeTags."""

    TagDescriptions: list[TagDescription]


DESCRIBE_LOAD_BALANCERS = Operation("elbv2", "describe_load_balancers", DescribeLoadBalancers)
DESCRIBE_TARGET_GROUPS = Operation("elbv2", "describe_target_groups", DescribeTargetGroups)
DESCRIBE_TARGET_HEALTH = Operation("elbv2", "describe_target_health", DescribeTargetHealth)
DESCRIBE_TAGS = Operation("elbv2", "describe_tags", DescribeTags)
