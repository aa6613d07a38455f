"""Faults of the network: a black-holed zone, an isolated module."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gameday.aws.answers.ec2 import DESCRIBE_NAT_GATEWAYS, DESCRIBE_NETWORK_INTERFACES, DESCRIBE_VPCS
from gameday.aws.answers.elbv2 import DESCRIBE_LOAD_BALANCERS, DESCRIBE_TAGS
from gameday.aws.answers.operation import tags_of
from gameday.aws.inventory import Instance, Subnet
from gameday.change import (
    RUN_TAG,
    Call,
    CreatedResource,
    Json,
    JsonLike,
    NormalForm,
    PlannedFault,
    Read,
    Setting,
    SettingChange,
    Shape,
)
from gameday.faults.autoscaling import SUBNETS, SUSPENDED
from gameday.faults.fault import (
    Fault,
    FaultContext,
    call,
    counted,
    effect,
    not_opted_in,
    shares,
    staged,
    unhealthy_targets,
    unknown_places,
)

ACL = Setting(
    name="subnet.acl",
    about="the network ACL of a subnet",
    shape=Shape.SCALAR,
    read=Read(
        call=Call(
            service="ec2",
            operation="describe_network_acls",
            params={"Filters": [{"Name": "association.subnet-id", "Values": {"$": "ids"}}]},
        ),
        rows="NetworkAcls[].Associations[].{id: SubnetId, value: NetworkAclId, association: NetworkAclAssociationId}",
    ),
    write=Call(
        service="ec2",
        operation="replace_network_acl_association",
        params={"AssociationId": {"$": "row.association"}, "NetworkAclId": {"$": "value"}},
    ),
    settle=5.0,
    retry=("InvalidAssociationID.NotFound", "InvalidNetworkAclID.NotFound"),
)

GROUPS = Setting(
    name="interface.groups",
    about="the security groups of a network interface",
    shape=Shape.SCALAR,
    read=Read(
        call=Call(service="ec2", operation="describe_network_interfaces", params={"NetworkInterfaceIds": {"$": "ids"}}),
        rows="NetworkInterfaces[].{id: NetworkInterfaceId, value: Groups[].GroupId}",
    ),
    write=Call(
        service="ec2",
        operation="modify_network_interface_attribute",
        params={"NetworkInterfaceId": {"$": "id"}, "Groups": {"$": "value"}},
    ),
    canonical=NormalForm.SORTED,
    settle=5.0,
    retry=("InvalidGroup.NotFound",),
    gone=("InvalidNetworkInterfaceID.NotFound",),
)


def _tagged(resource: str, name: str) -> list[JsonLike]:
    tags: list[JsonLike] = [{"Key": RUN_TAG, "Value": {"$": "run"}}, {"Key": "Name", "Value": name}]
    return [{"ResourceType": resource, "Tags": tags}]


BY_RUN: list[JsonLike] = [{"Name": f"tag:{RUN_TAG}", "Values": [{"$": "run"}]}]


def deny_all_acl(region: str, vpc: str, name: str) -> CreatedResource:
    """Return a network ACL without rules: such an ACL denies IPv4 and IPv6 in both directions.

    Source: Amazon VPC User Guide, "Custom network ACLs": a new one denies all traffic until rules are added.
    """
    filters: list[JsonLike] = [*BY_RUN, {"Name": "vpc-id", "Values": [{"$": "args.vpc"}]}]
    return CreatedResource(
        region=region,
        about=f"a network ACL in {vpc} that denies everything, IPv4 and IPv6, in and out",
        name=name,
        args={"vpc": vpc},
        create=call(
            "ec2",
            "create_network_acl",
            VpcId={"$": "args.vpc"},
            TagSpecifications=_tagged("network-acl", "gameday-blackhole"),
        ),
        made="NetworkAcl.NetworkAclId",
        find=call("ec2", "describe_network_acls", Filters=filters),
        found="NetworkAcls[].NetworkAclId",
        delete=call("ec2", "delete_network_acl", NetworkAclId={"$": "id"}),
        busy=("DependencyViolation",),
        gone=("InvalidNetworkAclID.NotFound",),
    )


class AzBlackhole(Fault):
    """Cut off the workload's subnets in a zone: a network ACL of the run denies all their traffic.

    Traffic inside one subnet goes on, since ACLs act at a subnet's edge. So do the VPC's own DNS and metadata services.
    """

    name: ClassVar[str] = "az-blackhole"
    settings: ClassVar[tuple[Setting, ...]] = (ACL, SUBNETS, SUSPENDED)
    calls: ClassVar[tuple[str, ...]] = ("ec2.create_network_acl", "ec2.delete_network_acl")
    undo: ClassVar[str] = "each subnet gets its ACL back, the run's ACL is deleted, scaling groups get their zone back"
    effect: ClassVar[str] = "a load balancer finds targets of the zone unfit"
    needs: ClassVar[str] = "a target group that some of the instances are in: its health checks are the proof"
    example: ClassVar[str] = "az-blackhole: {zone: us-east-1a, launches: blocked}"

    zone: str = Field(description="the availability zone")
    launches: Literal["allowed", "blocked"] = Field(
        "allowed", description="whether scaling groups may launch into the zone"
    )
    foreign_interfaces: Literal["refuse", "allow"] = Field(
        "refuse", description="when those subnets hold interfaces that the workload does not own"
    )

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        subnets = [subnet for subnet in context.inventory.subnets if subnet.zone == self.zone]
        instances = context.inventory.instances
        hit = [instance for instance in instances if instance.zone == self.zone and instance.state == "running"]
        refusals = unknown_places(context, None, self.zone)
        if not subnets and not refusals:
            refusals.append(f"the workload has no subnet in {self.zone}")
        probes = unhealthy_targets(context, hit)
        if subnets and not probes:
            refusals.append(f"nothing would show that it takes effect: no target group has targets in {self.zone}")
        foreign = foreign_interfaces(context, subnets)
        if foreign and self.foreign_interfaces == "refuse":
            named = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
            refusals.append(f"interfaces that the workload does not own would be cut off too: {named}")
        vpcs = sorted({subnet.vpc for subnet in subnets})
        names = {vpc: f"acl{number}" if number else "acl" for number, vpc in enumerate(vpcs)}
        makes = [deny_all_acl(context.region, vpc, name) for vpc, name in names.items()]
        denied: dict[str, Json] = {subnet.id: {"$": f"made.{names[subnet.vpc]}"} for subnet in subnets}
        return PlannedFault(
            fault=self.name,
            label=f"black-hole {self.zone}: {counted(len(subnets), 'subnet')}, {counted(len(hit), 'instance')}",
            stages=staged(
                [*makes, *self._rebalancing(context)], [*self._launches(context)], [*context.changes(ACL, denied)]
            ),
            effect=effect(self.effect, probes),
            hits=shares(context, hit),
            without_opt_in=not_opted_in(context, {instance.id: instance.tags for instance in hit}),
            refusals=tuple(refusals),
        )

    def _groups(self, context: FaultContext) -> dict[str, list[str]]:
        """Scaling groups that launch into the zone and elsewhere → their subnets in other zones."""
        if self.launches == "allowed":
            return {}
        cut_off = {subnet.id for subnet in context.inventory.subnets if subnet.zone == self.zone}
        left = {
            group.name: [subnet for subnet in group.subnets if subnet not in cut_off]
            for group in context.inventory.scaling_groups
            if cut_off & set(group.subnets)
        }
        return {name: subnets for name, subnets in left.items() if subnets}

    def _rebalancing(self, context: FaultContext) -> list[SettingChange]:
        # A group that loses a zone's subnets would move the zone's instances elsewhere at once: that is not this fault.
        suspended: dict[str, Json] = {name: {"adds": ["AZRebalance"], "removes": []} for name in self._groups(context)}
        return context.changes(SUSPENDED, suspended)

    def _launches(self, context: FaultContext) -> list[SettingChange]:
        return [*context.changes(SUBNETS, {name: ",".join(left) for name, left in self._groups(context).items()})]


def foreign_interfaces(context: FaultContext, subnets: list[Subnet]) -> list[str]:
    """Return the interfaces in the subnets that belong neither to the workload nor to a resource that AWS made for it.

    An interface of a load balancer, NAT gateway or function belongs to its parent, which its description names:
    `ELB app/NAME/ID`, `Interface for NAT Gateway ID`, `AWS Lambda VPC ENI-NAME-ID`.
    """
    if not subnets:
        return []
    ids = [subnet.id for subnet in subnets]
    answer = context.inventory.read(DESCRIBE_NETWORK_INTERFACES, Filters=[{"Name": "subnet-id", "Values": ids}])
    ours = {interface for instance in context.inventory.instances for interface in instance.interfaces}
    others = [
        raw
        for raw in answer["NetworkInterfaces"]
        if raw["NetworkInterfaceId"] not in ours and not context.inventory.owned(tags_of(raw.get("TagSet", [])))
    ]
    parents = _parents(context) if others else ()
    return sorted(
        raw["NetworkInterfaceId"]
        for raw in others
        if not any(raw.get("Description", "").startswith(parent) for parent in parents)
    )


def _parents(context: FaultContext) -> tuple[str, ...]:
    """How the descriptions of the interfaces of the workload's load balancers, NAT gateways and functions begin."""
    arns = [raw["LoadBalancerArn"] for raw in context.inventory.read(DESCRIBE_LOAD_BALANCERS)["LoadBalancers"]]
    owned = []
    for start in range(0, len(arns), 20):  # DescribeTags takes 20 at once
        answer = context.inventory.read(DESCRIBE_TAGS, ResourceArns=arns[start : start + 20])
        tagged = answer["TagDescriptions"]
        owned += [raw["ResourceArn"] for raw in tagged if context.inventory.owned(tags_of(raw["Tags"]))]
    gateways = context.inventory.read(DESCRIBE_NAT_GATEWAYS)["NatGateways"]
    return (
        *(f"ELB {arn.rpartition('loadbalancer/')[2]}" for arn in owned),
        *(
            f"Interface for NAT Gateway {raw['NatGatewayId']}"
            for raw in gateways
            if context.inventory.owned(tags_of(raw.get("Tags", [])))
        ),
        *(f"AWS Lambda VPC ENI-{function.name}-" for function in context.inventory.functions),
    )


