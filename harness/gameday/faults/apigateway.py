"""The setting of API Gateway (REST) stages that `throttle` sets."""

from __future__ import annotations

from gameday.change import Call, Json, NormalForm, Read, Setting, Shape


def _replace(path: str, value: str) -> Json:
    return {"op": "replace", "path": f"/*/*/throttling/{path}", "value": {"$": f"to_string(value.{value})"}}


THROTTLING = Setting(
    name="stage.throttling",
    about="a stage's default rate (requests per second) and burst (requests at once)",
    shape=Shape.SCALAR,
    resource="stage",
    read=Read(
        call=Call(
            service="apigateway",
            operation="get_stage",
            params={"restApiId": {"$": "args.api"}, "stageName": {"$": "args.stage"}},
        ),
        rows='[methodSettings."*/*".{value: {rate: throttlingRateLimit, burst: throttlingBurstLimit}}]',
        plural=False,
        needs=("stageName",),
    ),
    write=Call(
        service="apigateway",
        operation="update_stage",
        params={
            "restApiId": {"$": "args.api"},
            "stageName": {"$": "args.stage"},
            "patchOperations": [_replace("rateLimit", "rate"), _replace("burstLimit", "burst")],
        },
    ),
    canonical=NormalForm.TEXT,
    settle=5.0,
    retry=("ConflictException",),
    gone=("NotFoundException",),
)
