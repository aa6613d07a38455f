"""The base of faults: fields that users write, and a method that returns changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from pydantic import Field, model_validator

from gameday.aws.account import Account
from gameday.aws.inventory import Inventory
from gameday.aws.resources import Instance
from gameday.aws.tags import TagKey, TagValue
from gameday.change import (
    AnyChange,
    Call,
    Effect,
    Frozen,
    Json,
    JsonLike,
    PlannedFault,
    Probe,
    Setting,
    SettingChange,
)
from gameday.steady_state.kpi.units import Count, Share


@dataclass(frozen=True)
class FaultContext:
    """A fault's read-only view of the account."""

    account: Account
    region: str
    inventory: Inventory
    modules: tuple[str, ...]
    allow: tuple[str, ...] = ()
    proof: str | None = None  # the KPI that the experiment names as the proof of the effect
    seed: int = 0
    now: float = 0.0  # in seconds since the epoch
    lasts: float = 0.0  # how long the faults stay, in seconds

    def changes(
        self, setting: Setting, wanted: dict[str, Json], args: dict[str, dict[str, Json]] | None = None
    ) -> list[SettingChange]:
        """Return changes of a setting; the undo writes back the values read now.

        `wanted` is id → the new value or, for a set, {"adds": [...], "removes": [...]}.
        """
        from gameday.engine.settings import capture

        return capture(setting, wanted, self.region, self.account, args or {})

    def zone_exists(self, zone: str) -> bool:
        """Return whether the region has the zone."""
        return zone in self.inventory.zones


class Fault(Frozen):
    """One fault as written in YAML: its fields, and what it would change."""

    name: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]] = ()  # the settings it may set
    calls: ClassVar[tuple[str, ...]] = ()  # the calls it may make besides, as service.operation
    is_irreversible: ClassVar[bool] = False  # true: nothing undoes it, on any target
    undo: ClassVar[str]  # how it is undone, in one sentence
    needs: ClassVar[str] = ""  # what must exist, or the plan refuses
    effect: ClassVar[str]  # the effect that proves it, in one sentence
    example: ClassVar[str]  # a line of YAML

    @property
    def target_module(self) -> str | None:
        """The module that the file names as its target; None where it names none."""
        module = getattr(self, "module", None)
        return module if isinstance(module, str) else None

    def inject(self, context: FaultContext) -> PlannedFault:
        """Resolve the fault's changes against the account; reads only. Raises AwsError."""
        raise NotImplementedError


