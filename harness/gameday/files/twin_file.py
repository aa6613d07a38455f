"""The twin file: how the twin plays a workload's modules, its customers and its metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gameday.files.workload import Name
from gameday.steady_state.kpi.units import Duration, Rate, Share, show_duration
from gameday.steady_state.kpi.written import Written

MetricName = Annotated[str, Field(pattern=r"^[^/].*/[^/]+$", description="Namespace/MetricName")]


class Latency(Written):
    """A module's own service time: lognormal, given by its median and its 95th percentile."""

    p50: Duration = Field(gt=0, description="half of all requests take longer")
    p95: Duration = Field(gt=0, description="one in twenty takes longer")

    @model_validator(mode="after")
    def _in_order(self) -> Latency:
        if self.p95 < self.p50:
            msg = f"p95 is at least p50; found {show_duration(self.p95)} and {show_duration(self.p50)}"
            raise ValueError(msg)
        return self


class CallTo(Written):
    """A call to another module for each request served."""

    to: Name = Field(description="the module called")
    only: tuple[Name, ...] = Field((), description="the journeys that make this call; none named: all")
    timeout: Duration | None = Field(
        None, gt=0, description="for the whole call, retries included; none: it waits as long as it takes"
    )
    retries: int = Field(0, ge=0, le=20, description="more attempts after a failed one")
    backoff: Duration = Field(
        0.05, gt=0, description="before the first retry; doubles each time, with jitter, to 20s at most"
    )
    fallback: bool = Field(False, description="when the call fails the request goes on without it")


class Instances(Written):
    """A module on EC2 instances in one scaling group behind one load balancer."""

    each_zone: int = Field(ge=1, description="instances in each zone")
    launch_delay: Duration = Field(90.0, gt=0, description="from a launch to serving requests")
    slots: int = Field(16, ge=1, description="requests that one instance works on at once")
    queue: int = Field(64, ge=0, description="requests that may wait at one instance; more are refused with 503")


class HealthCheck(Written):
    """How the load balancers check their targets (the defaults are ours, quicker than AWS's 30s × 5 / 2).

    AWS takes intervals of 5 to 300 seconds (ELB API Reference, CreateTargetGroup, HealthCheckIntervalSeconds); below a
    second the twin would do little else.
    """

    interval: Duration = Field(10.0, ge=1, description="from one check to the next; ELB's own least is 5s")
    unhealthy: int = Field(2, ge=1, description="failures in a row until a target gets no requests")
    healthy: int = Field(2, ge=1, description="successes in a row until it gets them again")


class Function(Written):
    """A module that is a Lambda function: requests beyond its concurrency are throttled at once."""

    concurrency: int = Field(1000, ge=1, description="of the account, where the function reserves none")


class Table(Written):
    """A module that is a DynamoDB table with provisioned capacity: requests beyond it are throttled at once."""

    read_capacity: int = Field(ge=1, description="units per second")
    write_capacity: int = Field(ge=1, description="units per second")
    units: Literal["read", "write"] = Field("write", description="what one request takes one unit of")


class Stage(Written):
    """A module that is an API Gateway stage: a token bucket in front of what it calls."""

    rate: Rate = Field(gt=0, description="what it lets pass in the long run")
    burst: int = Field(ge=1, description="how many requests it lets pass at once")


class TwinModule(Written):
    """One module: exactly one of instances, function, table, stage; its own latency; whom it calls, in order."""

    instances: Instances | None = Field(None, description="EC2 instances in a scaling group behind a load balancer")
    function: Function | None = Field(None, description="a Lambda function")
    table: Table | None = Field(None, description="a DynamoDB table")
    stage: Stage | None = Field(None, description="an API Gateway stage")
    latency: Latency = Field(description="its own service time; what it calls comes on top")
    errors: Share = Field(0.0, description="of its requests fail by themselves")
    calls: tuple[CallTo, ...] = Field((), description="in this order, for each request")

    @model_validator(mode="after")
    def _one_kind(self) -> TwinModule:
        kinds = [name for name in ("instances", "function", "table", "stage") if getattr(self, name) is not None]
        if len(kinds) != 1:
            msg = f"a module is exactly one of instances, function, table, stage; found {' and '.join(kinds) or 'none'}"
            raise ValueError(msg)
        return self


