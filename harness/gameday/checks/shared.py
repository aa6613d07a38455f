"""GD2xx: resources that modules share without declaring each other; when such a resource fails, all of them fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations

from gameday.aws.answers.ec2 import DESCRIBE_INSTANCES, InstanceDescription, instances_of
from gameday.aws.answers.iam import GET_INSTANCE_PROFILE
from gameday.aws.answers.lambda_ import LIST_EVENT_SOURCE_MAPPINGS, LIST_FUNCTIONS, FunctionConfiguration
from gameday.aws.kinds import FUNCTION, TABLE
from gameday.aws.resources import OwnedResource
from gameday.change import Json
from gameday.checks.finding import BULKHEADS, Check, CheckContext, Finding
from gameday.faults.fault import Fault
from gameday.faults.throttle import Throttle
from gameday.iam.principal import held_by

Users = dict[str, set[str]]
"""The name of a resource → the modules that use it."""


def _undeclared_pairs(context: CheckContext, modules: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of modules that do not declare each other."""
    pairs = combinations(sorted(modules), 2)
    return [(a, b) for a, b in pairs if not context.knows(a, b) and not context.knows(b, a)]


def _findings(context: CheckContext, kind: str, users: Users, faults: dict[str, Fault]) -> Iterator[Finding]:
    """One finding for each shared resource; `faults` holds the fault on the resource itself, where one exists."""
    for name, modules in sorted(users.items()):
        pairs = _undeclared_pairs(context, modules)
        if not pairs:
            continue
        first, second = pairs[0]
        undeclared = "; ".join(f"{a} and {b}" for a, b in pairs)
        yield Finding(
            resource=f"{kind} {name}",
            modules=tuple(sorted(modules)) if name in faults else (second,),
            what=f"{', '.join(sorted(modules))} share it, and neither declares the other: {undeclared}",
            fault=faults.get(name) or context.fault_on(first),
            hypothesis=(
                f"Without {kind} {name}, {' and '.join(sorted(modules))} go on."
                if name in faults
                else f"With {first} gone, {second} goes on, though both use {kind} {name}."
            ),
        )


def _functions(context: CheckContext) -> list[tuple[str, FunctionConfiguration]]:
    """The modules' functions: module and configuration."""
    module = {function.name: function.module for function in context.inventory.resources(FUNCTION)}
    configured = context.inventory.read(LIST_FUNCTIONS)["Functions"]
    return [(module[raw["FunctionName"]], raw) for raw in configured if raw["FunctionName"] in module]


def _instances(context: CheckContext) -> list[tuple[str, InstanceDescription]]:
    """The modules' instances: module and description."""
    module = {instance.id: instance.module for instance in context.inventory.instances if instance.module}
    if not module:
        return []
    answer = context.inventory.read(DESCRIBE_INSTANCES, InstanceIds=sorted(module))
    return [(module[raw["InstanceId"]], raw) for raw in instances_of(answer)]


def _roles(context: CheckContext) -> Users:
    """Role ARN → modules whose functions or instances run as it."""
    users: Users = {}
    for module, function in _functions(context):
        users.setdefault(function["Role"], set()).add(module)
    profiles: Users = {}
    for module, instance in _instances(context):
        if profile := instance.get("IamInstanceProfile"):
            profiles.setdefault(profile["Arn"].rpartition("/")[2], set()).add(module)
    for name, modules in profiles.items():
        answer = context.inventory.read(GET_INSTANCE_PROFILE, InstanceProfileName=name)
        for role in answer["InstanceProfile"]["Roles"]:
            users.setdefault(role["Arn"], set()).update(modules)
    return users


def _granted(context: CheckContext, service: str, prefix: str) -> Users:
    """Resources that the modules' roles name in their policies, by name; names with a wildcard do not count."""
    users: Users = {}
    for role, modules in _roles(context).items():
        for policy in held_by(role, context.account, context.region).identity:
            for arn in _allowed_resources(policy):
                part = arn.split(":", 5)
                if len(part) == 6 and part[2] == service and part[5].startswith(prefix):
                    name = part[5].removeprefix(prefix).partition("/")[0].partition(":")[0]
                    if not set("*?") & set(name):
                        users.setdefault(name, set()).update(modules)
    return users


