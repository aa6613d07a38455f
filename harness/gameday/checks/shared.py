"""GD2xx: what modules share though neither declares the other: its trouble is the trouble of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations

from gameday.aws.inventory import OwnedResource
from gameday.change import Json
from gameday.checks.finding import BULKHEADS, Check, CheckContext, Finding
from gameday.faults.fault import Fault
from gameday.faults.throttle import Throttle
from gameday.iam.principal import held_by

Users = dict[str, set[str]]
"""What is used → the modules that use it."""


def _strangers(context: CheckContext, modules: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of modules of which neither declares the other."""
    pairs = combinations(sorted(modules), 2)
    return [(a, b) for a, b in pairs if not context.knows(a, b) and not context.knows(b, a)]


def _findings(context: CheckContext, kind: str, users: Users, faults: dict[str, Fault]) -> Iterator[Finding]:
    """One for each shared resource; `faults`: what hits it itself, where a fault can."""
    for name, modules in sorted(users.items()):
        strangers = _strangers(context, modules)
        if not strangers:
            continue
        one, other = strangers[0]
        undeclared = "; ".join(f"{a} and {b}" for a, b in strangers)
        yield Finding(
            resource=f"{kind} {name}",
            modules=tuple(sorted(modules)) if name in faults else (other,),
            what=f"{', '.join(sorted(modules))} share it, and neither declares the other: {undeclared}",
            fault=faults.get(name) or context.fault_on(one),
            hypothesis=(
                f"Without {kind} {name}, {' and '.join(sorted(modules))} go on."
                if name in faults
                else f"With {one} gone, {other} goes on, though both use {kind} {name}."
            ),
        )


def _functions(context: CheckContext) -> list[tuple[str, Json]]:
    """The modules' functions: module and configuration."""
    module = {one.name: one.module for one in context.inventory.functions}
    configured = context.inventory.read("lambda", "list_functions")["Functions"]
    return [(module[raw["FunctionName"]], raw) for raw in configured if raw["FunctionName"] in module]


def _instances(context: CheckContext) -> list[tuple[str, Json]]:
    """The modules' instances: module and description."""
    module = {one.id: one.module for one in context.inventory.instances if one.module}
    if not module:
        return []
    answer = context.inventory.read("ec2", "describe_instances", InstanceIds=sorted(module))
    found = (raw for group in answer["Reservations"] for raw in group["Instances"])
    return [(module[raw["InstanceId"]], raw) for raw in found]


def _roles(context: CheckContext) -> Users:
    """Role ARN → modules whose functions or instances run as it."""
    users: Users = {}
    for module, raw in _functions(context):
        users.setdefault(raw["Role"], set()).add(module)
    profiles: Users = {}
    for module, raw in _instances(context):
        if profile := raw.get("IamInstanceProfile"):
            profiles.setdefault(profile["Arn"].rpartition("/")[2], set()).add(module)
    for profile, modules in profiles.items():
        answer = context.inventory.read("iam", "get_instance_profile", InstanceProfileName=profile)
        for role in answer["InstanceProfile"]["Roles"]:
            users.setdefault(role["Arn"], set()).update(modules)
    return users


def _granted(context: CheckContext, service: str, prefix: str) -> Users:
    """What the modules' roles name in their policies, by its name; a name with a wildcard names none."""
    users: Users = {}
    for role, modules in _roles(context).items():
        for policy in held_by(role, context.account, context.region).identity:
            for arn in _named_by(policy):
                part = arn.split(":", 5)
                if len(part) == 6 and part[2] == service and part[5].startswith(prefix):
                    name = part[5].removeprefix(prefix).partition("/")[0].partition(":")[0]
                    if not set("*?") & set(name):
                        users.setdefault(name, set()).update(modules)
    return users


def _named_by(policy: Json) -> Iterator[str]:
    statements = policy["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        if statement["Effect"] == "Allow":
            resources = statement.get("Resource", [])
            yield from [resources] if isinstance(resources, str) else resources


def shared_tables(context: CheckContext) -> Iterator[Finding]:
    """Tables that several modules own by name, or whose functions' and instances' roles name."""
    owned = {module: one.owns.tables for module, one in context.workload.modules.items()}
    yield from _owned(context, "table", _granted(context, "dynamodb", "table/"), context.inventory.tables, owned)


def shared_functions(context: CheckContext) -> Iterator[Finding]:
    """Functions that several modules own by name, or that roles of other modules may invoke by name."""
    owned = {module: one.owns.functions for module, one in context.workload.modules.items()}
    yield from _owned(context, "function", _granted(context, "lambda", "function:"), context.inventory.functions, owned)


def _owned(
    context: CheckContext, kind: str, users: Users, known: Iterable[OwnedResource], owned: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Findings of what modules own by name, beside its other users; `kind` is what a throttle calls it."""
    throttles: dict[str, Fault] = {}
    for one in known:
        users.setdefault(one.name, set()).add(one.module)
        throttles[one.name] = Throttle.model_validate({kind: one.name, "to": 0})
    for module, names in owned.items():
        for name in names:
            users.setdefault(name, set()).add(module)
    yield from _findings(context, kind, users, throttles)


def shared_queues(context: CheckContext) -> Iterator[Finding]:
    """Queues that functions of several modules take from, or whose roles name."""
    users = _granted(context, "sqs", "")
    module = {one.name: one.module for one in context.inventory.functions}
    for raw in context.inventory.read("lambda", "list_event_source_mappings")["EventSourceMappings"]:
        source, name = raw.get("EventSourceArn", "").split(":"), raw["FunctionArn"].split(":")[6]
        if len(source) == 6 and source[2] == "sqs" and name in module:
            users.setdefault(source[5], set()).add(module[name])
    yield from _findings(context, "queue", users, {})


def shared_roles(context: CheckContext) -> Iterator[Finding]:
    """Roles that functions or instances of several modules run as."""
    users = {arn.rpartition("/")[2]: modules for arn, modules in _roles(context).items()}
    yield from _findings(context, "role", users, {})


def shared_security_groups(context: CheckContext) -> Iterator[Finding]:
    """Security groups of instances or functions of several modules; those of load balancers are not looked at."""
    users: Users = {}
    for module, raw in _instances(context):
        for interface in raw.get("NetworkInterfaces", []):
            for group in interface.get("Groups", []):
                users.setdefault(group["GroupId"], set()).add(module)
    for module, raw in _functions(context):
        for group in (raw.get("VpcConfig") or {}).get("SecurityGroupIds", []):
            users.setdefault(group, set()).add(module)
    yield from _findings(context, "security group", users, {})


_check = partial(Check, practice=BULKHEADS)

SHARED_TABLE = _check(
    "GD201", "shared-table", why="who uses up its capacity, or its lock, stops the others", look=shared_tables
)
SHARED_QUEUE = _check(
    "GD202",
    "shared-queue",
    why="one module's backlog, or one poisonous message, holds up the other's work",
    look=shared_queues,
)
SHARED_FUNCTION = _check(
    "GD203",
    "shared-function",
    why="its concurrency is one pool: who uses it up stops the others",
    look=shared_functions,
)
SHARED_ROLE = _check(
    "GD204",
    "shared-role",
    why="a policy that is changed for one module, or a permission taken from it, hits the others",
    look=shared_roles,
)
SHARED_SECURITY_GROUP = _check(
    "GD205",
    "shared-security-group",
    why="a rule that is changed for one module opens or closes the others",
    look=shared_security_groups,
)
