"""How a world really stands, read out of moto's memory: no call, no setting, and nothing that can be stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gameday.change import RUN_TAG
from moto.backends import get_backend

from tests.doubles.shop import REGION

ACCOUNT = "123456789012"  # moto's own
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where journals are written that no power failure will test."""


def _of(service: str) -> Any:
    return get_backend(service)[ACCOUNT][REGION]  # type: ignore[index]


def stand() -> dict[str, Any]:
    """Every setting that a fault of the catalogue can change, of everything that there is."""
    found: dict[str, Any] = {}
    ec2 = _of("ec2")
    for acl in ec2.network_acls.values():
        found[f"acl {acl.id}"] = len(acl.network_acl_entries)
        for association in acl._associations.values():
            found[f"acl of {association.subnet_id}"] = acl.id
    for group in (one for groups in ec2.groups.values() for one in groups.values()):
        found[f"security group {group.id}"] = (len(group.ingress_rules), len(group.egress_rules))
    alive = {one.id: one for place in ec2.reservations.values() for one in place.instances}
    for one in alive.values():
        if one.state != "terminated":
            found[f"state of {one.id}"] = one.state
            for interface in one.nics.values():
                found[f"groups of {interface.id}"] = sorted(group.id for group in interface._group_set)
    for group in _of("autoscaling").autoscaling_groups.values():
        found[f"suspended of {group.name}"] = sorted(one["ProcessName"] for one in group.suspended_processes)
        found[f"subnets of {group.name}"] = sorted(group.vpc_zone_identifier.split(","))
        found[f"sizes of {group.name}"] = (group.min_size, group.max_size, group.desired_capacity)
    for function in _of("lambda").list_functions(None):
        found[f"concurrency of {function.function_name}"] = function.reserved_concurrency
    return found | _tables() | _stages()


def _tables() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for table in _of("dynamodb").tables.values():
        for part in (table, *table.global_indexes):
            name = table.name if part is table else f"{table.name}/{part.name}"
            units = ("ReadCapacityUnits", "WriteCapacityUnits")
            found[f"capacity of {name}"] = tuple(int(part.throughput[unit]) for unit in units)
            found[f"maximum of {name}"] = getattr(part, "OnDemandThroughput", None)
    for of_dimension in _of("application-autoscaling").targets.values():
        for target in of_dimension.values():
            suspended = sorted(key for key, value in (target.suspended_state or {}).items() if value)
            found[f"suspended of {target.resource_id} {target.scalable_dimension}"] = suspended
    return found


def _stages() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for api in _of("apigateway").apis.values():
        for stage in api.stages.values():
            for method, of in stage.method_settings.items():
                limits = (float(of["throttlingRateLimit"]), float(of["throttlingBurstLimit"]))
                found[f"throttling of {api.id}/{stage.name} {method}"] = limits
    for api in _of("apigatewayv2").apis.values():
        for stage in api.stages.values():
            for route, of in {"": stage.default_route_settings, **stage.route_settings}.items():
                limits = (float(of["throttlingRateLimit"]), float(of["throttlingBurstLimit"]))
                found[f"throttling of {api.api_id}/{stage.name} {route}"] = limits
    return found


def made() -> list[str]:
    """What carries the tag of a run, any run."""
    ec2 = _of("ec2")
    things = [*ec2.network_acls.values(), *(one for groups in ec2.groups.values() for one in groups.values())]
    return [one.id for one in things if any(tag["key"] == RUN_TAG for tag in one.get_tags())]


def differences(was: dict[str, Any], is_: dict[str, Any]) -> list[str]:
    """What is otherwise than it was, one line each."""
    keys = sorted(key for key in was.keys() | is_.keys() if was.get(key) != is_.get(key))
    return [f"{key} was {was.get(key)}, is {is_.get(key)}" for key in keys]
