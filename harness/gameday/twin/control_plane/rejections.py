"""Calls that AWS rejects, but that moto carries out or answers with a bare Python exception."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gameday.twin.control_plane.instances import Machines
from gameday.twin.control_plane.survey import Backends
from gameday.twin.moto.seal import ReceivedCall, Rejected

_PROCESSES = (
    *("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck"),
    *("InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"),
)


def check(call: ReceivedCall, backends: Backends, machines: Machines) -> None:
    """Raise Rejected for a call that AWS would reject."""
    if call.service == "ec2" and call.params.get("DryRun"):
        raise Rejected("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    by_name = _CHECKS.get((call.service, call.operation))
    if by_name:
        by_name(call.params, backends, machines)
    elif call.service == "autoscaling" and call.mutates and not call.operation.startswith("Create"):
        _group_exists(call.params, backends)


def _acl_association(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto destroys the association where the ACL is unknown, and raises StopIteration for an unknown association."""
    acls = backends.ec2.network_acls
    name = params["AssociationId"]
    owners = [acl for acl in acls.values() if name in {association.id for association in acl.associations}]
    if not owners:
        raise Rejected("InvalidAssociationID.NotFound", f"The association ID '{name}' does not exist")
    wanted = acls.get(params["NetworkAclId"])
    if wanted is None:
        raise Rejected("InvalidNetworkAclID.NotFound", f"The networkAcl ID '{params['NetworkAclId']}' does not exist")
    if wanted.vpc_id != owners[0].vpc_id:
        raise Rejected("InvalidParameterValue", f"{wanted.id} and the subnet belong to different networks")


def _acls_exist(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto's error names a route table."""
    for acl in params.get("NetworkAclIds", ()):
        if acl not in backends.ec2.network_acls:
            raise Rejected("InvalidNetworkAclID.NotFound", f"The networkAcl ID '{acl}' does not exist")


def _acl_entry(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto raises StopIteration."""
    _acls_exist({"NetworkAclIds": [params["NetworkAclId"]]}, backends, _)
    rule = params["RuleNumber"], params["Egress"]
    entries = backends.ec2.network_acls[params["NetworkAclId"]].network_acl_entries
    if rule not in {(int(entry.rule_number), str(entry.egress).lower() == "true") for entry in entries}:
        raise Rejected("InvalidNetworkAclEntry.NotFound", f"There is no rule {rule[0]} in '{params['NetworkAclId']}'")


def _group_unused(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto deletes a security group that interfaces still carry."""
    name = params.get("GroupId")
    if any(name == group.id for interface in backends.ec2.enis.values() for group in interface.group_set):
        raise Rejected("DependencyViolation", f"resource {name} has a dependent object")


def _startable(params: Mapping[str, Any], _: Backends, machines: Machines) -> None:
    """Moto starts terminated instances again."""
    _in_state(params, machines, ("pending", "running", "stopped"), "started")


def _stoppable(params: Mapping[str, Any], _: Backends, machines: Machines) -> None:
    """Moto stops terminated instances."""
    _in_state(params, machines, ("pending", "running", "stopping", "stopped"), "stopped")


def _rebootable(params: Mapping[str, Any], _: Backends, machines: Machines) -> None:
    """Moto's reboot also starts terminated and stopped instances."""
    _in_state(params, machines, ("pending", "running"), "rebooted")


def _in_state(params: Mapping[str, Any], machines: Machines, states: Sequence[str], verb: str) -> None:
    for instance in params["InstanceIds"]:
        if instance in machines and machines.state(instance) not in states:
            raise Rejected(
                "IncorrectInstanceState",
                f"The instance '{instance}' is not in a state from which it can be {verb}: {machines.state(instance)}",
            )


def _table_active(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto's tables are never UPDATING."""
    table = backends.dynamodb.tables.get(params["TableName"])
    if table is not None and "describe" in vars(table):
        message = f"Attempt to change a resource which is still in use: Table is being updated: {table.name}"
        raise Rejected("ResourceInUseException", message)


def _invoked(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto invokes a function that has no concurrency left."""
    function = str(params["FunctionName"]).rpartition(":")[2]
    known = {raw.function_name: raw for raw in backends.lambda_.list_functions()}
    reserved = known[function].reserved_concurrency if function in known else None
    if reserved is not None and int(reserved) == 0:
        raise Rejected("TooManyRequestsException", "Rate Exceeded.", 429)


def _processes(params: Mapping[str, Any], backends: Backends, _: Machines) -> None:
    """Moto suspends processes that do not exist."""
    _group_exists(params, backends)
    unknown = sorted(set(params.get("ScalingProcesses", ())) - set(_PROCESSES))
    if unknown:
        message = f"{', '.join(unknown)} is not a scaling process; use one of {', '.join(_PROCESSES)}"
        raise Rejected("ValidationError", message)


def _group_exists(params: Mapping[str, Any], backends: Backends) -> None:
    """Moto raises KeyError."""
    name = params.get("AutoScalingGroupName")
    if name is not None and name not in backends.autoscaling.autoscaling_groups:
        raise Rejected("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


_CHECKS: dict[tuple[str, str], Callable[[Mapping[str, Any], Backends, Machines], None]] = {
    ("ec2", "ReplaceNetworkAclAssociation"): _acl_association,
    ("ec2", "DescribeNetworkAcls"): _acls_exist,
    ("ec2", "DeleteNetworkAclEntry"): _acl_entry,
    ("ec2", "ReplaceNetworkAclEntry"): _acl_entry,
    ("ec2", "DeleteSecurityGroup"): _group_unused,
    ("ec2", "StartInstances"): _startable,
    ("ec2", "StopInstances"): _stoppable,
    ("ec2", "RebootInstances"): _rebootable,
    ("dynamodb", "UpdateTable"): _table_active,
    ("lambda", "Invoke"): _invoked,
    ("autoscaling", "SuspendProcesses"): _processes,
    ("autoscaling", "ResumeProcesses"): _processes,
}
