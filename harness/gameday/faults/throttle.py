"""The fault that reduces the capacity of a dependency: a function, a table, an API stage or a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field, ValidationError, field_validator, model_validator

from gameday.aws.kinds import FUNCTION, HTTP_STAGE, STAGE, TABLE, ResourceKind
from gameday.aws.resources import OwnedResource
from gameday.change import PlannedFault, Setting, SettingChange
from gameday.faults.apigateway import DEFAULT, THROTTLING
from gameday.faults.apigatewayv2 import ROUTES
from gameday.faults.application_autoscaling import SCALING
from gameday.faults.dynamodb import CAPACITY, MAXIMUM
from gameday.faults.fault import Fault, FaultContext, effect, staged, unknown_places
from gameday.faults.lambda_ import CONCURRENCY
from gameday.faults.proxy_rule import AT, RULE, ruled
from gameday.faults.throttling import functions, http_stages, stages, tables
from gameday.faults.throttling.reduction import Left, Reduction, together
from gameday.sdk.rule import Rule, in_words
from gameday.steady_state.kpi.units import Amount, BoundAmount, Share


@dataclass(frozen=True)
class Target:
    """A kind of resource that a throttle can reduce: the field that names one, and what plans its changes."""

    field: str
    kind: ResourceKind
    reduced: Callable[[FaultContext, Sequence[OwnedResource], Left], Reduction]


TARGETS = (
    Target("function", FUNCTION, functions.reduced),
    Target("table", TABLE, tables.reduced),
    Target("stage", STAGE, stages.reduced),
    Target("http_stage", HTTP_STAGE, http_stages.reduced),
)
FIELDS = ("module", *(target.field for target in TARGETS))
EFFECT_WITHIN = 600.0
"""Seconds within which throttled requests must show: metrics by the minute, which also arrive late."""


class Throttle(Fault):
    """Reduce a dependency's capacity: a function's concurrency, a table's throughput, an API stage's rate and burst.

    `sdk` throttles a service for one program instead: the program's proxy rejects a share of its requests.

    It reduces a table with its global secondary indexes, and a stage with its single methods or routes. A table keeps
    at least 1 unit, and first serves up to five minutes of unused capacity (DynamoDB Developer Guide, "Burst
    capacity"). On demand, its maximum is a target that requests may exceed. AWS allows four decreases a day, then one
    an hour. Application Auto Scaling of the table is suspended for the time of the fault.
    """

    name: ClassVar[str] = "throttle"
    settings: ClassVar[tuple[Setting, ...]] = (
        *(CONCURRENCY, CAPACITY, MAXIMUM, SCALING),
        *(THROTTLING, DEFAULT, ROUTES, RULE),
    )
    undo: ClassVar[str] = (
        "the capacity that was there is written back, none where none was set; scaling resumes; the proxy's rule goes"
    )
    effect: ClassVar[str] = (
        "CloudWatch counts more throttled requests of each target (Throttles, Read/WriteThrottleEvents, 4XXError, 4xx) "
        "than before, or the proxy what it hit"
    )
    example: ClassVar[str] = "throttle: {module: payments, to: 0}"

    module: str | None = Field(None, description="all functions, tables and stages of this module")
    function: str | None = Field(None, description="this Lambda function")
    table: str | None = Field(None, description="this DynamoDB table")
    stage: str | None = Field(None, description="this stage of an API Gateway REST API, as api-id/stage")
    http_stage: str | None = Field(None, description="this stage of an HTTP or WebSocket API, as api-id/stage")
    to: BoundAmount = Field(Amount(0.0, ""), description="what is left: a share of what is there (5%), or a number (0)")
    sdk: str | None = Field(None, description="this service, for the program behind a proxy (gameday proxy)")
    operation: str | None = Field(None, description="only this operation of `sdk`, like PutItem")
    share: Share | None = Field(None, gt=0, description="how many of the requests to `sdk`; none: all")
    at: str = Field(AT, description="the URL of the proxy")

    @field_validator("to")
    @classmethod
    def _no_rate(cls, to: Amount) -> Amount:
        if to.unit == "/s" or to.value < 0 or (to.unit == "" and to.value != int(to.value)):
            msg = f"`to` is a share like 5% or a whole number like 0; found {to}"
            raise ValueError(msg)
        return to

    @model_validator(mode="after")
    def _names_one(self) -> Throttle:
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        possible = tuple(field for field in FIELDS if field != "module") if self.sdk else FIELDS
        named = [key for key in (*possible, "sdk") if key in given]
        if len(named) != 1:
            msg = f"throttle names exactly one of {', '.join(FIELDS)}, sdk; found {' and '.join(named) or 'none'}"
            raise ValueError(msg)
        others = given & ({"to"} if self.sdk else {"operation", "share", "at"})
        if others:
            msg = f"throttle of {named[0]} has no `{min(others)}`"
            raise ValueError(msg)
        if not self.sdk and "to" not in given:
            msg = "throttle needs `to`: what is left, a share like 5% or a number like 0"
            raise ValueError(msg)
        self._has_right_ids()
        if self.sdk:
            self._rule()
        return self

    def _has_right_ids(self) -> None:
        for target in TARGETS:
            id_ = self._named(target)
            if id_ is not None and not re.fullmatch(target.kind.pattern.strip("^$"), id_):
                msg = f"`{target.field}` is {target.kind.form}; found {id_}"
                raise ValueError(msg)

    def _rule(self) -> Rule:
        share = "100%" if self.share is None else f"{self.share * 100:.12g}%"
        try:
            return Rule.model_validate(
                {"kind": "throttle", "service": self.sdk, "operation": self.operation, "share": share}
            )
        except ValidationError as error:
            raise ValueError("; ".join(in_words(error))) from error

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        refusals = unknown_places(context, self.module, None)
        if self.sdk:
            planned = ruled(context, self._rule(), self.at, self.name, self.module)
            return planned.model_copy(update={"refusals": (*refusals, *planned.refusals)})
        gone: list[str] = []
        chosen = {target: self._chosen(target, context, refusals, gone) for target in TARGETS}
        found = [resource for resources in chosen.values() for resource in resources]
        if not found and not refusals:
            keys = ", ".join(target.kind.owned_as for target in TARGETS)
            how = f"list one under its `owns` ({keys}), or give one its tags"
            none = f"has no {_kinds()} to throttle: {how}" if self.module else "is in no module of this workload"
            refusals.append(f"{self._wanted()} {none}")
        plan = together(target.reduced(context, resources, Left(self.to)) for target, resources in chosen.items())
        modules = {resource.name: resource.module for resource in found}
        hits: dict[str, float] = {}
        for id_, share in plan.shares.items():
            hits[modules[id_]] = max(share, hits.get(modules[id_], 0.0))
        # A target that would lose nothing gives a warning beside others; alone, it gives a refusal.
        is_idle = not plan.shares
        return PlannedFault(
            fault=self.name,
            label=f"throttle {', '.join(plan.shares) or self._wanted()} to {self.to}",
            stages=staged(*(_in_modules(stage, modules) for stage in (plan.companions, plan.changes, plan.later))),
            effect=effect(self.effect, plan.probes, deadline=EFFECT_WITHIN),
            hits=hits,
            conditions=plan.conditions,
            refusals=(*refusals, *plan.refusals, *(plan.idle if is_idle else ())),
            warnings=(*gone, *plan.warnings, *(() if is_idle else plan.idle)),
        )

    def _named(self, target: Target) -> str | None:
        id_ = getattr(self, target.field)
        return id_ if isinstance(id_, str) else None

    def _wanted(self) -> str:
        if self.module:
            return f"module {self.module}"
        return next(f"{target.kind.name} {id_}" for target in TARGETS if (id_ := self._named(target)))

    def _chosen(
        self, target: Target, context: FaultContext, refusals: list[str], gone: list[str]
    ) -> list[OwnedResource]:
        """The resources of a kind that the fault names, or that its module owns; nothing is read for any other kind.

        AWS may still list the tags of a deleted resource (Resource Groups Tagging API Reference, GetResources). Unless
        somebody names it, such a one is skipped.
        """
        id_, kind = self._named(target), target.kind
        if not (self.module or id_):
            return []
        resources = context.inventory.resources(kind)
        chosen = [found for found in resources if found.name == id_ or (self.module and found.module == self.module)]
        missing = context.inventory.missing(kind, [resource.name for resource in chosen])
        for resource in (resource for resource in chosen if resource.name in missing):
            where = f"{kind.name} {resource.name} does not exist in {context.region}"
            if resource.is_named or resource.name == id_:
                refusals.append(where)
            else:
                gone.append(f"{where}, though AWS lists its tags: it is left out")
        return [resource for resource in chosen if resource.name not in missing]


def _kinds() -> str:
    *names, last = [target.kind.name for target in TARGETS]
    return f"{', '.join(names)} or {last}"


def _in_modules(changes: Sequence[SettingChange], modules: dict[str, str]) -> list[SettingChange]:
    """Return changes with the modules of their resources; a scalable target's is that of its table."""
    return [
        change.model_copy(update={"module": modules.get(change.id) or modules.get(_table_of(change))})
        for change in changes
    ]


def _table_of(change: SettingChange) -> str:
    return str(change.args.get("resource", "")).split("/")[1:2][0] if change.args.get("resource") else ""
