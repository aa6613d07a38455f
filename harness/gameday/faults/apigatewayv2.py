"""The setting of API Gateway's HTTP and WebSocket stages that `throttle` sets."""

from __future__ import annotations

from gameday.change import Call, Json, NormalForm, Read, Setting, Shape

HTTP_MEMBERS = ("DetailedMetricsEnabled || `false`", "ThrottlingBurstLimit", "ThrottlingRateLimit")
WEBSOCKET_MEMBERS = (*HTTP_MEMBERS, "DataTraceEnabled || `false`", "LoggingLevel || 'OFF'")
"""What AWS takes for a route of each protocol, with what it does by default (API Gateway V2 API Reference,
RouteSettings)."""

_STAGE: dict[str, Json] = {"ApiId": {"$": "args.api"}, "StageName": {"$": "args.stage"}}


def route_throttling(*, is_websocket: bool = False, has_routes: bool = False) -> Setting:
    """Return the setting of a stage's route settings: the default ones, and those of single routes.

    An update names them whole, since no document of AWS says whether it merges them. Its value is the default settings;
    where routes have their own, {default, routes}.
    """
    members = WEBSOCKET_MEMBERS if is_websocket else HTTP_MEMBERS
    default = "DefaultRouteSettings.{" + ", ".join(f"{member.partition(' ')[0]}: {member}" for member in members) + "}"
    params: dict[str, Json] = {"DefaultRouteSettings": {"$": "value.default" if has_routes else "value"}}
    if has_routes:
        params["RouteSettings"] = {"$": "value.routes"}
    return Setting(
        name="http-stage.throttling",
        about="the rate (requests per second) and burst (requests at once) of an HTTP or WebSocket stage's routes",
        shape=Shape.SCALAR,
        resource="HTTP stage",
        read=Read(
            call=Call(service="apigatewayv2", operation="get_stage", params=_STAGE),
            rows=f"[{{value: {{default: {default}, routes: RouteSettings}}}}]"
            if has_routes
            else f"[{{value: {default}}}]",
            plural=False,
            needs=("StageName", "DefaultRouteSettings"),
        ),
        write=Call(service="apigatewayv2", operation="update_stage", params={**_STAGE, **params}),
        canonical=NormalForm.TEXT,
        settle=5.0,
        retry=("ConflictException",),
        gone=("NotFoundException",),
    )


ROUTES = route_throttling()
