"""Traits of the changed resources for which AWS checks more than the action of the call itself.

`iam/dependent.py` lists the actions that belong to each trait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gameday.aws.account import Account, read
from gameday.aws.answers.ec2_compute import DESCRIBE_VOLUMES
from gameday.aws.answers.iam import GET_INSTANCE_PROFILE
from gameday.aws.answers.launching import (
    DESCRIBE_KEY,
    DESCRIBE_LAUNCH_TEMPLATE_VERSIONS,
    DESCRIBE_LAUNCHING_GROUPS,
    LaunchingGroup,
    LaunchTemplateSpecification,
)
from gameday.aws.answers.s3 import GET_BUCKET_ENCRYPTION
from gameday.aws.arns import ArnPlace
from gameday.change import Frozen, JsonLike, PlannedFault
from gameday.errors import AwsError
from gameday.store.s3 import place_of

VALUES = 200
"""Values of one filter (Amazon EC2 API Reference, "List and filter using the CLI and API")."""
GROUPS = 50
"""Names in one request (Auto Scaling API Reference, DescribeAutoScalingGroups)."""
_PARAMETER = "resolve:ssm:"
"""The prefix of an image that a Systems Manager parameter names (RunInstances, ImageId)."""


class TraitName(StrEnum):
    """What is true of a resource."""

    CUSTOMER_KEY = "customer-managed key"  # a volume of an instance is encrypted with it; value: the key's ARN
    TEMPLATE = "launch template"  # of a scaling group; value: a pattern that its ARN alone fits
    ROLE = "instance role"  # that the template's profile passes; value: the role's ARN
    TAGS = "tags at launch"  # the template has tag specifications; value: ARN pattern of what it may tag
    PARAMETER = "image parameter"  # that the template takes its image from; value: the parameter's ARN
    STORE_KEY = "store key"  # the store's bucket encrypts with it; value: the key's ARN


class Trait(Frozen):
    """A trait of a resource: `of` is the resource's id, `value` an ARN."""

    name: TraitName
    of: str
    value: str


def traits_of(planned_faults: Sequence[PlannedFault], account: Account, place: ArnPlace) -> tuple[Trait, ...]:
    """Return the traits of everything that the faults change; reads only. Raises AwsError."""
    reader = _Reader(account, place)
    started = sorted(_targets_of(planned_faults, "ec2.start_instances"))
    updated = sorted(_targets_of(planned_faults, "autoscaling.update_auto_scaling_group"))
    return (*reader.of_instances(started), *reader.of_groups(updated))


def store_traits(store: str, account: Account, place: ArnPlace) -> tuple[Trait, ...]:
    """Return the customer-managed key of the store's bucket, if there is one. Reads only.

    Nothing where the bucket's encryption cannot be read: a run proves its store before the baseline.
    """
    bucket, _ = place_of(store)
    try:
        answer = read(account, place.region, GET_BUCKET_ENCRYPTION, Bucket=bucket)
    except AwsError:
        return ()
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    keys = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") for rule in rules]
    reader = _Reader(account, place)
    arns = dict.fromkeys(arn for key in keys if key and (arn := reader.customer_key(key)))
    return tuple(Trait(name=TraitName.STORE_KEY, of=bucket, value=arn) for arn in arns)


def _targets_of(planned_faults: Iterable[PlannedFault], operation: str) -> set[str]:
    return {
        target
        for planned_fault in planned_faults
        for change in planned_fault.changes
        if operation in {str(template.call) for template in (*change.apply_templates(), *change.undo_templates())}
        for target in change.targets
    }