def _allowed_resources(policy: Mapping[str, Json]) -> Iterator[str]:
    """The resources of a policy's Allow statements; a single statement or resource needs no list."""
    for statement in _listed(policy.get("Statement")):
        if isinstance(statement, dict) and statement.get("Effect") == "Allow":
            yield from map(str, _listed(statement.get("Resource")))


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def shared_tables(context: CheckContext) -> Iterator[Finding]:
    """Tables that several modules own by name, or that the roles of their functions and instances name."""
    owned = {name: module.owns.names.get("tables", ()) for name, module in context.workload.modules.items()}
    yield from _owned(
        context, "table", _granted(context, "dynamodb", "table/"), context.inventory.resources(TABLE), owned
    )


def shared_functions(context: CheckContext) -> Iterator[Finding]:
    """Functions that several modules own by name, or that roles of other modules may invoke by name."""
    owned = {name: module.owns.names.get("functions", ()) for name, module in context.workload.modules.items()}
    yield from _owned(
        context, "function", _granted(context, "lambda", "function:"), context.inventory.resources(FUNCTION), owned
    )


def _owned(
    context: CheckContext, kind: str, users: Users, known: Iterable[OwnedResource], owned: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Findings for resources that modules own by name, with their other users; `kind` is the field of a throttle."""
    throttles: dict[str, Fault] = {}
    for resource in known:
        users.setdefault(resource.name, set()).add(resource.module)
        throttles[resource.name] = Throttle.model_validate({kind: resource.name, "to": 0})
    for module, names in owned.items():
        for name in names:
            users.setdefault(name, set()).add(module)
    yield from _findings(context, kind, users, throttles)


def shared_queues(context: CheckContext) -> Iterator[Finding]:
    """Queues that functions of several modules read from, or that their roles name."""
    users = _granted(context, "sqs", "")
    module = {function.name: function.module for function in context.inventory.resources(FUNCTION)}
    for raw in context.inventory.read(LIST_EVENT_SOURCE_MAPPINGS)["EventSourceMappings"]:
        source, name = raw.get("EventSourceArn", "").split(":"), raw["FunctionArn"].split(":")[6]
        if len(source) == 6 and source[2] == "sqs" and name in module:
            users.setdefault(source[5], set()).add(module[name])
    yield from _findings(context, "queue", users, {})


def shared_roles(context: CheckContext) -> Iterator[Finding]:
    """Roles that functions or instances of several modules run as."""
    users = {arn.rpartition("/")[2]: modules for arn, modules in _roles(context).items()}
    yield from _findings(context, "role", users, {})


def shared_security_groups(context: CheckContext) -> Iterator[Finding]:
    """Security groups of instances or functions of several modules; load balancers do not count."""
    users: Users = {}
    for module, instance in _instances(context):
        for interface in instance.get("NetworkInterfaces", []):
            for group in interface.get("Groups", []):
                users.setdefault(group["GroupId"], set()).add(module)
    for module, function in _functions(context):
        for group_id in function.get("VpcConfig", {}).get("SecurityGroupIds", []):
            users.setdefault(group_id, set()).add(module)
    yield from _findings(context, "security group", users, {})


_check = partial(Check, practice=BULKHEADS)

SHARED_TABLE = _check(
    "GD201",
    "shared-table",
    why="a module that uses up its capacity, or holds its lock, stops the others",
    look=shared_tables,
)
SHARED_QUEUE = _check(
    "GD202",
    "shared-queue",
    why="one module's backlog, or one poison message, delays the other's work",
    look=shared_queues,
)
SHARED_FUNCTION = _check(
    "GD203",
    "shared-function",
    why="its concurrency is one pool: a module that uses it up stops the others",
    look=shared_functions,
)
SHARED_ROLE = _check(
    "GD204",
    "shared-role",
    why="a change to its policies for one module hits the others",
    look=shared_roles,
)
SHARED_SECURITY_GROUP = _check(
    "GD205",
    "shared-security-group",
    why="a rule changed for one module opens or closes the others",
    look=shared_security_groups,
)