def empty_group(region: str, vpc: str, name: str, ipv6: bool) -> CreatedResource:
    """Return a security group without rules: it lets nothing in and nothing out.

    AWS gives a new group a rule that lets everything out; `then` revokes it (Amazon VPC User Guide, "Default rules").
    """
    everything: list[JsonLike] = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    if ipv6:
        everything.append({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]})
    filters: list[JsonLike] = [*BY_RUN, {"Name": "vpc-id", "Values": [{"$": "args.vpc"}]}]
    return CreatedResource(
        region=region,
        about=f"a security group in {vpc} without any rule",
        name=name,
        args={"vpc": vpc, "name": f"gameday-{name}"},
        create=call(
            "ec2",
            "create_security_group",
            VpcId={"$": "args.vpc"},
            GroupName={"$": "join('-', [args.name, run])"},
            Description="made by gameday; lets nothing in or out",
            TagSpecifications=_tagged("security-group", "gameday-isolation"),
        ),
        made="GroupId",
        then=(call("ec2", "revoke_security_group_egress", GroupId={"$": "id"}, IpPermissions=everything),),
        find=call("ec2", "describe_security_groups", Filters=filters),
        found="SecurityGroups[].GroupId",
        delete=call("ec2", "delete_security_group", GroupId={"$": "id"}),
        busy=("DependencyViolation",),
        gone=("InvalidGroup.NotFound",),
    )


