"""The known regions, listed here because importing botocore is slow."""

from __future__ import annotations

# fmt: off
REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
    "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
    "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)
# fmt: on
"""All regions of the partition `aws`, the only one that Gameday supports.

Source: botocore's partitions.json; a test compares the two.
"""

_OTHERS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
"""How regions of other partitions begin (botocore's partitions.json, `regionRegex`)."""


def partition_of(region: str) -> str | None:
    """Return the partition of a region that is in another than `aws`; None for all other names."""
    return next((partition for prefix, partition in _OTHERS.items() if region.startswith(prefix)), None)