class Journey(Written):
    """What a customer does: one request that enters the workload at a module."""

    share: Share = Field(gt=0, description="of all customers")
    enters: Name = Field(description="the module that gets the request")
    patience: Duration = Field(10.0, gt=0, description="the customer gives up after so long, which is a failure")


class Customers(Written):
    """Customers: they arrive at random (Poisson), independent of earlier ones (an open loop)."""

    rate: Rate = Field(gt=0, description="how many come, like 50/s")
    journeys: dict[Name, Journey] = Field(min_length=1, description="what they do; the shares add up to 100%")


class Feed(Written):
    """What feeds one metric: of a journey or of a module, tried, failed, seconds taken, or healthy capacity."""

    journey: Name | None = Field(None, description="of this journey's customers")
    module: Name | None = Field(None, description="of this module's callers")
    count: Literal["tried", "failed", "latency", "healthy"] = Field(description="what is counted; latency in seconds")
    dimensions: dict[str, str] = Field({}, description="the metric's CloudWatch dimensions")

    @model_validator(mode="after")
    def _one_origin(self) -> Feed:
        if (self.journey is None) == (self.module is None):
            msg = "a metric is fed by exactly one of journey, module"
            raise ValueError(msg)
        if self.count == "healthy" and self.module is None:
            msg = "healthy counts the targets of a module, not of a journey"
            raise ValueError(msg)
        return self


DAY = 86400.0
"""Seconds; an alarm over more is evaluated by other rules (CloudWatch User Guide, "Alarm evaluation")."""


class TwinAlarm(Written):
    """A CloudWatch alarm that the twin evaluates on its own metrics."""

    metric: MetricName
    dimensions: dict[str, str] = Field({}, description="the metric's CloudWatch dimensions")
    statistic: str = Field(
        "Sum",
        pattern=r"^(Sum|Average|Minimum|Maximum|SampleCount|p(\d{1,2}(\.\d{1,10})?|100))$",
        description="of each period: Sum, Average, Minimum, Maximum, SampleCount, or a percentile like p99",
    )
    period: Duration = Field(60.0, gt=0, description="what one datapoint spans: 10s, 20s, 30s, or whole minutes")
    below: float | None = Field(None, description="it fires below this number")
    above: float | None = Field(None, description="it fires above this number")
    points: int = Field(1, ge=1, description="breaching datapoints (M) …")
    of: int = Field(1, ge=1, description="… of the last so many (N)")
    missing: Literal["breaching", "notBreaching", "ignore", "missing"] = Field(
        "missing", description="what a period without data counts as"
    )

    @model_validator(mode="after")
    def _one_side(self) -> TwinAlarm:
        if (self.below is None) == (self.above is None):
            msg = "an alarm fires below or above a number: exactly one of the two"
            raise ValueError(msg)
        if self.points > self.of:
            msg = f"points ({self.points}) cannot exceed of ({self.of})"
            raise ValueError(msg)
        if self.period not in (10, 20, 30) and self.period % 60:
            msg = f"period is 10s, 20s, 30s, or whole minutes; found {show_duration(self.period)}"
            raise ValueError(msg)
        if self.period * self.of > DAY:
            msg = f"an alarm looks at a day at most; {self.of} times {show_duration(self.period)} is more"
            raise ValueError(msg)
        return self


class TwinFile(Written):
    """How the twin plays a workload."""

    version: Literal[1] = Field(description="of these files' dialect")
    kind: Literal["twin"] = Field(description="what this file is")
    zones: tuple[str, ...] = Field(min_length=1, description="availability zones, like us-east-1a")
    modules: dict[Name, TwinModule] = Field(min_length=1, description="how each module of the workload is played")
    customers: Customers = Field(description="who asks, how often, and for what")
    health_check: HealthCheck = Field(HealthCheck(), description="how load balancers check their targets")
    warm_up: Duration = Field(30.0, ge=0, description="virtual time before a run may look at it")
    metrics: dict[MetricName, Feed] = Field(
        {}, description="Namespace/MetricName: what feeds it, in bins of one second"
    )
    alarms: dict[Name, TwinAlarm] = Field({}, description="CloudWatch alarms, by name")
