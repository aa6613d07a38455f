"""The twin file: how the twin simulates a workload's modules, its customers and its metrics."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from gameday.files.workload import Name
from gameday.steady_state.kpi.units import Count, Duration, Number, Period, Rate, Share, Wait, exact_duration
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.sources.metrics import NAMED

MetricName = Annotated[str, Field(pattern=NAMED, description="Namespace/MetricName")]
AlarmName = Annotated[str, Field(min_length=1, max_length=255)]
"""Any name that CloudWatch takes (CloudWatch API Reference, PutMetricAlarm, AlarmName)."""

Side = Literal["below", "at_or_below", "above", "at_or_above"]
SIDES: tuple[Side, ...] = get_args(Side)


def _listed(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list | tuple) else (raw,)


MetricNames = Annotated[
    tuple[MetricName, ...],
    Field(min_length=1),
    BeforeValidator(_listed),
    PlainSerializer(lambda names: names if len(names) > 1 else names[0]),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": NAMED},
                {"type": "array", "items": {"type": "string", "pattern": NAMED}, "minItems": 1},
            ]
        }
    ),
]
"""One metric, or several for metric math."""


MOST_ZONES = 16
"""Zones of one twin: its VPC has a subnet for each."""


class Latency(Written):
    """The service time of a module alone: lognormal, with this median and this 95th percentile."""

    p50: Wait = Field(gt=0, description="half of all requests take longer")
    p95: Wait = Field(gt=0, description="one request in twenty takes longer")

    @model_validator(mode="after")
    def _in_order(self) -> Latency:
        if self.p95 < self.p50:
            msg = f"`p95` must be at least `p50`; found {exact_duration(self.p95)} and {exact_duration(self.p50)}"
            raise ValueError(msg)
        return self


class CallTo(Written):
    """A call to another module for each request served."""

    to: Name = Field(description="the module called")
    only: tuple[Name, ...] = Field((), description="the journeys that make this call; default: all")
    timeout: Wait | None = Field(
        None, gt=0, description="for the whole call with its retries; default: the caller waits for ever"
    )
    retries: int = Field(0, ge=0, le=20, description="more attempts after a failed one")
    backoff: Wait = Field(
        0.05, gt=0, description="the delay before the first retry; it doubles each time, up to 20s, with jitter"
    )
    fallback: bool = Field(False, description="whether the request goes on without the call when the call fails")


class Instances(Written):
    """A module on EC2 instances in one scaling group behind one load balancer."""

    each_zone: Count = Field(ge=1, description="instances in each zone")
    zones: tuple[str, ...] = Field((), description="the zones that have instances; default: all zones of the twin")
    launch_delay: Wait = Field(90.0, gt=0, description="how long a new instance takes until it serves requests")
    slots: Count = Field(16, ge=1, description="how many requests one instance serves at once")
    queue: Count = Field(64, ge=0, description="how many requests may wait at one instance; it answers more with 503")


class HealthCheck(Written):
    """How the load balancers check their targets. The defaults are quicker than those of AWS (30s, 5 and 2).

    AWS takes intervals of 5 to 300 seconds (ELB API Reference, CreateTargetGroup, HealthCheckIntervalSeconds).
    """

    interval: Wait = Field(10.0, ge=1, description="the time from one check to the next; ELB takes at least 5s")
    unhealthy: Count = Field(2, ge=1, description="how many failures in a row until a target gets no requests")
    healthy: Count = Field(2, ge=1, description="how many successes in a row until it gets them again")


class Function(Written):
    """A module that is a Lambda function, which rejects requests beyond its concurrency."""

    concurrency: Count = Field(
        1000, ge=1, description="the concurrency of the account, for a function that reserves none"
    )


class Table(Written):
    """A module that is a DynamoDB table with provisioned capacity, which rejects requests beyond that."""

    read_capacity: Count = Field(ge=1, description="units per second")
    write_capacity: Count = Field(ge=1, description="units per second")
    units: Literal["read", "write"] = Field("write", description="which of the two one request takes a unit of")


class Stage(Written):
    """A module that is an API Gateway stage: it limits the requests to what it calls by a token bucket."""

    rate: Rate = Field(gt=0, description="how many requests it accepts in the long run")
    burst: Count = Field(ge=1, description="how many requests it accepts at once")


class TwinModule(Written):
    """One module: exactly one of instances, function, table or stage, its latency, and its calls in order."""

    instances: Instances | None = Field(None, description="EC2 instances in a scaling group behind a load balancer")
    function: Function | None = Field(None, description="a Lambda function")
    table: Table | None = Field(None, description="a DynamoDB table")
    stage: Stage | None = Field(None, description="an API Gateway stage")
    latency: Latency = Field(description="its own service time, without its calls")
    errors: Share = Field(0.0, description="the share of its requests that fail without any fault")
    calls: tuple[CallTo, ...] = Field((), description="the calls of each request, in this order")

    @model_validator(mode="after")
    def _one_kind(self) -> TwinModule:
        kinds = [name for name in ("instances", "function", "table", "stage") if getattr(self, name) is not None]
        if len(kinds) != 1:
            msg = f"a module is exactly one of instances, function, table, stage; found {' and '.join(kinds) or 'none'}"
            raise ValueError(msg)
        return self


class Journey(Written):
    """What a customer does: one request to one module."""

    share: Share = Field(gt=0, description="the share of all customers")
    enters: Name = Field(description="the module that gets the request")
    patience: Wait = Field(10.0, gt=0, description="how long the customer waits; then the request has failed")


class Customers(Written):
    """Customers: they arrive at random (Poisson), and do not wait for each other (an open loop)."""

    rate: Rate = Field(gt=0, description="how many arrive, like 50/s")
    journeys: dict[Name, Journey] = Field(min_length=1, description="what customers do; the shares add up to 100%")


class Feed(Written):
    """What one metric counts: tried or failed requests, seconds, or healthy instances of a journey or a module."""

    journey: Name | None = Field(None, description="count the customers of this journey")
    module: Name | None = Field(None, description="count the requests of this module's callers")
    count: Literal["tried", "failed", "latency", "healthy"] = Field(description="what is counted; latency in seconds")
    dimensions: dict[str, str] = Field({}, description="the metric's CloudWatch dimensions")

    @model_validator(mode="after")
    def _one_origin(self) -> Feed:
        if (self.journey is None) == (self.module is None):
            msg = "a metric counts exactly one of `journey` and `module`"
            raise ValueError(msg)
        if self.count == "healthy" and self.module is None:
            msg = "`healthy` counts the instances of a module, not of a journey"
            raise ValueError(msg)
        return self


DAY = 86400.0
"""Seconds. CloudWatch evaluates a longer alarm by other rules (CloudWatch User Guide, "Alarm evaluation")."""


class TwinAlarm(Written):
    """A CloudWatch alarm that the twin evaluates on its own metrics."""

    metric: MetricNames = Field(description="Namespace/MetricName; a list for metric math")
    expression: str | None = Field(None, description="metric math with + - * /: m1 is the first metric of the list")
    dimensions: dict[str, str] = Field({}, description="the metric's CloudWatch dimensions")
    statistic: str = Field(
        "Sum",
        pattern=r"^(Sum|Average|Minimum|Maximum|SampleCount|p([0-9]{1,2}(\.[0-9]{1,10})?|100))$",
        description="of each period: Sum, Average, Minimum, Maximum, SampleCount, or a percentile like p99",
    )
    period: Period = Field(60.0, gt=0, description="the length of one datapoint: 10s, 20s, 30s, or whole minutes")
    below: Number | None = Field(None, description="it fires below this number")
    at_or_below: Number | None = Field(None, description="it fires at this number or below")
    above: Number | None = Field(None, description="it fires above this number")
    at_or_above: Number | None = Field(None, description="it fires at this number or above")
    points: Count = Field(1, ge=1, description="how many datapoints must breach (M)")
    of: Count = Field(1, ge=1, description="how many of the last datapoints count (N)")
    missing: Literal["breaching", "notBreaching", "ignore", "missing"] = Field(
        "missing", description="how it counts a period without data"
    )

    @model_validator(mode="after")
    def _one_side(self) -> TwinAlarm:
        if len([side for side in SIDES if getattr(self, side) is not None]) != 1:
            msg = f"an alarm has exactly one of {', '.join(f'`{side}`' for side in SIDES)}"
            raise ValueError(msg)
        if (len(self.metric) > 1) != (self.expression is not None):
            msg = "a list of metrics and `expression` go together, like `expression: m2 / m1 * 100`"
            raise ValueError(msg)
        if self.points > self.of:
            msg = f"`points` ({self.points}) must be at most `of` ({self.of})"
            raise ValueError(msg)
        if self.period not in (10, 20, 30) and self.period % 60:
            msg = f"`period` must be 10s, 20s, 30s, or whole minutes; found {exact_duration(self.period)}"
            raise ValueError(msg)
        if self.period * self.of > DAY:
            msg = f"an alarm reads at most one day; {self.of} times {exact_duration(self.period)} is more"
            raise ValueError(msg)
        return self

    @property
    def fires(self) -> tuple[Side, float]:
        """The side on which it fires, and the number."""
        return next((side, number) for side in SIDES if (number := getattr(self, side)) is not None)


class TwinFile(Written):
    """How the twin simulates a workload."""

    version: Literal[1] = Field(description="the version of the file format")
    kind: Literal["twin"] = Field(description="the kind of this file")
    zones: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_ZONES, description="availability zones, like us-east-1a"
    )
    modules: dict[Name, TwinModule] = Field(
        min_length=1, description="how the twin simulates each module of the workload"
    )
    customers: Customers = Field(description="how many customers arrive, and what they do")
    health_check: HealthCheck = Field(HealthCheck(), description="how load balancers check their targets")
    warm_up: Duration = Field(30.0, ge=0, description="how long the twin lives, in virtual time, before a run begins")
    metrics: dict[MetricName, Feed] = Field(
        {}, description="metrics as Namespace/MetricName, in periods of one second, and what they count"
    )
    alarms: dict[AlarmName, TwinAlarm] = Field({}, description="CloudWatch alarms, by name")

    def at_load(self, times: float) -> TwinFile:
        """Return the same workload with so many times as many customers."""
        customers = self.customers.model_copy(update={"rate": self.customers.rate * times})
        return self.model_copy(update={"customers": customers})