class IsolateModule(Fault):
    """Cut off a module's instances: their interfaces get a security group without rules.

    Tracked connections may live until they idle out (EC2 User Guide, "Security group connection tracking").
    """

    name: ClassVar[str] = "isolate-module"
    settings: ClassVar[tuple[Setting, ...]] = (GROUPS,)
    calls: ClassVar[tuple[str, ...]] = (
        "ec2.create_security_group",
        "ec2.revoke_security_group_egress",
        "ec2.delete_security_group",
    )
    undo: ClassVar[str] = "each interface gets its security groups back, the run's group is deleted"
    effect: ClassVar[str] = "a load balancer finds the module's targets unfit"
    needs: ClassVar[str] = "a target group that some of the instances are in: its health checks are the proof"
    example: ClassVar[str] = "isolate-module: {module: recommendations}"

    module: str = Field(description="the module")
    zone: str | None = Field(None, description="only its instances in this availability zone")

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        refusals = unknown_places(context, self.module, self.zone)
        hit = [instance for instance in context.inventory.instances if self._hits(instance)]
        probes = unhealthy_targets(context, hit)
        if not refusals and not hit:
            refusals.append(f"module {self.module} has no running instance to isolate")
        elif hit and not probes:
            refusals.append(f"nothing would show that it takes effect: no target group has instances of {self.module}")
        vpcs = sorted({instance.vpc for instance in hit})
        names = {vpc: f"group{number}" if number else "group" for number, vpc in enumerate(vpcs)}
        makes = [empty_group(context.region, vpc, names[vpc], ipv6) for vpc, ipv6 in _ipv6(context, vpcs).items()]
        isolated: dict[str, Json] = {
            interface: [{"$": f"made.{names[instance.vpc]}"}] for instance in hit for interface in instance.interfaces
        }
        return PlannedFault(
            fault=self.name,
            label=f"isolate module {self.module}: {counted(len(hit), 'instance')}",
            stages=staged([*makes], [*context.changes(GROUPS, isolated)]),
            effect=effect(self.effect, probes),
            hits=shares(context, hit),
            without_opt_in=not_opted_in(context, {instance.id: instance.tags for instance in hit}),
            refusals=tuple(refusals),
        )

    def _hits(self, instance: Instance) -> bool:
        return instance.module == self.module and instance.state == "running" and self.zone in (None, instance.zone)


def _ipv6(context: FaultContext, vpcs: list[str]) -> dict[str, bool]:
    """Each VPC, and whether it has IPv6 blocks."""
    if not vpcs:
        return {}
    answer = context.inventory.read(DESCRIBE_VPCS, VpcIds=vpcs)
    return {raw["VpcId"]: bool(raw.get("Ipv6CidrBlockAssociationSet")) for raw in answer["Vpcs"]}
