"""What the calls of a plan ask of IAM: actions, on which resources, under which conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gameday.change import RUN_TAG, Call, CallTemplate, Change, Json
from gameday.change.placeholders import unbound
from gameday.errors import GamedayError
from gameday.iam.actions import Action, action_of, arn_of, own_variable
from gameday.plan.plan import Plan

Phase = Literal["inject", "undo"]
Tagged = Literal["", "made", "to be made"]
ANY = "*"
"""Stands for an id that is known only later: of what the run makes, or of a look-up."""

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
    "lambda": {"FunctionName": "function"},
    "dynamodb": {"TableName": "table"},
    "apigateway": {"stageName": "Stage"},
}
"""Parameters that name a resource, and its kind, by service."""

BOTH_SIDES = frozenset({"ec2:ReplaceNetworkAclAssociation"})
"""Actions of which AWS does not say whether what is replaced must be allowed, too: it is asked for."""


@dataclass(frozen=True)
class Permission:
    """One action on one resource; `tagged` says that it must carry the run's tag, or is made with it."""

    phase: Phase
    action: str
    resource: str
    tagged: Tagged = ""
    creates: str = ""  # of ec2:CreateTags: the action that makes what is tagged
    module: str | None = None


@dataclass(frozen=True)
class _ArnPlace:
    partition: str
    region: str
    account: str


def asks_of(plan: Plan) -> tuple[Permission, ...]:
    """What a plan's changes ask for, each once, in the order of the plan; raises GamedayError where one cannot tell."""
    place = _ArnPlace(partition_of(plan), plan.region, plan.account)
    found: dict[Permission, None] = {}
    for planned_fault in plan.planned_faults:
        made = {name: made for change in planned_fault.changes for name, made in change.made_binding(ANY).items()}
        for change in planned_fault.changes:
            found |= dict.fromkeys(_of_change(change.filled(ANY, made), made, place))
    return tuple(found)


def partition_of(plan: Plan) -> str:
    """aws, aws-cn or aws-us-gov, from the principal's ARN."""
    return plan.principal.split(":")[1]


def calls_of(change: Change, made: Mapping[str, str]) -> Iterator[tuple[Phase, Call]]:
    """The calls that bring a filled change about and undo it, with `*` for what is known only later."""
    yield from (("inject", _bound(template, made)) for template in change.apply_templates())
    yield from (("undo", _bound(template, made)) for template in change.undo_templates())


def _bound(template: CallTemplate, made: Mapping[str, str]) -> Call:
    looked_up = [path.partition(".") for path in unbound(template.call.params)]
    row = {name: ANY for scope, _, name in looked_up if scope == "row"}
    return template.bound({"run": ANY, "made": dict(made), "row": row})


def _of_change(change: Change, made: Mapping[str, str], place: _ArnPlace) -> Iterator[Permission]:
    calls = list(calls_of(change, made))
    for phase, call in calls:
        action = action_of(call)
        if action is None:
            continue
        alike = [one for _, one in calls if one.operation == call.operation] if action.name in BOTH_SIDES else [call]
        for one in alike:
            yield from _of_call(phase, one, action, change, place)


def _of_call(
    phase: Phase,
    call: Call,
    action: Action,
    change: Change,
    place: _ArnPlace,
) -> Iterator[Permission]:
    creates = change.is_created_by(call)
    asked = list(_named(call, action))
    for kind in action.needed:
        if kind in {kind for kind, _ in asked}:
            continue
        if creates:
            asked.append((kind, ANY))
        elif change.implied_resource:
            asked.append((kind, change.implied_resource))
        else:
            raise GamedayError(f"{call} names no {kind}: its policy cannot be derived", "see NAMED in gameday/iam/asks")
    if not asked:
        raise GamedayError(f"{call} names no resource: its policy cannot be derived", "see NAMED in gameday/iam/asks")
    for kind, one in asked:
        tagged: Tagged = ("to be made" if creates else "made") if one == ANY else ""
        _can_be_scoped(action, kind, tagged)
        arn = _arn(action.service, kind, one, call.params, place)
        yield Permission(phase, action.name, arn, tagged, module=change.module)
        if creates and tagged and action.service == "ec2":
            yield Permission(phase, "ec2:CreateTags", arn, tagged, action.name.partition(":")[2], change.module)


def _named(call: Call, action: Action) -> Iterator[tuple[str, str]]:
    """The kinds and ids of the resources that a call's parameters name."""
    for parameter, kind in NAMED.get(action.service, {}).items():
        if parameter in call.params and kind in action.keys:
            value = call.params[parameter]
            yield from ((kind, str(one)) for one in (value if isinstance(value, list) else [value]))


def _can_be_scoped(action: Action, kind: str, tagged: Tagged) -> None:
    """What the run makes is told from all else by its tag alone: raises where IAM cannot look at it."""
    key = {"": "", "made": "aws:ResourceTag/${TagKey}", "to be made": "aws:RequestTag/${TagKey}"}[tagged]
    if key and key not in action.keys[kind]:
        raise GamedayError(f"{action.name} on a {kind} cannot be held to the tag {RUN_TAG}: IAM knows no {key} for it")


def _arn(service: str, kind: str, one: str, params: Mapping[str, Json], place: _ArnPlace) -> str:
    known = {f"{name[0].upper()}{name[1:]}": value for name, value in params.items() if isinstance(value, str)}
    known |= {"Partition": place.partition, "Region": place.region, "Account": place.account}
    return arn_of(service, kind, known | {own_variable(service, kind): one})
