"""What the account's state means for traffic: moto's objects → `WorldState`. It only reads, and knows no fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gameday.files.twin_file import TwinFile, TwinModule
from gameday.files.workload import Workload
from gameday.twin.control_plane.instances import Machines
from gameday.twin.control_plane.provision import World
from gameday.twin.control_plane.reachability import Host, Reachability
from gameday.twin.control_plane.target_health import Targets
from gameday.twin.moto.objects import Moto
from gameday.twin.state import ModuleStatus, NodeState, WorldState

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Backends:
    """moto's backends of the twin's account and region."""

    ec2: Moto
    autoscaling: Moto
    elbv2: Moto
    lambda_: Moto
    dynamodb: Moto
    apigateway: Moto
    cloudwatch: Moto


class Survey:
    """Translate the account's state."""

    def __init__(
        self, workload: Workload, twin: TwinFile, world: World, backends: Backends, machines: Machines, targets: Targets
    ) -> None:
        self._twin = twin
        self._tags = {
            name: workload.modules[name].owns.tags for name, module in twin.modules.items() if module.instances
        }
        self._world = world
        self._backends = backends
        self._machines = machines
        self._targets = targets
        calls = frozenset((name, call.to) for name, module in twin.modules.items() for call in module.calls)
        self._paths = Reachability(backends.ec2, backends.elbv2, calls)

    def state(self) -> WorldState:
        """Read what every module can do right now, and the paths on which packets are lost."""
        hosts = {name: self._hosts(name) for name in self._tags}
        modules = {
            name: ModuleStatus(nodes=tuple(_node(host, self._machines) for host in hosts[name]))
            if module.instances
            else self._managed(name, module)
            for name, module in self._twin.modules.items()
        }
        paths = self._paths.paths(hosts, self._machines.serving)
        return WorldState(modules, paths.lost, paths.closed)

    def note_connections(self) -> None:
        """Note the connections that may be open now: the next call may change a security group again."""
        self._paths.paths({name: self._hosts(name) for name in self._tags}, self._machines.serving)

    def module_of(self, tags: Mapping[str, str]) -> str | None:
        """Find the module on instances that owns a resource with these tags."""
        return next((name for name, owned in self._tags.items() if owned.items() <= tags.items()), None)

    def _hosts(self, module: str) -> list[Host]:
        """List the module's instances that are targets of a load balancer."""
        tags = self._backends.ec2.tags
        instances = (machine.instance for machine in self._machines)
        mine = (instance for instance in instances if self.module_of(tags[instance.id]) == module)
        return [Host(instance, targets) for instance in mine if (targets := self._targets.of(instance.id))]

    # --- functions, tables, stages ----------------------------------------------------------------------------------

    def _managed(self, name: str, module: TwinModule) -> ModuleStatus:
        if module.function:
            functions = self._world.functions[name]
            return ModuleStatus(concurrency=_least(self._concurrency(function) for function in functions))
        if module.table:
            key = f"{module.table.units.capitalize()}CapacityUnits"
            return ModuleStatus(capacity=_least(self._capacity(table, key) for table in self._world.tables[name]))
        throttles = [self._throttle(stage) for stage in self._world.stages[name]]
        return ModuleStatus(rate=_least(rate for rate, _ in throttles), burst=_least(burst for _, burst in throttles))

    def _concurrency(self, name: str) -> int | None:
        """Read a function's reserved concurrency; a deleted function serves nothing."""
        functions = [raw for raw in self._backends.lambda_.list_functions() if raw.function_name == name]
        if not functions:
            return 0
        reserved = functions[0].reserved_concurrency
        return None if reserved is None else int(reserved)

    def _capacity(self, name: str, key: str) -> float | None:
        """Read a table's units per second; None on demand. A deleted table serves nothing."""
        table = self._backends.dynamodb.tables.get(name)
        if table is None:
            return 0.0
        return None if table.billing_mode == "PAY_PER_REQUEST" else float(table.throughput[key])

    def _throttle(self, name: str) -> tuple[float | None, float | None]:
        """Read a stage's rate and burst; a deleted stage serves nothing."""
        api, _, stage = name.partition("/")
        apis = self._backends.apigateway.apis
        if api not in apis or stage not in apis[api].stages:
            return 0.0, 0.0
        settings = (apis[api].stages[stage].method_settings or {}).get("*/*", {})
        return _number(settings.get("throttlingRateLimit")), _number(settings.get("throttlingBurstLimit"))


def _node(host: Host, machines: Machines) -> NodeState:
    instance = host.instance
    return NodeState(
        id=instance.id,
        zone=instance.availability_zone,
        serving=machines.serving(instance.id),
        in_rotation=any(target.state == "healthy" for target in host.targets),
    )


def _least(amounts: Iterable[Number | None]) -> Number | None:
    """Return the tightest limit; None where there is none."""
    return min((amount for amount in amounts if amount is not None), default=None)


def _number(raw: float | str | None) -> float | None:
    return None if raw is None else float(raw)
