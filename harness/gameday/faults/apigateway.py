"""The settings of API Gateway (REST) stages that `throttle` sets."""

from __future__ import annotations

from collections.abc import Sequence

from gameday.change import Call, Json, NormalForm, Read, Setting, Shape

EVERY_METHOD = "*/*"
"""The key of what a stage sets for all methods without settings of their own (API Gateway API Reference, Stage)."""
NO_LIMIT = -1.0
"""A method setting without throttling reads so, and is written so (Terraform's AWS provider,
aws_api_gateway_method_settings: throttling_rate_limit "defaults to -1 (throttling disabled)")."""

_STAGE: dict[str, Json] = {"restApiId": {"$": "args.api"}, "stageName": {"$": "args.stage"}}


def patch_path(method: str) -> str:
    """Return the path of a method's settings in a patch: slashes within the resource's path are `~1`.

    Source: API Gateway API Reference, PatchOperation.

    >>> patch_path("orders/items/POST"), patch_path("~1orders/POST")
    ('/orders~1items/POST', '/~1orders/POST')
    """
    resource, _, verb = method.rpartition("/")
    return f"/{resource.replace('/', '~1')}/{verb}"


def _replace(method: str, path: str, value: str) -> Json:
    of = {"op": "replace", "path": f"{patch_path(method)}/throttling/{path}"}
    return {**of, "value": {"$": f"to_string({value})"}}


def throttling(methods: Sequence[str] = (EVERY_METHOD,)) -> Setting:
    """Return the setting of the rate and burst of these methods of a stage, which all have settings of their own.

    Its value is {rate, burst}; with overrides, such a pair for each method.
    """
    alone = tuple(methods) == (EVERY_METHOD,)
    limits = {
        method: f'methodSettings."{method}".{{rate: throttlingRateLimit, burst: throttlingBurstLimit}}'
        for method in methods
    }
    rows = limits[EVERY_METHOD] if alone else "{" + ", ".join(f'"{key}": {path}' for key, path in limits.items()) + "}"
    value = f"{{value: {rows}}}"
    patches = [
        _replace(method, path, f"value.{name}" if alone else f'value."{method}".{name}')
        for method in methods
        for path, name in (("rateLimit", "rate"), ("burstLimit", "burst"))
    ]
    return Setting(
        name="stage.throttling",
        about="a stage's rate (requests per second) and burst (requests at once), by default and for single methods",
        shape=Shape.SCALAR,
        resource="stage",
        read=Read(
            call=Call(service="apigateway", operation="get_stage", params=_STAGE),
            rows=f"[{value}]",
            plural=False,
            needs=("stageName",),
        ),
        write=Call(service="apigateway", operation="update_stage", params={**_STAGE, "patchOperations": patches}),
        canonical=NormalForm.TEXT,
        settle=5.0,
        retry=("ConflictException",),
        gone=("NotFoundException",),
    )


THROTTLING = throttling()

DEFAULT = THROTTLING.model_copy(
    update={
        "name": "stage.default-throttling",
        "about": "the rate and burst of a stage that sets none for its methods",
        "clear": Call(
            service="apigateway",
            operation="update_stage",
            params={**_STAGE, "patchOperations": [{"op": "remove", "path": patch_path(EVERY_METHOD)}]},
        ),
    }
)
"""A `replace` creates the settings of all methods, and a `remove` takes them away again (API Gateway API Reference,
UpdateStage, patch operations). Only for stages without them: the remove also takes logging and caching settings."""
