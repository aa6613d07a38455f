"""`throttle` on stages of API Gateway's REST APIs: the limits of all methods, and of those with their own."""

from __future__ import annotations

from collections.abc import Sequence

from gameday.aws.answers.apigateway import GET_REST_API, GET_STAGE, MethodSetting
from gameday.aws.resources import OwnedResource
from gameday.change import Json, Probe
from gameday.faults.apigateway import DEFAULT, EVERY_METHOD, NO_LIMIT, throttling
from gameday.faults.fault import FaultContext, counted
from gameday.faults.throttling.metrics import Counted, any_grows
from gameday.faults.throttling.reduction import Left, Reduction, taken, together

Limits = tuple[float, float]
"""Rate and burst."""


def reduced(context: FaultContext, resources: Sequence[OwnedResource], left: Left) -> Reduction:
    """Plan lower limits for stages. Raises AwsError."""
    ids = [stage.name for stage in resources]
    asked = [{"restApiId": api, "stageName": stage} for api, _, stage in (id_.partition("/") for id_ in ids)]
    answers = context.inventory.read_all(GET_STAGE, asked)
    return together(
        _of_stage(context, id_, answer.get("methodSettings", {}), left)
        for id_, answer in zip(ids, answers, strict=True)
    )


def _of_stage(context: FaultContext, id_: str, settings: dict[str, MethodSetting], left: Left) -> Reduction:
    silent = [key for key, raw in settings.items() if not {"throttlingRateLimit", "throttlingBurstLimit"} <= raw.keys()]
    if silent:
        return Reduction(refusals=(f"stage {id_} does not say what {', '.join(silent)} may take: set its throttling",))
    there = {key: (raw["throttlingRateLimit"], raw["throttlingBurstLimit"]) for key, raw in settings.items()}
    without = [key for key in (EVERY_METHOD, *there) if NO_LIMIT in there.get(key, (NO_LIMIT,))]
    if without and left.is_share:
        what = "all methods" if without[0] == EVERY_METHOD else without[0]
        return Reduction(
            refusals=(f"stage {id_} sets no limit for {what} to take a share of: give a number, like `to: 5`",)
        )
    wanted = {key: _after(there[key], left) for key in sorted(there, key=lambda key: (key != EVERY_METHOD, key))}
    changing = {key: limits for key, limits in wanted.items() if limits != there[key]}
    if not changing and EVERY_METHOD in there:
        rate, burst = there[EVERY_METHOD]
        has = f"{counted_rate(rate)} and a burst of {burst:g}"
        return Reduction(idle=(f"stage {id_} already is at {has}: {left.nothing_taken}",))
    api, _, stage = id_.partition("/")
    args: dict[str, dict[str, Json]] = {id_: {"api": api, "stage": stage}}
    fresh: dict[str, Json] = {} if EVERY_METHOD in there else {id_: _json((left.number(), left.number()))}
    values: dict[str, Json] = {key: _json(limits) for key, limits in changing.items()}
    value = values[EVERY_METHOD] if [*values] == [EVERY_METHOD] else values
    shares = [taken(None if was < 0 else was, limits[0]) for key, limits in changing.items() for was in there[key][:1]]
    return Reduction(
        changes=tuple(context.changes(throttling([*changing]), {id_: value}, args)) if changing else (),
        later=tuple(context.changes(DEFAULT, fresh, args)) if fresh else (),
        probes=(_probe(context, id_),),
        shares={id_: max([*shares, *([taken(None, left.number())] if fresh else [])])},
    )


def _after(there: Limits, left: Left) -> Limits:
    rate, burst = (float(left.number()) if limit < 0 else left.of(limit) for limit in there)
    return rate, burst


def _json(limits: Limits) -> Json:
    return {"rate": limits[0], "burst": int(limits[1])}


def counted_rate(rate: float) -> str:
    """Return a rate in words."""
    return counted(int(rate), "request") + " a second" if rate == int(rate) else f"{rate:g} requests a second"


def _probe(context: FaultContext, id_: str) -> Probe:
    """Return the probe of the rejected requests: API Gateway counts a 429 as an error of the client."""
    api, _, stage = id_.partition("/")
    name = context.inventory.read(GET_REST_API, restApiId=api).get("name", "")
    of = (("ApiName", name), ("Stage", stage))
    return any_grows([Counted("AWS/ApiGateway", "4XXError", "Count", of)], covers=(id_,))
