"""What else a subnet holds: each interface that is no instance of the workload, with its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.aws.answers.ec2 import DESCRIBE_NETWORK_INTERFACES, NetworkInterface
from gameday.aws.answers.operation import tags_of
from gameday.aws.resources import Subnet
from gameday.change import Call, Json
from gameday.change.placeholders import bind, search_list
from gameday.errors import AwsError
from gameday.faults.fault import FaultContext
from gameday.faults.interface_owners import OwnerRule, rule_of

SUBNETS = 200
"""Values of one filter (Amazon EC2 API Reference, DescribeInstances: "up to 200 filter values")."""


@dataclass(frozen=True, slots=True)
class Neighbor:
    """An interface that is no instance of the workload, and what it belongs to."""

    interface: str
    kind: str  # in words; empty where no rule of `interface_owners` knows its description
    id: str  # of its owner
    owned: bool  # its owner is the workload's
    note: str = ""  # what else there is to say: its description, or why its owner could not be read

    @property
    def name(self) -> str:
        """Its owner in words, or the interface itself."""
        return f"{self.kind} {self.id}".strip() if self.kind else self.interface

    @property
    def in_words(self) -> str:
        """The interface with its owner: `eni-1 (EFS file system fs-1)`."""
        owner = ", ".join(part for part in (f"{self.kind} {self.id}".strip(), self.note) if part)
        return f"{self.interface} ({owner})" if owner else self.interface


def interfaces_in(context: FaultContext, subnets: Sequence[Subnet]) -> list[NetworkInterface]:
    """Return the interfaces in these subnets. Raises AwsError."""
    ids = [subnet.id for subnet in subnets]
    asked = [
        {"Filters": [{"Name": "subnet-id", "Values": ids[start : start + SUBNETS]}]}
        for start in range(0, len(ids), SUBNETS)
    ]
    answers = context.inventory.read_all(DESCRIBE_NETWORK_INTERFACES, asked)
    return [raw for answer in answers for raw in answer["NetworkInterfaces"]]


def neighbors(context: FaultContext, interfaces: Sequence[NetworkInterface]) -> list[Neighbor]:
    """Return the interfaces that are no instance of the workload, each with its owner. Raises AwsError.

    An owner that AWS does not show, or that these credentials may not read, is not the workload's.
    """
    ours = {interface for instance in context.inventory.instances for interface in instance.interfaces}
    others = [raw for raw in interfaces if raw["NetworkInterfaceId"] not in ours]
    zones = {subnet.id: subnet.zone for subnet in context.inventory.subnets}
    asked: dict[str, Call] = {}
    for raw in others:
        if (found := rule_of(_description(raw))) and (read := _read_of(*found, context)):
            asked[read.model_dump_json()] = read
    sent = [(read, context.region) for read in asked.values()]
    answers = dict(zip(asked, context.account.call_all(sent, paged=True) if sent else [], strict=True))
    return sorted(
        (_neighbor(context, raw, zones.get(raw.get("SubnetId", ""), ""), answers) for raw in others),
        key=lambda neighbor: neighbor.interface,
    )


def _neighbor(context: FaultContext, raw: NetworkInterface, zone: str, answers: dict[str, Json | AwsError]) -> Neighbor:
    interface, description = raw["NetworkInterfaceId"], _description(raw)
    owned = context.inventory.owns(tags_of(raw.get("TagSet", [])))
    found = rule_of(description)
    if found is None:
        kind = raw.get("InterfaceType", "")
        return Neighbor(interface, "", "", owned, description or ("" if kind == "interface" else kind))
    rule, id_ = found
    if rule.named_as and any(each.name == id_ for each in context.inventory.resources(rule.named_as)):
        return Neighbor(interface, rule.kind, id_, owned=True)
    read = _read_of(rule, id_, context)
    if read is None:
        return Neighbor(interface, rule.kind, id_, owned)
    answer = answers[read.model_dump_json()]
    if isinstance(answer, AwsError):
        return Neighbor(interface, rule.kind, id_, owned, f"its owner cannot be read: {answer.code}")
    path = rule.owners.replace("ZONE", zone).replace("SUBNET", raw.get("SubnetId", ""))
    owners = [_owner(row, id_) for row in search_list(path, answer)]
    named = ", ".join(sorted(name for name, _ in owners if name)) or id_
    return Neighbor(
        interface,
        rule.kind,
        named,
        owned or (bool(owners) and all(context.inventory.owns(tags) for _, tags in owners)),
    )


def _description(raw: NetworkInterface) -> str:
    """Return its description; for an interface of an instance, the instance."""
    instance = raw.get("Attachment", {}).get("InstanceId")
    return f"instance {instance}" if instance else raw.get("Description", "")


def _read_of(rule: OwnerRule, id_: str, context: FaultContext) -> Call | None:
    place = context.inventory.place
    arn = rule.arn.format(partition=place.partition, region=place.region, account=place.account, id=id_)
    return bind(rule.read, {"id": id_, "arn": arn}) if rule.read else None


def _owner(row: Json, id_: str) -> tuple[str, dict[str, str]]:
    """Return the id and the tags of an owner: services answer with a list of pairs or with an object."""
    if not isinstance(row, dict):
        return id_, {}
    tags = row.get("tags")
    pairs = tags if isinstance(tags, list) else []
    listed = {str(pair.get("Key")): str(pair.get("Value")) for pair in pairs if isinstance(pair, dict)}
    mapped = {key: str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}
    return str(row.get("id") or id_), listed | mapped
