"""What AWS uses when it starts or launches instances: KMS keys, launch templates."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation
from gameday.change import Json


class KeyMetadata(TypedDict):
    """A KMS key; its manager is AWS or CUSTOMER."""

    Arn: str
    KeyManager: NotRequired[str]


class DescribeKey(TypedDict):
    """The answer to DescribeKey of KMS."""

    KeyMetadata: KeyMetadata


class LaunchTemplateSpecification(TypedDict, total=False):
    """A version of a launch template, by the template's id or name."""

    LaunchTemplateId: str
    LaunchTemplateName: str
    Version: str


class LaunchTemplateOverrides(TypedDict, total=False):
    """An override of a mixed group; it may use a launch template of its own."""

    LaunchTemplateSpecification: LaunchTemplateSpecification


class MixedLaunchTemplate(TypedDict, total=False):
    """The launch templates of a mixed group (LaunchTemplate of Auto Scaling)."""

    LaunchTemplateSpecification: LaunchTemplateSpecification
    Overrides: list[LaunchTemplateOverrides]


class MixedInstancesPolicy(TypedDict, total=False):
    """How a mixed group launches."""

    LaunchTemplate: MixedLaunchTemplate


class LaunchingGroup(TypedDict):
    """A scaling group, as far as it says from what it launches."""

    AutoScalingGroupName: str
    LaunchTemplate: NotRequired[LaunchTemplateSpecification]
    MixedInstancesPolicy: NotRequired[MixedInstancesPolicy]


class DescribeLaunchingGroups(TypedDict):
    """The answer to DescribeAutoScalingGroups."""

    AutoScalingGroups: list[LaunchingGroup]


class LaunchTemplateInstanceProfile(TypedDict, total=False):
    """An instance profile by ARN or by name (LaunchTemplateIamInstanceProfileSpecification)."""

    Arn: str
    Name: str


class LaunchTemplateData(TypedDict, total=False):
    """What a launch template launches (ResponseLaunchTemplateData)."""

    ImageId: str
    IamInstanceProfile: LaunchTemplateInstanceProfile
    TagSpecifications: list[Json]


class LaunchTemplateVersion(TypedDict):
    """A version of a launch template."""

    LaunchTemplateId: str
    LaunchTemplateData: LaunchTemplateData


class DescribeLaunchTemplateVersions(TypedDict):
    """The answer to DescribeLaunchTemplateVersions."""

    LaunchTemplateVersions: list[LaunchTemplateVersion]


DESCRIBE_KEY = Operation("kms", "describe_key", DescribeKey)
DESCRIBE_LAUNCHING_GROUPS = Operation("autoscaling", "describe_auto_scaling_groups", DescribeLaunchingGroups)
DESCRIBE_LAUNCH_TEMPLATE_VERSIONS = Operation(
    "ec2", "describe_launch_template_versions", DescribeLaunchTemplateVersions
)
