"""The fault that takes a dependency's capacity down, whatever the dependency is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from harness.account.change import Injection, Json, Knob, Probe, Turn
from harness.account.inventory import Named
from harness.faults.apigateway import THROTTLING
from harness.faults.dynamodb import CAPACITY
from harness.faults.fault import Fault, Look, bite, call, not_opted_in, staged, unknown_places
from harness.faults.lambda_ import CONCURRENCY
from steady_state.units import Amount, BoundAmount


class Throttle(Fault):
    """A dependency's capacity goes down: a function's concurrency, a table's throughput, an API stage's rate and burst.

    A table cannot go below 1 unit, and serves up to five minutes of unused capacity first (DynamoDB Developer Guide,
    "Burst capacity"); decreases are limited to four a day and one an hour after that.
    """

    name: ClassVar[str] = "throttle"
    turns: ClassVar[tuple[Knob, ...]] = (CONCURRENCY, CAPACITY, THROTTLING)
    undo: ClassVar[str] = "the capacity that was there is written back; none where none was reserved"
    bites: ClassVar[str] = "CloudWatch counts throttled requests (Throttles, Read/WriteThrottleEvents, 4XXError)"
    example: ClassVar[str] = "throttle: {module: payments, to: 0}"

    module: str | None = Field(None, description="all functions, tables and stages of this module")
    function: str | None = Field(None, description="this Lambda function")
    table: str | None = Field(None, description="this DynamoDB table")
    stage: str | None = Field(None, description="this API Gateway stage, as api-id/stage")
    to: BoundAmount = Field(description="what is left: a share of what is there (5%), or a number (0)")

    @field_validator("to")
    @classmethod
    def _no_rate(cls, to: Amount) -> Amount:
        if to.unit == "/s" or to.value < 0 or (to.unit == "" and to.value != int(to.value)):
            msg = f"`to` is a share like 5% or a whole number like 0; found {to}"
            raise ValueError(msg)
        return to

    @model_validator(mode="after")
    def _names_one(self) -> Throttle:
        named = [key for key in ("module", "function", "table", "stage") if getattr(self, key)]
        if len(named) != 1:
            msg = f"throttle names exactly one of module, function, table, stage; found {' and '.join(named) or 'none'}"
            raise ValueError(msg)
        return self

    def inject(self, look: Look) -> Injection:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        refusals = unknown_places(look, self.module, None)
        functions = self._chosen(self.function, look.inventory.functions if self.module or self.function else ())
        tables = self._chosen(self.table, look.inventory.tables if self.module or self.table else ())
        stages = self._chosen(self.stage, look.inventory.stages if self.module or self.stage else ())
        chosen = [*functions, *tables, *stages]
        if not chosen and not refusals:
            refusals.append(f"{self._wanted()} has no function, table or stage to throttle in this workload")
        refusals += not_opted_in(look, {one.name: one.tags for one in chosen})
        changes = []
        for turned in (
            self._functions(look, functions, refusals),
            self._tables(look, tables, refusals),
            self._stages(look, stages, refusals),
        ):
            changes += [turn.model_copy(update={"module": _module(turn.id, chosen)}) for turn in turned]
        if chosen and not changes and not refusals:
            refusals.append(f"{self._wanted()} already is at {self.to}: nothing would change")
        return Injection(
            fault=self.name,
            label=f"throttle {', '.join(one.name for one in chosen) or self._wanted()} to {self.to}",
            stages=staged(changes),
            bite=bite(self.bites, _throttled(functions, tables, stages, look), deadline=600.0),
            hits=dict.fromkeys((one.module for one in chosen), self._taken()),
            refusals=tuple(refusals),
        )

    def _wanted(self) -> str:
        return f"module {self.module}" if self.module else str(self.function or self.table or self.stage)

    def _chosen(self, name: str | None, found: tuple[Named, ...]) -> list[Named]:
        return [one for one in found if one.name == name or (self.module and one.module == self.module)]

    def _left(self, was: float, least: int) -> int:
        left = was * self.to.value if self.to.unit == "%" else self.to.value
        return max(least, int(left + 1e-9))

    def _taken(self) -> float:
        """The share of capacity that is taken away; 0 where a number is left of what nobody has written down."""
        return 1.0 - self.to.value if self.to.unit == "%" else float(self.to.value == 0)

    def _functions(self, look: Look, found: list[Named], refusals: list[str]) -> list[Turn]:
        wanted: dict[str, Json] = {}
        for one in found:
            was = look.inventory.read("lambda", "get_function_concurrency", FunctionName=one.name)
            reserved = was.get("ReservedConcurrentExecutions")
            if reserved is None and self.to.unit == "%" and self.to.value:
                refusals.append(f"function {one.name} reserves no concurrency to take a share of: say a number")
            else:
                wanted[one.name] = self._left(reserved or 0, 0)
        return look.turns(CONCURRENCY, wanted)

    def _tables(self, look: Look, found: list[Named], refusals: list[str]) -> list[Turn]:
        wanted: dict[str, Json] = {}
        for one in found:
            table = look.inventory.read("dynamodb", "describe_table", TableName=one.name)["Table"]
            scaled = look.inventory.read(
                "application-autoscaling",
                "describe_scalable_targets",
                ServiceNamespace="dynamodb",
                ResourceIds=[f"table/{one.name}"],
            )["ScalableTargets"]
            if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
                refusals.append(f"table {one.name} is on demand: it has no provisioned capacity to take down")
            elif scaled:
                refusals.append(
                    f"Application Auto Scaling moves the capacity of table {one.name} and would fight the undo"
                )
            else:
                was = table["ProvisionedThroughput"]
                wanted[one.name] = {
                    unit: self._left(was[unit], 1) for unit in ("ReadCapacityUnits", "WriteCapacityUnits")
                }
        return look.turns(CAPACITY, wanted)

    def _stages(self, look: Look, found: list[Named], refusals: list[str]) -> list[Turn]:
        wanted: dict[str, Json] = {}
        args: dict[str, dict[str, Json]] = {}
        for one in found:
            api, _, stage = one.name.partition("/")
            answer = look.inventory.read("apigateway", "get_stage", restApiId=api, stageName=stage)
            default = answer.get("methodSettings", {}).get("*/*", {})
            if "throttlingRateLimit" not in default:
                refusals.append(
                    f"stage {one.name} has no throttling of its own to take down: set one for all methods first"
                )
                continue
            args[one.name] = {"api": api, "stage": stage}
            rate, burst = default["throttlingRateLimit"], default["throttlingBurstLimit"]
            wanted[one.name] = {"rate": self._left(rate, 0), "burst": self._left(burst, 0)}
        return look.turns(THROTTLING, wanted, args)


def _module(target: str, chosen: list[Named]) -> str | None:
    return next((one.module for one in chosen if one.name == target), None)


def _throttled(functions: list[Named], tables: list[Named], stages: list[Named], look: Look) -> tuple[Probe, ...]:
    names = (
        {api["id"]: api["name"] for api in look.inventory.read("apigateway", "get_rest_apis").get("items", [])}
        if stages
        else {}
    )
    metrics = [("AWS/Lambda", "Throttles", {"FunctionName": one.name}) for one in functions]
    for one in tables:
        metrics += [
            ("AWS/DynamoDB", name, {"TableName": one.name}) for name in ("WriteThrottleEvents", "ReadThrottleEvents")
        ]
    for one in stages:
        api, _, stage = one.name.partition("/")
        metrics.append(("AWS/ApiGateway", "4XXError", {"ApiName": names.get(api, api), "Stage": stage}))
    return tuple(grows(*metric) for metric in metrics)


def grows(namespace: str, metric: str, dimensions: dict[str, str]) -> Probe:
    """Holds once CloudWatch has counted more since the injection than in the five minutes before it."""
    stat: Json = {
        "Metric": {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    return Probe(
        call=call(
            "cloudwatch",
            "get_metric_data",
            StartTime={"$": "since"},
            EndTime={"$": "now"},
            MetricDataQueries=[{"Id": "counted", "MetricStat": stat}],
        ),
        value="sum(MetricDataResults[].Values[])",
        holds="sum(answer.MetricDataResults[].Values[]) > was",
        about=f"{namespace} {metric} of {', '.join(dimensions.values())} grows",
    )
