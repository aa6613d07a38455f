"""Settings of subnets and interfaces, and the network ACLs and security groups that a run creates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gameday.change import RUN_TAG, Call, Condition, CreatedResource, JsonLike, NormalForm, Read, Setting, Shape
from gameday.faults.fault import call

ACL = Setting(
    name="subnet.acl",
    about="the network ACL of a subnet",
    shape=Shape.SCALAR,
    resource="subnet",
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
    resource="interface",
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


_RESTORE = "run `gameday restore` where its journal is, or with its store"


def not_held(subnets: Sequence[str]) -> Iterator[Condition]:
    """Yield that no subnet has an ACL that a run made: the undo would give back that ACL, and the zone stays cut."""
    for subnet in subnets:
        yield Condition(
            subject=subnet,
            about="its network ACL is not one that a run made",
            read=call("ec2", "describe_network_acls", Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]),
            holds=f"length(NetworkAcls[?Tags[?Key == '{RUN_TAG}']]) == `0`",
            refusal=f"{subnet} has an ACL that a run of Gameday made: that run was not undone",
            remedy=_RESTORE,
        )


def not_isolated(groups: Sequence[str]) -> Iterator[Condition]:
    """Yield that no security group of the interfaces is one that a run made, for the same reason."""
    for group in groups:
        yield Condition(
            subject=group,
            about="it is not a security group that a run made",
            read=call("ec2", "describe_security_groups", GroupIds=[group]),
            holds=f"length(SecurityGroups) == `1` && length(SecurityGroups[?Tags[?Key == '{RUN_TAG}']]) == `0`",
            refusal=f"{group} is a security group that a run of Gameday made: that run was not undone",
            remedy=_RESTORE,
        )


def run_tags(resource: str, name: str) -> list[JsonLike]:
    """Return the tag specifications of what a run creates: the run's id, and a name for people."""
    tags: list[JsonLike] = [{"Key": RUN_TAG, "Value": {"$": "run"}}, {"Key": "Name", "Value": name}]
    return [{"ResourceType": resource, "Tags": tags}]


def by_run(name: str) -> list[JsonLike]:
    """Return the filters that find what a run created in a VPC under this name."""
    return [
        {"Name": f"tag:{RUN_TAG}", "Values": [{"$": "run"}]},
        {"Name": "tag:Name", "Values": [name]},
        {"Name": "vpc-id", "Values": [{"$": "args.vpc"}]},
    ]


def deny_all_acl(region: str, vpc: str, name: str) -> CreatedResource:
    """Return a network ACL without rules: such an ACL denies IPv4 and IPv6 in both directions.

    Source: Amazon VPC User Guide, "Custom network ACLs": a new one denies all traffic until rules are added.
    """
    return CreatedResource(
        region=region,
        about=f"a network ACL in {vpc} that denies everything, IPv4 and IPv6, in and out",
        name=name,
        args={"vpc": vpc},
        create=call(
            "ec2",
            "create_network_acl",
            VpcId={"$": "args.vpc"},
            TagSpecifications=run_tags("network-acl", "gameday-blackhole"),
        ),
        made="NetworkAcl.NetworkAclId",
        find=call("ec2", "describe_network_acls", Filters=by_run("gameday-blackhole")),
        found="NetworkAcls[].NetworkAclId",
        find_by_id=call("ec2", "describe_network_acls", Filters=[{"Name": "vpc-id", "Values": [{"$": "args.vpc"}]}]),
        delete=call("ec2", "delete_network_acl", NetworkAclId={"$": "id"}),
        busy=("DependencyViolation",),
        gone=("InvalidNetworkAclID.NotFound",),
    )


def empty_group(region: str, vpc: str, name: str, ipv6: bool) -> CreatedResource:
    """Return a security group without rules: it lets nothing in and nothing out.

    AWS gives a new group a rule that lets everything out; `then` revokes it (Amazon VPC User Guide, "Default rules").
    """
    revoke = call("ec2", "revoke_security_group_egress", GroupId={"$": "id"}, IpPermissions=_everything(ipv6))
    return _group(region, vpc, name, "gameday-isolation", "without any rule", revoke)


def open_group(region: str, vpc: str, name: str, ipv6: bool) -> CreatedResource:
    """Return a security group that lets everything in and, as every new one, everything out.

    Connections of an interface with such a group are not tracked, so that the next group cuts them at once (Amazon EC2
    User Guide, "Security group connection tracking", "Untracked connections").
    """
    authorize = call("ec2", "authorize_security_group_ingress", GroupId={"$": "id"}, IpPermissions=_everything(ipv6))
    return _group(region, vpc, name, "gameday-untrack", "that lets everything in and out", authorize)


def _everything(ipv6: bool) -> list[JsonLike]:
    """Return the permission of all traffic, as AWS writes the rule of a new group."""
    everything: list[JsonLike] = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    if ipv6:
        everything.append({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]})
    return everything


def _group(region: str, vpc: str, name: str, tag: str, about: str, then: Call) -> CreatedResource:
    return CreatedResource(
        region=region,
        about=f"a security group in {vpc} {about}",
        name=name,
        args={"vpc": vpc, "name": f"gameday-{name}"},
        create=call(
            "ec2",
            "create_security_group",
            VpcId={"$": "args.vpc"},
            GroupName={"$": "join('-', [args.name, run])"},
            Description=f"made by gameday: a group {about}",
            TagSpecifications=run_tags("security-group", tag),
        ),
        made="GroupId",
        then=(then,),
        find=call("ec2", "describe_security_groups", Filters=by_run(tag)),
        found="SecurityGroups[].GroupId",
        find_by_id=call("ec2", "describe_security_groups", GroupIds=[{"$": "id"}]),
        delete=call("ec2", "delete_security_group", GroupId={"$": "id"}),
        busy=("DependencyViolation",),
        gone=("InvalidGroup.NotFound",),
    )
