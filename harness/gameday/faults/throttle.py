"""The fault that reduces the capacity of a dependency: a function, a table, an API stage or a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, ValidationError, field_validator, model_validator

from gameday.aws.answers.apigateway import GET_REST_APIS, GET_STAGE
from gameday.aws.answers.autoscaling import DESCRIBE_SCALABLE_TARGETS
from gameday.aws.answers.dynamodb import DESCRIBE_TABLE
from gameday.aws.answers.lambda_ import GET_ACCOUNT_SETTINGS, GET_FUNCTION_CONCURRENCY
from gameday.aws.kinds import FUNCTION, STAGE, TABLE, ResourceKind
from gameday.aws.resources import OwnedResource
from gameday.change import Excess, Json, JsonLike, PlannedFault, Probe, Setting, SettingChange
from gameday.faults.apigateway import THROTTLING
from gameday.faults.dynamodb import CAPACITY
from gameday.faults.fault import Fault, FaultContext, call, counted, effect, staged, unknown_places
from gameday.faults.lambda_ import CONCURRENCY
from gameday.faults.proxy_rule import AT, RULE, ruled
from gameday.sdk.rule import Rule, in_words
from gameday.steady_state.kpi.units import Amount, BoundAmount, Share

UNITS = {"ReadCapacityUnits": "Read", "WriteCapacityUnits": "Write"}
"""A table's capacities, each with the word that names its throttled requests in CloudWatch."""

PERIOD = 60
"""Seconds of a period: Lambda, DynamoDB and API Gateway publish metrics once a minute (their developer guides)."""


