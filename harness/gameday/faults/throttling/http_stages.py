"""`throttle` on stages of API Gateway's HTTP and WebSocket APIs: the limits of all routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gameday.aws.answers.apigatewayv2 import GET_API, GET_STAGE, HttpStage, RouteSettings
from gameday.aws.resources import OwnedResource
from gameday.change import Json, Probe
from gameday.faults.apigatewayv2 import route_throttling
from gameday.faults.fault import FaultContext
from gameday.faults.throttling.metrics import Counted, any_grows
from gameday.faults.throttling.reduction import Left, Reduction, taken, together

RATE, BURST = "ThrottlingRateLimit", "ThrottlingBurstLimit"
OF_HTTP: Mapping[str, Json] = {"DetailedMetricsEnabled": False}
OF_WEBSOCKET: Mapping[str, Json] = {**OF_HTTP, "DataTraceEnabled": False, "LoggingLevel": "OFF"}
"""What a stage's default route does where AWS's answer names nothing, by protocol (API Gateway V2 API Reference,
RouteSettings)."""


def reduced(context: FaultContext, resources: Sequence[OwnedResource], left: Left) -> Reduction:
    """Plan lower limits for stages. Raises AwsError."""
    return together(_of_stage(context, stage.name, left) for stage in resources)


def _of_stage(context: FaultContext, id_: str, left: Left) -> Reduction:
    api, _, name = id_.partition("/")
    stage = context.inventory.read(GET_STAGE, ApiId=api, StageName=name)
    if reason := _unwritable(id_, stage):
        return Reduction(refusals=(reason,))
    default, routes = stage.get("DefaultRouteSettings", {}), stage.get("RouteSettings", {})
    limited = [settings for settings in (default, *routes.values()) if _limits(settings)]
    if all(_after(settings, left) == settings for settings in limited):
        has = f"{default[RATE]} requests a second and a burst of {default[BURST]}"
        return Reduction(idle=(f"HTTP stage {id_} already is at {has}: {left.nothing_taken}",))
    is_websocket = context.inventory.read(GET_API, ApiId=api)["ProtocolType"] == "WEBSOCKET"
    known = OF_WEBSOCKET if is_websocket else OF_HTTP
    value: Json = {**known, **{key: of for key, of in _after(default, left).items() if key in (*known, RATE, BURST)}}
    if routes:
        value = {"default": value, "routes": {key: {**_after(settings, left)} for key, settings in routes.items()}}
    setting = route_throttling(is_websocket=is_websocket, has_routes=bool(routes))
    args: dict[str, dict[str, Json]] = {id_: {"api": api, "stage": name}}
    rates = [rate for settings in limited for key, rate in _limits(settings).items() if key == RATE]
    return Reduction(
        changes=tuple(context.changes(setting, {id_: value}, args)),
        probes=(_probe(api, name, id_, is_websocket),),
        shares={id_: max(taken(rate, left.of(rate)) for rate in rates)},
    )


def _limits(settings: RouteSettings) -> dict[str, float]:
    return {key: float(of) for key, of in settings.items() if key in (RATE, BURST)}


def _after(settings: RouteSettings, left: Left) -> RouteSettings:
    """Return the settings with lower limits; a burst is a whole number."""
    lower = {key: left.of(limit) for key, limit in _limits(settings).items()}
    return {**settings, **{key: int(limit) if key == BURST else limit for key, limit in lower.items()}}


def _unwritable(id_: str, stage: HttpStage) -> str:
    """Return why nothing could undo a throttle of a stage; empty where it can be undone.

    No call takes a stage's default limits away again: DeleteRouteSettings is for single routes (API Gateway V2 API
    Reference). A stage that quick create made cannot be changed (the same, Stage, ApiGatewayManaged).
    """
    if stage.get("ApiGatewayManaged"):
        return f"HTTP stage {id_} is managed by API Gateway, which refuses changes: create a stage of your own"
    if not {RATE, BURST} <= stage.get("DefaultRouteSettings", {}).keys():
        return (
            f"HTTP stage {id_} has no default limits that an undo could write back: "
            f"set {RATE} and {BURST} of its default route first"
        )
    return ""


def _probe(api: str, stage: str, id_: str, is_websocket: bool) -> Probe:
    """Return the probe of the rejected requests (API Gateway Developer Guide, metrics of HTTP and WebSocket APIs)."""
    counted, beside = ("ClientError", "MessageCount") if is_websocket else ("4xx", "Count")
    metric = Counted("AWS/ApiGateway", counted, beside, (("ApiId", api), ("Stage", stage)))
    return any_grows([metric], covers=(id_,))
