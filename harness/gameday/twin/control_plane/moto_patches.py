"""Corrections of moto's behaviour where the twin needs AWS's, on the twin's own objects.

The patches change the backend objects of the twin's account, and no class of moto. So a user's `mock_aws` works as
before. tests/twin/test_moto_deviations.py tests each patch, and fails when moto's behaviour changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gameday.twin.control_plane.instances import Machines
from gameday.twin.control_plane.scaling import Groups
from gameday.twin.control_plane.survey import Backends
from gameday.twin.control_plane.target_health import Targets
from gameday.twin.moto.objects import Moto
from gameday.twin.timetable import Timetable

UPDATING = 10.0
"""Seconds that a table takes to change its capacity (AWS: seconds to minutes)."""

_LAST_RULE = 32767


def patch(
    backends: Backends, machines: Machines, targets: Targets, groups: Groups, time: Timetable, moved: Callable[[], None]
) -> None:
    """Correct the backends of a new account."""
    _network(backends.ec2)
    _instances(backends.ec2, machines)
    _scaling(backends.autoscaling, groups)
    _balancing(backends.elbv2, targets)
    _tables(backends.dynamodb, time, moved)


class _Ordered(set[str]):
    """A set that pops its least element, so that every process pops the same."""

    def pop(self) -> str:
        if not self:
            raise KeyError
        least = min(self)
        self.remove(least)
        return least


def _network(ec2: Moto) -> None:
    create_subnet, create_acl = ec2.create_subnet, ec2.create_network_acl
    modify_interface, modify_instance = ec2.modify_network_interface_attribute, ec2.modify_instance_security_groups

    def create_in_order(*wanted: object, **named: object) -> Moto:
        """Moto assigns freed addresses in the order of a set, which differs from process to process."""
        subnet = create_subnet(*wanted, **named)
        subnet._unused_ips = _Ordered()  # noqa: SLF001
        return subnet

    def create_network_acl(vpc_id: str, tags: Sequence[Mapping[str, str]] = (), default: bool = False) -> Moto:
        """Moto's new ACL has no rule; AWS's has a last rule that denies, in both directions."""
        acl = create_acl(vpc_id, tags, default)
        for egress in () if default else (True, False):
            ec2.create_network_acl_entry(
                acl.id, _LAST_RULE, "-1", "deny", egress, "0.0.0.0/0", None, None, None, None, None
            )
        return acl

    def modify_network_interface_attribute(eni_id: str, group_ids: Sequence[str], *others: object) -> None:
        """Moto adds an instance's groups to its interface's; in AWS an instance has those of its first interface."""
        modify_interface(eni_id, group_ids, *others)
        interface = ec2.get_network_interface(eni_id)
        if interface.instance and interface.device_index == 0:
            interface.instance.security_groups = list(interface._group_set)  # noqa: SLF001

    def modify_instance_security_groups(instance_id: str, groups: Sequence[str]) -> Moto:
        """Keep the first interface's groups equal to the instance's, as in AWS."""
        instance = modify_instance(instance_id, groups)
        instance.nics[0]._group_set = list(instance.security_groups)  # noqa: SLF001
        return instance

    ec2.create_subnet = create_in_order
    ec2.create_network_acl = create_network_acl
    ec2.modify_network_interface_attribute = modify_network_interface_attribute
    ec2.modify_instance_security_groups = modify_instance_security_groups


def _instances(ec2: Moto, machines: Machines) -> None:
    describe = ec2.describe_instance_status

    def describe_instance_status(*args: object) -> list[dict[str, Any]]:
        """Moto's checks always pass; AWS's are initializing until the instance has booted."""
        return [_status(instance, machines) for instance in describe(*args)]

    ec2.describe_instance_status = describe_instance_status


def _status(instance: Moto, machines: Machines) -> dict[str, Any]:
    status = "not-applicable"
    if instance.state == "running":
        status = "ok" if machines.serving(instance.id) else "initializing"
    passed = {"ok": "passed", "initializing": "initializing"}.get(status)
    details = {"Details": [{"Name": "reachability", "Status": passed}]} if passed else {}
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.availability_zone,
        "InstanceState": {"Code": instance.state_code, "Name": instance.state},
        "InstanceStatus": {"Status": status, **details},
        "SystemStatus": {"Status": status, **details},
    }


def _scaling(autoscaling: Moto, groups: Groups) -> None:
    create, delete = autoscaling.create_auto_scaling_group, autoscaling.delete_auto_scaling_group

    def create_auto_scaling_group(**wanted: Any) -> Moto:
        """Leave launches to `Groups`: moto puts all members at once into the first subnet."""
        desired, least = wanted.get("desired_capacity"), wanted.get("min_size")
        group = create(**{**wanted, "desired_capacity": 0})
        group.set_desired_capacity = lambda count: setattr(
            group, "desired_capacity", group.min_size if count is None else int(count)
        )
        group.set_desired_capacity(least if desired is None else desired)
        return group

    def delete_auto_scaling_group(group_name: str) -> None:
        """Moto deletes the members by setting the capacity, but `Groups` acts on the capacity here."""
        group = autoscaling.autoscaling_groups.get(group_name)
        delete(group_name)
        groups.forget(group)

    def in_order(change: Callable[[str, Sequence[str]], None]) -> Callable[[str, Sequence[str]], None]:
        """Moto lists suspended processes in the order of a set, which differs from process to process."""

        def change_in_order(group_name: str, scaling_processes: Sequence[str]) -> None:
            change(group_name, scaling_processes)
            group = autoscaling.autoscaling_groups[group_name]
            group.suspended_processes = sorted(process["ProcessName"] for process in group.suspended_processes)

        return change_in_order

    autoscaling.create_auto_scaling_group = create_auto_scaling_group
    autoscaling.delete_auto_scaling_group = delete_auto_scaling_group
    autoscaling.suspend_processes = in_order(autoscaling.suspend_processes)
    autoscaling.resume_processes = in_order(autoscaling.resume_processes)
    autoscaling.notify_terminate_instances = lambda instance_ids: None  # noqa: ARG005 - Groups finds them missing


def _balancing(elb: Moto, targets: Targets) -> None:
    """Moto reports every running target as healthy."""
    elb.describe_target_health = targets.describe
    elb.notify_terminate_instances = lambda instance_ids: None  # noqa: ARG005 - Targets finds them gone


def _tables(dynamodb: Moto, time: Timetable, moved: Callable[[], None]) -> None:
    update = dynamodb.update_table

    def update_table(name: str, **wanted: Any) -> Moto:
        """Moto's tables have their new capacity at once; AWS's are UPDATING first."""
        table = dynamodb.get_table(name)
        before = table.throughput
        update(name, **wanted)
        after, table.throughput, describe = table.throughput, before, table.describe

        def updating(base_key: str = "TableDescription") -> dict[str, Any]:
            answer: dict[str, Any] = describe(base_key)
            answer[base_key]["TableStatus"] = "UPDATING"
            return answer

        def active() -> None:
            table.throughput = after
            del table.describe
            moved()

        table.describe = updating
        time.after(UPDATING, active)
        return table

    dynamodb.update_table = update_table