class Throttle(Fault):
    """Reduce a dependency's capacity: a function's concurrency, a table's throughput, an API stage's rate and burst.

    `sdk` throttles a service for one program instead: the program's proxy rejects a share of its requests.

    A table keeps at least 1 unit, and first serves up to five minutes of unused capacity (DynamoDB Developer Guide,
    "Burst capacity"). AWS allows four decreases a day, then one an hour.
    """

    name: ClassVar[str] = "throttle"
    settings: ClassVar[tuple[Setting, ...]] = (CONCURRENCY, CAPACITY, THROTTLING, RULE)
    undo: ClassVar[str] = (
        "the capacity that was there is written back, none where none was reserved; the proxy's rule goes"
    )
    effect: ClassVar[str] = (
        "CloudWatch counts more throttled requests (Throttles, Read/WriteThrottleEvents, 4XXError) than before, "
        "or the proxy what it hit"
    )
    example: ClassVar[str] = "throttle: {module: payments, to: 0}"

    module: str | None = Field(None, description="all functions, tables and stages of this module")
    function: str | None = Field(None, description="this Lambda function")
    table: str | None = Field(None, description="this DynamoDB table")
    stage: str | None = Field(None, description="this API Gateway stage, as api-id/stage")
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
        targets = ("function", "table", "stage", "sdk") if self.sdk else ("module", "function", "table", "stage")
        named = [key for key in targets if key in given]
        if len(named) != 1:
            msg = (
                "throttle names exactly one of module, function, table, stage, sdk; "
                f"found {' and '.join(named) or 'none'}"
            )
            raise ValueError(msg)
        others = given & ({"to"} if self.sdk else {"operation", "share", "at"})
        if others:
            msg = f"throttle of {named[0]} has no `{min(others)}`"
            raise ValueError(msg)
        if not self.sdk and "to" not in given:
            msg = "throttle needs `to`: what is left, a share like 5% or a number like 0"
            raise ValueError(msg)
        if self.sdk:
            self._rule()
        return self

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
        functions = self._chosen(self.function, FUNCTION, context, refusals)
        tables = self._chosen(self.table, TABLE, context, refusals)
        stages = self._chosen(self.stage, STAGE, context, refusals)
        chosen = [*functions, *tables, *stages]
        if not chosen and not refusals:
            refusals.append(f"{self._wanted()} has no function, table or stage to throttle in this workload")
        idle: list[str] = []
        changes = [
            setting_change.model_copy(update={"module": _module(setting_change.id, chosen)})
            for setting_change in (
                *self._functions(context, functions, refusals, idle),
                *self._tables(context, tables, refusals, idle),
                *self._stages(context, stages, refusals, idle),
            )
        ]
        # A target that would lose nothing gives a warning beside others; alone, it gives a refusal.
        if not changes:
            refusals += idle
        hit = {setting_change.id: setting_change.module for setting_change in changes if setting_change.module}
        return PlannedFault(
            fault=self.name,
            label=f"throttle {', '.join(hit) or self._wanted()} to {self.to}",
            stages=staged(changes),
            effect=effect(
                self.effect,
                tuple(probe for setting_change in changes for probe in _throttled(setting_change, context)),
                deadline=600.0,
            ),
            hits=dict.fromkeys(hit.values(), self._taken()),
            refusals=tuple(refusals),
            warnings=tuple(idle) if changes else (),
        )

    def _wanted(self) -> str:
        return f"module {self.module}" if self.module else str(self.function or self.table or self.stage)

    def _chosen(
        self, name: str | None, kind: ResourceKind, context: FaultContext, refusals: list[str]
    ) -> list[OwnedResource]:
        """The resources of a kind that the fault names, or that its module owns; nothing is read for any other kind."""
        if not (self.module or name):
            return []
        resources = context.inventory.resources(kind)
        chosen = [found for found in resources if found.name == name or (self.module and found.module == self.module)]
        missing = context.inventory.missing(kind, [resource.name for resource in chosen])
        refusals += [f"{kind.name} {name} does not exist in {context.region}" for name in missing]
        return [resource for resource in chosen if resource.name not in missing]

    def _left(self, was: float, least: int) -> float:
        """The capacity that is left: never more than there was."""
        left = was * self.to.value if self.to.unit == "%" else self.to.value
        return min(was, max(least, int(left + 1e-9)))

    def _taken(self) -> float:
        """The share of capacity that is taken away; 0 where `to` is a number, since the share is not known."""
        return 1.0 - self.to.value if self.to.unit == "%" else float(self.to.value == 0)

    def _functions(
        self, context: FaultContext, resources: list[OwnedResource], refusals: list[str], idle: list[str]
    ) -> list[SettingChange]:
        wanted: dict[str, Json] = {}
        for function in resources:
            answer = context.inventory.read(GET_FUNCTION_CONCURRENCY, FunctionName=function.name)
            reserved = answer.get("ReservedConcurrentExecutions")
            if reserved is None and self.to.unit == "%" and self.to.value:
                refusals.append(f"function {function.name} reserves no concurrency to take a share of: give a number")
                continue
            there = self._unreserved(context) if reserved is None else reserved
            left = 0 if there is None else self._left(there, 0)
            if left != there:
                wanted[function.name] = left
            else:
                whose = "what the account leaves to those that reserve none" if reserved is None else "what it reserves"
                idle.append(f"function {function.name} already is at {there}, {whose}: {self._nothing()}")
        return context.changes(CONCURRENCY, wanted)

    def _unreserved(self, context: FaultContext) -> int | None:
        """The concurrency that functions without a reservation share; None where `to` leaves nothing anyway.

        It is the account's concurrency in the region without all reservations (Lambda API Reference,
        GetAccountSettings, UnreservedConcurrentExecutions). To reserve as much or more takes nothing away.
        """
        if not self.to.value:
            return None
        return context.inventory.read(GET_ACCOUNT_SETTINGS)["AccountLimit"]["UnreservedConcurrentExecutions"]

    def _tables(
        self, context: FaultContext, resources: list[OwnedResource], refusals: list[str], idle: list[str]
    ) -> list[SettingChange]:
        wanted: dict[str, Json] = {}
        for name in (table.name for table in resources):
            table = context.inventory.read(DESCRIBE_TABLE, TableName=name)["Table"]
            scaled = context.inventory.read(
                DESCRIBE_SCALABLE_TARGETS, ServiceNamespace="dynamodb", ResourceIds=[f"table/{name}"]
            )["ScalableTargets"]
            if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
                refusals.append(f"table {name} is on demand: it has no provisioned capacity to reduce")
                continue
            if scaled:
                refusals.append(f"Application Auto Scaling sets the capacity of table {name} and would fight the undo")
                continue
            throughput = table["ProvisionedThroughput"]
            reads, writes = throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]
            left_reads, left_writes = self._left(reads, 1), self._left(writes, 1)
            if (left_reads, left_writes) != (reads, writes):
                wanted[name] = {"ReadCapacityUnits": left_reads, "WriteCapacityUnits": left_writes}
                continue
            least = "its least, " if reads == writes == 1 else ""
            has = f"{least}{reads} read and {counted(writes, 'write unit')}"
            idle.append(f"table {name} already is at {has}: {self._nothing()}")
        return context.changes(CAPACITY, wanted)

    def _stages(
        self, context: FaultContext, resources: list[OwnedResource], refusals: list[str], idle: list[str]
    ) -> list[SettingChange]:
        wanted: dict[str, Json] = {}
        args: dict[str, dict[str, Json]] = {}
        for name in (stage.name for stage in resources):
            api, _, stage = name.partition("/")
            answer = context.inventory.read(GET_STAGE, restApiId=api, stageName=stage)
            default = answer.get("methodSettings", {}).get("*/*", {})
            if "throttlingRateLimit" not in default or "throttlingBurstLimit" not in default:
                refusals.append(f"stage {name} has no throttling of its own to reduce: set one for all methods first")
                continue
            rate, burst = default["throttlingRateLimit"], default["throttlingBurstLimit"]
            left: dict[str, Json] = {"rate": self._left(rate, 0), "burst": self._left(burst, 0)}
            if (left["rate"], left["burst"]) == (rate, burst):
                has = f"{rate:g} requests a second and a burst of {burst}"
                idle.append(f"stage {name} already is at {has}: {self._nothing()}")
                continue
            args[name], wanted[name] = {"api": api, "stage": stage}, left
        return context.changes(THROTTLING, wanted, args)

    def _nothing(self) -> str:
        return f"`to: {self.to}` would take nothing away"


