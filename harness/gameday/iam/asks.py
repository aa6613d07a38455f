"""The permissions that a plan's calls need: actions on resources, with the run's tag where it applies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from gameday.aws.arns import ArnPlace
from gameday.aws.kinds import KINDS, ResourceKind
from gameday.change import RUN_TAG, Call, CallTemplate, Change, Json
from gameday.change.placeholders import unbound
from gameday.errors import GamedayError
from gameday.iam.actions import Action, action_of, arn_of, has_tag_condition, own_variable
from gameday.iam.dependent import Condition, dependents
from gameday.plan.plan import Plan
from gameday.plan.traits import Trait

Phase = Literal["inject", "undo"]
Tagged = Literal["", "made", "to be made"]
ANY = "*"
"""The id of a resource that is known only later: one that the run creates, or one from a look-up."""


def _service(kind: ResourceKind) -> str:
    return kind.service


NAMED = {
    "ec2": {
        "GroupId": "security-group",
        "Groups": "security-group",
        "InstanceIds": "instance",
        "NetworkAclId": "network-acl",
        "NetworkInterfaceId": "network-interface",
        "SubnetId": "subnet",
        "VpcId": "vpc",
    },
    "autoscaling": {"AutoScalingGroupName": "autoScalingGroup"},
    **{
        service: {name: kind.iam_type for kind in kinds for name in kind.parameters}
        for service, kinds in groupby(sorted(KINDS.values(), key=_service), key=_service)
    },
}
"""Parameters that name a resource, and its kind, by service."""

BOTH_SIDES = frozenset({"ec2:ReplaceNetworkAclAssociation"})
"""Actions that replace a resource: AWS does not document whether they need the old one too, so we ask for both."""


@dataclass(frozen=True)
class Permission:
    """An action on a resource; `tagged`: the resource must carry the run's tag, or is created with it.

    `all_alike` is the ARN pattern of all resources of a target's kind, where its opt-in tag may stand for its id.
    """

    phase: Phase
    action: str
    resource: str
    tagged: Tagged = ""
    creates: str = ""  # for ec2:CreateTags: the action that creates the tagged resource
    module: str | None = None
    conditions: tuple[Condition, ...] = ()
    is_dependent: bool = False  # AWS checks it besides the action of a call
    all_alike: str = ""


def asks_of(plan: Plan) -> tuple[Permission, ...]:
    """Return the permissions of a plan's changes, each once, in order; raises GamedayError where one is unknown."""
    place = ArnPlace(partition_of(plan), plan.region, plan.account)
    permissions: dict[Permission, None] = {}
    for planned_fault in plan.planned_faults:
        made = {name: made for change in planned_fault.changes for name, made in change.made_binding(ANY).items()}
        for change in planned_fault.changes:
            filled = change.filled(ANY, made)
            permissions |= dict.fromkeys(_of_change(filled, made, place, plan.bound_by_tags))
            permissions |= dict.fromkeys(_dependent(filled, made, place, plan.traits))
    return tuple(permissions)


def partition_of(plan: Plan) -> str:
    """Return aws, aws-cn or aws-us-gov, from the principal's ARN."""
    return plan.principal.split(":")[1]


def calls_of(change: Change, made: Mapping[str, str], run: str = ANY) -> Iterator[tuple[Phase, Call]]:
    """Yield the calls that make and undo a filled change, with `*` for ids that are known only later."""
    yield from (("inject", _bound(template, made, run)) for template in change.apply_templates())
    yield from (("undo", _bound(template, made, run)) for template in change.undo_templates())


def _bound(template: CallTemplate, made: Mapping[str, str], run: str) -> Call:
    looked_up = [path.partition(".") for path in unbound(template.call.params)]
    row = {name: ANY for scope, _, name in looked_up if scope == "row"}
    return template.bound({"run": run, "made": dict(made), "row": row})


def _dependent(
    change: Change, made: Mapping[str, str], place: ArnPlace, traits: tuple[Trait, ...]
) -> Iterator[Permission]:
    for phase, call in calls_of(change, made):
        for action, resource, conditions in dependents(str(call), change.targets, traits, place):
            yield Permission(phase, action, resource, module=change.module, conditions=conditions, is_dependent=True)


def _of_change(
    change: Change, made: Mapping[str, str], place: ArnPlace, bound: tuple[str, ...]
) -> Iterator[Permission]:
    calls = list(calls_of(change, made))
    for phase, call in calls:
        action = action_of(call)
        if action is None:
            continue
        both = action.name in BOTH_SIDES
        for same in [other for _, other in calls if other.operation == call.operation] if both else [call]:
            yield from _of_call(phase, same, action, change, place, change.resource_kind in bound)


def _of_call(
    phase: Phase,
    call: Call,
    action: Action,
    change: Change,
    place: ArnPlace,
    is_bound: bool,
) -> Iterator[Permission]:
    creates = change.is_created_by(call)
    resources = list(_named(call, action))
    for kind in action.needed:
        if kind in {kind for kind, _ in resources}:
            continue
        if creates:
            resources.append((kind, ANY))
        elif change.implied_resource:
            resources.append((kind, change.implied_resource))
        else:
            raise GamedayError(f"{call} names no {kind}: its policy cannot be derived", "see NAMED in gameday/iam/asks")
    if not resources:
        raise GamedayError(f"{call} names no resource: its policy cannot be derived", "see NAMED in gameday/iam/asks")
    for kind, id_ in resources:
        tagged: Tagged = ("to be made" if creates else "made") if id_ == ANY else ""
        _must_know_tags(action, kind, tagged)
        arn = _arn(action.service, kind, id_, call.params, place)
        alike = ""
        if is_bound and id_ in change.targets and has_tag_condition(action.service, kind):
            alike = _arn(action.service, kind, ANY, {}, place)
        yield Permission(phase, action.name, arn, tagged, module=change.module, all_alike=alike)
        if creates and tagged and action.service == "ec2":
            yield Permission(phase, "ec2:CreateTags", arn, tagged, action.name.partition(":")[2], change.module)


def _named(call: Call, action: Action) -> Iterator[tuple[str, str]]:
    """Yield the kinds and ids of the resources that a call's parameters name."""
    for parameter, kind in NAMED.get(action.service, {}).items():
        if parameter in call.params and kind in action.keys:
            value = call.params[parameter]
            yield from ((kind, str(id_)) for id_ in (value if isinstance(value, list) else [value]))


def _must_know_tags(action: Action, kind: str, tagged: Tagged) -> None:
    """Raise GamedayError where IAM cannot check the run's tag: only the tag identifies what the run creates."""
    key = {"": "", "made": "aws:ResourceTag/${TagKey}", "to be made": "aws:RequestTag/${TagKey}"}[tagged]
    if key and key not in action.keys[kind]:
        raise GamedayError(
            f"IAM cannot restrict {action.name} on a {kind} to the tag {RUN_TAG}: the action has no condition key {key}"
        )


def _arn(service: str, kind: str, id_: str, params: Mapping[str, Json], place: ArnPlace) -> str:
    known = {f"{name[0].upper()}{name[1:]}": value for name, value in params.items() if isinstance(value, str)}
    known |= {"Partition": place.partition, "Region": place.region, "Account": place.account}
    return arn_of(service, kind, known | {own_variable(service, kind): id_})