@dataclass(frozen=True)
class _Reader:
    account: Account
    place: ArnPlace

    def of_instances(self, ids: Sequence[str]) -> Iterator[Trait]:
        attached: dict[str, dict[str, None]] = {}  # key → instances
        for start in range(0, len(ids), VALUES):
            wanted: list[JsonLike] = [
                {"Name": "attachment.instance-id", "Values": list(ids[start : start + VALUES])},
                {"Name": "encrypted", "Values": ["true"]},
            ]
            for volume in read(self.account, self.place.region, DESCRIBE_VOLUMES, Filters=wanted)["Volumes"]:
                for attachment in volume.get("Attachments", []):
                    if key := volume.get("KmsKeyId"):
                        attached.setdefault(key, {})[attachment["InstanceId"]] = None
        for key in sorted(attached):
            if arn := self.customer_key(key):
                yield from (Trait(name=TraitName.CUSTOMER_KEY, of=id_, value=arn) for id_ in sorted(attached[key]))

    def customer_key(self, key: str) -> str | None:
        """Return the ARN of a key that the customer manages; None for a key of AWS.

        A key that cannot be read counts as a customer's: AWS lets everybody of the account read its own keys.
        """
        region = key.split(":")[3] if key.startswith("arn:") else self.place.region
        try:
            found = read(self.account, region, DESCRIBE_KEY, KeyId=key)["KeyMetadata"]
        except AwsError:
            return key if ":key/" in key else f"{self._prefix('kms', region)}key/*"
        return None if found.get("KeyManager") == "AWS" else found["Arn"]

    def of_groups(self, names: Sequence[str]) -> Iterator[Trait]:
        groups: list[LaunchingGroup] = []
        for start in range(0, len(names), GROUPS):
            some = list(names[start : start + GROUPS])
            answer = read(self.account, self.place.region, DESCRIBE_LAUNCHING_GROUPS, AutoScalingGroupNames=some)
            groups += answer["AutoScalingGroups"]
        for group in groups:
            for specification in _templates(group):
                yield from self._of_template(group["AutoScalingGroupName"], specification)

    def _of_template(self, group: str, specification: LaunchTemplateSpecification) -> Iterator[Trait]:
        by: dict[str, JsonLike] = {
            key: value
            for key, value in specification.items()
            if key in ("LaunchTemplateId", "LaunchTemplateName") and isinstance(value, str)
        }
        if "LaunchTemplateId" in by:
            by.pop("LaunchTemplateName", None)  # the operation takes one of the two
        versions = [specification.get("Version", "$Default")]
        operation = DESCRIBE_LAUNCH_TEMPLATE_VERSIONS
        for version in read(self.account, self.place.region, operation, **by, Versions=versions)[
            "LaunchTemplateVersions"
        ]:
            data, ec2 = version["LaunchTemplateData"], self._prefix("ec2", self.place.region)
            template = f"arn:{self.place.partition}:ec2:*:*:*/{version['LaunchTemplateId']}"
            yield Trait(name=TraitName.TEMPLATE, of=group, value=template)
            if profile := data.get("IamInstanceProfile"):
                name = profile.get("Name") or profile.get("Arn", "").rpartition("/")[2]
                found = read(self.account, self.place.region, GET_INSTANCE_PROFILE, InstanceProfileName=name)
                roles = found["InstanceProfile"]["Roles"]
                yield from (Trait(name=TraitName.ROLE, of=group, value=role["Arn"]) for role in roles)
            if data.get("TagSpecifications"):
                yield Trait(name=TraitName.TAGS, of=group, value=f"{ec2}*/*")
            if (image := data.get("ImageId", "")).startswith(_PARAMETER):
                parameter = image.removeprefix(_PARAMETER)
                yield Trait(name=TraitName.PARAMETER, of=group, value=self._parameter(parameter))

    def _parameter(self, named: str) -> str:
        """Return the ARN of a parameter that a template names; a version or label may follow the name."""
        if named.startswith("arn:"):
            return named
        return f"{self._prefix('ssm', self.place.region)}parameter/{named.partition(':')[0].lstrip('/')}"

    def _prefix(self, service: str, region: str) -> str:
        return f"arn:{self.place.partition}:{service}:{region}:{self.place.account}:"


def _templates(group: LaunchingGroup) -> list[LaunchTemplateSpecification]:
    """Return the launch templates of a group, each once."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    found = [
        group.get("LaunchTemplate"),
        mixed.get("LaunchTemplateSpecification"),
        *(override.get("LaunchTemplateSpecification") for override in mixed.get("Overrides", [])),
    ]
    templates: list[LaunchTemplateSpecification] = []
    for specification in found:
        if specification and specification not in templates:
            templates.append(specification)
    return templates
