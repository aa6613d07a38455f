"""States of API Gateway's stages, and what throttle does with them: `to: 5%`, unless the state names another value."""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, TargetState, refuses, throttled

GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
REST = f'{GUIDE}api-gateway-request-throttling.html, "Throttle requests to your REST APIs for better throughput"'
PATCHES = "https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html"
HTTP = f'{GUIDE}http-api-throttling.html, "Throttle requests to your HTTP APIs for better throughput"'
WEBSOCKET = f'{GUIDE}websocket-api-protect.html, "Protect your WebSocket APIs in API Gateway"'
V2 = "Amazon API Gateway Version 2 API Reference, "

_NOTHING_TO_SHARE = throttled(refuses("GD-P10", "to take a share of: give a number"))
_AT_NOTHING = throttled(refuses("GD-P10", "would take nothing away"))
_DELETED = throttled(refuses("GD-P10", "does not exist"))
_NOT_OPTED_IN = TargetState(
    "without the opt-in tag",
    "tags lack the workload's opt-in tag",
    "README.md, opt-in",
    throttled(refuses("GD-P11", "does not carry the opt-in tag")),
)

STAGES = (
    TargetState("limits of its own", "methodSettings */* has rate and burst", REST, throttled(WORKS)),
    TargetState("limits of nothing", "throttlingRateLimit and throttlingBurstLimit are 0", REST, _AT_NOTHING),
    TargetState(
        "method with limits of its own",
        "methodSettings has another method than */*: it is reduced with the stage",
        REST,
        throttled(WORKS),
    ),
    TargetState(
        "limits off",
        "throttlingRateLimit and throttlingBurstLimit are -1, and `to: 5`",
        'Terraform, AWS provider, aws_api_gateway_method_settings, "throttling_rate_limit"',
        throttled(WORKS),
    ),
    TargetState(
        "limits off, for a share",
        "throttlingRateLimit and throttlingBurstLimit are -1",
        'Terraform, AWS provider, aws_api_gateway_method_settings, "throttling_rate_limit"',
        _NOTHING_TO_SHARE,
    ),
    TargetState(
        "no settings",
        "methodSettings is empty, and `to: 5`: a replace makes settings, and a remove takes them away",
        PATCHES,
        throttled(WORKS),
    ),
    TargetState("no settings, for a share", "methodSettings is empty", REST, _NOTHING_TO_SHARE),
    TargetState(
        "method without limits in its settings",
        "a method's settings name no throttlingRateLimit: nobody could write back what holds there",
        "Amazon API Gateway API Reference, MethodSetting",
        throttled(refuses("GD-P10", "does not say what orders~1items/POST may take")),
    ),
    TargetState(
        "deleted", "GetStage answers NotFoundException", "Amazon API Gateway API Reference, GetStage, Errors", _DELETED
    ),
    _NOT_OPTED_IN,
)

HTTP_STAGES = (
    TargetState("limits of its own", "DefaultRouteSettings has rate and burst", HTTP, throttled(WORKS)),
    TargetState(
        "route with limits of its own",
        "RouteSettings has rate and burst of a route: it is reduced with the stage",
        HTTP,
        throttled(WORKS),
    ),
    TargetState(
        "stage of a WebSocket API",
        "ProtocolType is WEBSOCKET: its settings also name logging",
        WEBSOCKET,
        throttled(WORKS),
    ),
    TargetState("limits of nothing", "ThrottlingRateLimit and ThrottlingBurstLimit are 0", HTTP, _AT_NOTHING),
    TargetState(
        "no default limits",
        "DefaultRouteSettings names no rate and no burst, and no call takes them away again",
        f"{V2}DeleteRouteSettings",
        throttled(refuses("GD-P10", "has no default limits that an undo could write back")),
    ),
    TargetState(
        "managed by API Gateway",
        "ApiGatewayManaged is true: quick create made it, and it cannot be changed",
        f"{V2}Stage, ApiGatewayManaged",
        throttled(refuses("GD-P10", "is managed by API Gateway")),
    ),
    TargetState("deleted", "GetStage answers NotFoundException", f"{V2}GetStage, Errors", _DELETED),
    _NOT_OPTED_IN,
)
