"""The fault that takes a dependency's capacity down, whatever the dependency is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, ValidationError, field_validator, model_validator

from gameday.aws.inventory import OwnedResource
from gameday.change import Excess, Json, PlannedFault, Probe, Setting, SettingChange
from gameday.faults.apigateway import THROTTLING
from gameday.faults.dynamodb import CAPACITY
from gameday.faults.fault import Fault, FaultContext, call, counted, effect, not_opted_in, staged, unknown_places
from gameday.faults.lambda_ import CONCURRENCY
from gameday.faults.proxy_rule import AT, RULE, ruled
from gameday.sdk.rule import Rule, in_words
from gameday.steady_state.kpi.units import Amount, BoundAmount, Share

UNITS = {"ReadCapacityUnits": "Read", "WriteCapacityUnits": "Write"}
"""A table's capacities, and how CloudWatch calls what it throttles of them."""

PERIOD = 60
"""Seconds of a period: Lambda, DynamoDB and API Gateway send their metrics once a minute (their developer guides)."""


class Throttle(Fault):
    """A dependency's capacity goes down: a function's concurrency, a table's throughput, an API stage's rate and burst.

    `sdk` throttles a service for one program instead: a share of its requests, at the proxy that they pass.

    A table cannot go below 1 unit, and serves up to five minutes of unused capacity first (DynamoDB Developer Guide,
    "Burst capacity"); decreases are limited to four a day and one an hour after that.
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
        told = {key for key in self.model_fields_set if getattr(self, key) is not None}
        targets = ("function", "table", "stage", "sdk") if self.sdk else ("module", "function", "table", "stage")
        named = [key for key in targets if key in told]
        if len(named) != 1:
            msg = (
                "throttle names exactly one of module, function, table, stage, sdk; "
                f"found {' and '.join(named) or 'none'}"
            )
            raise ValueError(msg)
        others = told & ({"to"} if self.sdk else {"operation", "share", "at"})
        if others:
            msg = f"throttle of {named[0]} has no `{min(others)}`"
            raise ValueError(msg)
        if not self.sdk and "to" not in told:
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
            found = ruled(context, self._rule(), self.at, self.name, self.module)
            return found.model_copy(update={"refusals": (*refusals, *found.refusals)})
        functions = self._chosen(self.function, context.inventory.functions if self.module or self.function else ())
        tables = self._chosen(self.table, context.inventory.tables if self.module or self.table else ())
        stages = self._chosen(self.stage, context.inventory.stages if self.module or self.stage else ())
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
        # Of several targets those that lose nothing are named and left alone; alone, such a one is no experiment.
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
            without_opt_in=not_opted_in(context, {one.name: one.tags for one in chosen}),
            refusals=tuple(refusals),
            warnings=tuple(idle) if changes else (),
        )

    def _wanted(self) -> str:
        return f"module {self.module}" if self.module else str(self.function or self.table or self.stage)

    def _chosen(self, name: str | None, found: tuple[OwnedResource, ...]) -> list[OwnedResource]:
        return [one for one in found if one.name == name or (self.module and one.module == self.module)]

    def _left(self, was: float, least: int) -> float:
        """What is left of what was there: never more than that."""
        left = was * self.to.value if self.to.unit == "%" else self.to.value
        return min(was, max(least, int(left + 1e-9)))

    def _taken(self) -> float:
        """The share of capacity that is taken away; 0 where a number is left of what nobody has written down."""
        return 1.0 - self.to.value if self.to.unit == "%" else float(self.to.value == 0)

    def _functions(
        self, context: FaultContext, found: list[OwnedResource], refusals: list[str], idle: list[str]
    ) -> list[SettingChange]:
        wanted: dict[str, Json] = {}
        for one in found:
            answer = context.inventory.read("lambda", "get_function_concurrency", FunctionName=one.name)
            reserved = answer.get("ReservedConcurrentExecutions")
            if reserved is None and self.to.unit == "%" and self.to.value:
                refusals.append(f"function {one.name} reserves no concurrency to take a share of: say a number")
                continue
            there = self._unreserved(context) if reserved is None else reserved
            wanted[one.name] = 0 if there is None else self._left(there, 0)
            if wanted[one.name] == there:
                del wanted[one.name]
                whose = "what the account leaves to those that reserve none" if reserved is None else "what it reserves"
                idle.append(f"function {one.name} already is at {there}, {whose}: {self._nothing()}")
        return context.changes(CONCURRENCY, wanted)

    def _unreserved(self, context: FaultContext) -> int | None:
        """How many invocations run at once where none are reserved; None where it need not be known, to leave none.

        The account's concurrency in the region, without what functions reserve (Lambda API Reference,
        GetAccountSettings, UnreservedConcurrentExecutions): a reservation of as much or more takes nothing away.
        """
        if not self.to.value:
            return None
        limit = context.inventory.read("lambda", "get_account_settings")["AccountLimit"]
        return int(limit["UnreservedConcurrentExecutions"])

    def _tables(
        self, context: FaultContext, found: list[OwnedResource], refusals: list[str], idle: list[str]
    ) -> list[SettingChange]:
        wanted: dict[str, Json] = {}
        for one in found:
            table = context.inventory.read("dynamodb", "describe_table", TableName=one.name)["Table"]
            scaled = context.inventory.read(
                "application-autoscaling",
                "describe_scalable_targets",
                ServiceNamespace="dynamodb",
                ResourceIds=[f"table/{one.name}"],
            )["ScalableTargets"]
            if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
                refusals.append(f"table {one.name} is on demand: it has no provisioned capacity to take down")
                continue
            if scaled:
                refusals.append(
                    f"Application Auto Scaling moves the capacity of table {one.name} and would fight the undo"
                )
                continue
            was = {unit: table["ProvisionedThroughput"][unit] for unit in UNITS}
            left = {unit: self._left(was[unit], 1) for unit in UNITS}
            if left != was:
                wanted[one.name] = left
                continue
            least = "its least, " if set(was.values()) == {1} else ""
            reads, writes = was.values()
            has = f"{least}{reads} read and {counted(writes, 'write unit')}"
            idle.append(f"table {one.name} already is at {has}: {self._nothing()}")
        return context.changes(CAPACITY, wanted)

    def _stages(
        self, context: FaultContext, found: list[OwnedResource], refusals: list[str], idle: list[str]
    ) -> list[SettingChange]:
        wanted: dict[str, Json] = {}
        args: dict[str, dict[str, Json]] = {}
        for one in found:
            api, _, stage = one.name.partition("/")
            answer = context.inventory.read("apigateway", "get_stage", restApiId=api, stageName=stage)
            default = answer.get("methodSettings", {}).get("*/*", {})
            if "throttlingRateLimit" not in default:
                refusals.append(
                    f"stage {one.name} has no throttling of its own to take down: set one for all methods first"
                )
                continue
            rate, burst = float(default["throttlingRateLimit"]), int(default["throttlingBurstLimit"])
            left = {"rate": self._left(rate, 0), "burst": self._left(burst, 0)}
            if (left["rate"], left["burst"]) == (rate, burst):
                has = f"{rate:g} requests a second and a burst of {burst}"
                idle.append(f"stage {one.name} already is at {has}: {self._nothing()}")
                continue
            args[one.name], wanted[one.name] = {"api": api, "stage": stage}, left
        return context.changes(THROTTLING, wanted, args)

    def _nothing(self) -> str:
        return f"`to: {self.to}` would take nothing away"


def _module(target: str, chosen: list[OwnedResource]) -> str | None:
    return next((one.module for one in chosen if one.name == target), None)


def _throttled(setting_change: SettingChange, context: FaultContext) -> Iterator[Probe]:
    """What CloudWatch counts of what a change takes away, each with what says that anything was counted at all."""
    if setting_change.setting == CONCURRENCY:
        yield grows("AWS/Lambda", "Throttles", "Invocations", {"FunctionName": setting_change.id})
    elif setting_change.setting == CAPACITY:
        for unit, kind in UNITS.items():
            if setting_change.after[unit] < setting_change.before[unit]:
                dimensions = {"TableName": setting_change.id}
                yield grows("AWS/DynamoDB", f"{kind}ThrottleEvents", f"Consumed{unit}", dimensions)
    else:
        apis = context.inventory.read("apigateway", "get_rest_apis").get("items", [])
        name = next(api["name"] for api in apis if api["id"] == setting_change.args["api"])
        yield grows("AWS/ApiGateway", "4XXError", "Count", {"ApiName": name, "Stage": setting_change.args["stage"]})


def grows(namespace: str, metric: str, beside: str, dimensions: dict[str, str]) -> Probe:
    """Holds once CloudWatch counts clearly more since the injection than in the ten minutes before it.

    `beside` is a metric of the same requests: where neither has a value, nothing is known of that minute, and nothing
    says that there was nothing to throttle.
    """
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]

    def query(name: str, of: str) -> Json:
        counted_of = {"Namespace": namespace, "MetricName": of, "Dimensions": listed}
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
        ),
        about=f"{namespace} {metric} of {', '.join(dimensions.values())} grows",
    )