def _module(target: str, chosen: list[OwnedResource]) -> str | None:
    return next((resource.module for resource in chosen if resource.name == target), None)


def _throttled(setting_change: SettingChange, context: FaultContext) -> Iterator[Probe]:
    """Probes of the throttled requests that a change causes, each with a metric that shows whether any request came."""
    if setting_change.setting == CONCURRENCY:
        yield grows("AWS/Lambda", "Throttles", "Invocations", {"FunctionName": setting_change.id})
    elif setting_change.setting == CAPACITY:
        for unit, kind in UNITS.items():
            if _number(setting_change.after, unit) < _number(setting_change.before, unit):
                dimensions = {"TableName": setting_change.id}
                yield grows("AWS/DynamoDB", f"{kind}ThrottleEvents", f"Consumed{unit}", dimensions)
    else:
        apis = context.inventory.read(GET_REST_APIS).get("items", [])
        id_, _, stage = setting_change.id.partition("/")
        name = next(api.get("name", "") for api in apis if api["id"] == id_)
        yield grows("AWS/ApiGateway", "4XXError", "Count", {"ApiName": name, "Stage": stage})


def _number(capacity: Json, unit: str) -> float:
    """A capacity's units; 0 where it is of another shape."""
    units = capacity.get(unit) if isinstance(capacity, dict) else None
    return units if isinstance(units, int | float) else 0.0


_LAST = "(MetricDataResults[?Id=='{}'] | [-1].StatusCode) == 'Complete'"
WHOLE = f"!(Messages) && {_LAST.format('counted')} && {_LAST.format('beside')}"
"""Whether CloudWatch has read both metrics to their end: a later page may complete an earlier one (CloudWatch API
Reference, MetricDataResult, StatusCode)."""


def grows(namespace: str, metric: str, beside: str, dimensions: dict[str, str]) -> Probe:
    """Return a probe that holds once CloudWatch counts clearly more since the injection than in the time before it.

    `beside` is a metric of the same requests. Where neither has a value, that minute is unknown, not zero.
    """
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]

    def query(name: str, of: str) -> dict[str, JsonLike]:
        counted_of: dict[str, JsonLike] = {"Namespace": namespace, "MetricName": of, "Dimensions": listed}
        return {"Id": name, "MetricStat": {"Metric": counted_of, "Period": PERIOD, "Stat": "Sum"}}

    return Probe(
        call=call(
            "cloudwatch",
            "get_metric_data",
            StartTime={"$": "before"},
            EndTime={"$": "now"},
            MetricDataQueries=[query("counted", metric), query("beside", beside)],
        ),
        excess=Excess(
            counted="MetricDataResults[?Id=='counted'].[Timestamps, Values]",
            known="MetricDataResults[?Id=='beside'].[Timestamps, Values]",
            period=PERIOD,
            whole=WHOLE,
        ),
        about=f"{namespace} {metric} of {', '.join(dimensions.values())} grows",
    )
