"""API Gateway: REST APIs and their stages."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class RestApi(TypedDict):
    """A REST API."""

    id: str
    name: NotRequired[str]
    tags: NotRequired[dict[str, str]]


class GetRestApis(TypedDict):
    """The answer to GetRestApis: no `items` where there is no API."""

    items: NotRequired[list[RestApi]]


class MethodSetting(TypedDict, total=False):
    """What a stage sets for its methods: requests a second, and how many at once."""

    throttlingRateLimit: float
    throttlingBurstLimit: int


class Stage(TypedDict):
    """A stage; under `*/*` stands what it sets for all methods."""

    stageName: str
    methodSettings: NotRequired[dict[str, MethodSetting]]
    tags: NotRequired[dict[str, str]]


class GetStages(TypedDict):
    """The answer to GetStages: no `item` where the API has no stage."""

    item: NotRequired[list[Stage]]


GET_REST_API = Operation("apigateway", "get_rest_api", RestApi)
GET_REST_APIS = Operation("apigateway", "get_rest_apis", GetRestApis)
GET_STAGES = Operation("apigateway", "get_stages", GetStages)
GET_STAGE = Operation("apigateway", "get_stage", Stage)
