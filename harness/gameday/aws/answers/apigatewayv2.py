"""API Gateway V2: HTTP and WebSocket APIs, and their stages."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class Api(TypedDict):
    """An API: HTTP or WEBSOCKET."""

    ProtocolType: str


RouteSettings = dict[str, bool | int | float | str]
"""What a stage sets for its routes, by the names of AWS: `ThrottlingRateLimit`, `ThrottlingBurstLimit`, …"""


class HttpStage(TypedDict):
    """A stage; `RouteSettings` has the routes with settings of their own."""

    StageName: str
    ApiGatewayManaged: NotRequired[bool]
    DefaultRouteSettings: NotRequired[RouteSettings]
    RouteSettings: NotRequired[dict[str, RouteSettings]]


GET_API = Operation("apigatewayv2", "get_api", Api)
GET_STAGE = Operation("apigatewayv2", "get_stage", HttpStage)