class InstanceTargets(Fault):
    """Choose instances by module, tags, ids or zone, and how many of them."""

    module: str | None = Field(None, description="instances of this module")
    tags: dict[TagKey, TagValue] = Field({}, description="instances that carry all of these tags")
    ids: tuple[str, ...] = Field((), description="these instances")
    zone: str | None = Field(None, description="instances in this availability zone")
    count: Count | None = Field(None, ge=1, description="so many of them, chosen by the run's seed; default 1")
    share: Share | None = Field(None, gt=0, description="this share of them: rounded down, at least one")

    @model_validator(mode="after")
    def _names_something(self) -> InstanceTargets:
        if not (self.module or self.tags or self.ids or self.zone):
            msg = "the fault names no target: give module, tags, ids or zone (there is no default)"
            raise ValueError(msg)
        if self.count and self.share:
            msg = "count and share exclude each other: give only one of them"
            raise ValueError(msg)
        return self

    def choose(self, context: FaultContext) -> tuple[list[Instance], list[str]]:
        """Return the instances in service to hit, and the reasons to refuse."""
        reasons = unknown_places(context, self.module, self.zone)
        matching = [instance for instance in context.inventory.instances if self._matches(instance)]
        fit = [instance for instance in matching if instance.id in context.inventory.capacity]
        missing = sorted(set(self.ids) - {instance.id for instance in matching})
        if missing:
            reasons.append(f"the workload has no such instance in this selection: {', '.join(missing)}")
        idle = [instance for instance in matching if instance not in fit]
        reasons += [
            f"{instance.id} carries no load: {context.inventory.idle_reason(instance)}"
            for instance in idle
            if instance.id in self.ids
        ]
        if not fit and not reasons:
            reasons.append(f"no instance in service matches {self.described()}{_idle(context, idle)}")
        wanted = self.count or (max(1, int(len(fit) * self.share + 1e-9)) if self.share else self._default(fit))
        if fit and wanted > len(fit) and not reasons:
            there = f"{self.described()} has only {len(fit)} in service{_idle(context, idle)}"
            reasons.append(f"{counted(wanted, 'instance')} wanted, but {there}")
        chosen = Random(f"{context.seed}/{self.name}").sample(fit, min(wanted, len(fit)))  # noqa: S311 - no secret
        return sorted(chosen, key=lambda instance: instance.id), reasons

    def _default(self, fit: list[Instance]) -> int:
        return len(self.ids) or min(1, len(fit))

    def _matches(self, instance: Instance) -> bool:
        return (
            (not self.module or instance.module == self.module)
            and (not self.ids or instance.id in self.ids)
            and (not self.zone or instance.zone == self.zone)
            and self.tags.items() <= instance.tags.items()
        )

    def described(self) -> str:
        """Return the selection in words."""
        parts = [f"{key} {value}" for key, value in (("module", self.module), ("zone", self.zone)) if value]
        parts += [f"tag {key}={value}" for key, value in self.tags.items()]
        return ", ".join([*parts, *self.ids])

    def label(self, verb: str, hit: list[Instance]) -> str:
        """Return the fault in one line: the action, the number of instances, and the selection."""
        return f"{verb} {counted(len(hit), 'instance')} of {self.described()}"


def unknown_places(context: FaultContext, module: str | None, zone: str | None) -> list[str]:
    """Return the reasons to refuse where a module or a zone does not exist."""
    reasons = []
    if module and module not in context.modules:
        reasons.append(f"module {module} is not in the workload; it has {', '.join(context.modules)}")
    if zone and not context.zone_exists(zone):
        reasons.append(f"zone {zone} is not in {context.region}; it has {', '.join(context.inventory.zones)}")
    return reasons


def _idle(context: FaultContext, idle: list[Instance]) -> str:
    """Return in words which other instances match, and why they carry no load; of many, the first three."""
    named = [f"{instance.id}: {context.inventory.idle_reason(instance)}" for instance in idle[:3]]
    more = [f"{len(idle) - 3} more"] if len(idle) > 3 else []
    return f" ({'; '.join([*named, *more])})" if named else ""


def shares(context: FaultContext, hit: list[Instance]) -> dict[str, float]:
    """Return the share of each module's capacity in service that the fault hits."""
    inventory = context.inventory
    total: dict[str | None, float] = {}
    for instance in inventory.in_service:
        total[instance.module] = total.get(instance.module, 0.0) + inventory.capacity[instance.id]
    taken: dict[str, float] = {}
    for instance in sorted(hit, key=lambda instance: instance.module or ""):
        if instance.module:
            load = inventory.capacity.get(instance.id, 0.0)
            taken[instance.module] = taken.get(instance.module, 0.0) + (load / total[instance.module] if load else 0.0)
    return {module: 1.0 if share > 1.0 - 1e-9 else share for module, share in taken.items()}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 subnet`, `6 instances`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return names for one line: the first five, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def call(service: str, operation: str, **params: JsonLike) -> Call:
    """Return a `Call` from keyword parameters."""
    return Call(service=service, operation=operation, params=params)


def effect(about: str, probes: tuple[Probe, ...], deadline: float = 300.0) -> Effect:
    """Return an `Effect`."""
    return Effect(about=about, probes=probes, deadline=deadline)


def staged(
    *stages: Sequence[AnyChange],
) -> tuple[tuple[AnyChange, ...], ...]:
    """Return the stages that hold any change."""
    return tuple(tuple(stage) for stage in stages if stage)
