"""Calls of AWS that moto lacks or carries out otherwise, on moto's own backends.

On-demand maxima of tables and indexes, stages of HTTP APIs that are updated, method settings that are removed, and
provisioned concurrency. Only what the faults of Gameday call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.errors import AwsError
from moto.backends import get_backend


class BeyondMoto:
    """The calls that it answers, by service and operation; moto answers the others."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._answers: Mapping[str, Callable[[Account, Call, str], Json | None]] = {
            "dynamodb.describe_table": self._describe_table,
            "dynamodb.update_table": self._update_table,
            "apigatewayv2.update_stage": self._update_http_stage,
            "apigateway.update_stage": self._update_stage,
            "lambda.list_provisioned_concurrency_configs": self._provisioned,
        }

    def answer(self, account: Account, call: Call, region: str) -> Json | None:
        """One call's answer; None leaves it to moto. Raises AwsError."""
        found = self._answers.get(str(call))
        return found(account, call, region) if found else None

    def backend(self, service: str, region: str) -> Any:
        """What moto keeps of a service."""
        return get_backend(service)[self._account][region]

    def _describe_table(self, account: Account, call: Call, region: str) -> Json:
        answer = account.call(call, region)
        table = self.backend("dynamodb", region).tables[call.params["TableName"]]
        raw = answer["Table"]
        raw |= {key: value for key, value in vars(table).items() if key in ("OnDemandThroughput", "Replicas")}
        raw["ProvisionedThroughput"] |= getattr(table, "decreases", {})
        for index in raw.get("GlobalSecondaryIndexes", []):
            found = next(found for found in table.global_indexes if found.name == index["IndexName"])
            index |= {key: value for key, value in vars(found).items() if key == "OnDemandThroughput"}
        return answer

    def _update_table(self, account: Account, call: Call, region: str) -> Json | None:
        """AWS refuses a part that would not change (DynamoDB API Reference, UpdateTable)."""
        table = self.backend("dynamodb", region).tables.get(call.params["TableName"])
        if table is None:
            return None
        parts = [(table, call.params), *self._indexes(table, call)]
        for part, wanted in parts:
            if "OnDemandThroughput" in wanted:
                limits = {key: value for key, value in wanted["OnDemandThroughput"].items() if value != -1}
                if limits:
                    part.OnDemandThroughput = limits
                else:
                    vars(part).pop("OnDemandThroughput", None)
            if (
                part is not table
                and "ProvisionedThroughput" in wanted
                and _units(part.throughput) == wanted["ProvisionedThroughput"]
            ):
                message = f"The provisioned throughput for the index {part.name} will not change."
                raise AwsError(call.service, call.operation, "ValidationException", message)
        return {} if "ProvisionedThroughput" not in str(call.params) else None

    def _indexes(self, table: Any, call: Call) -> list[tuple[Any, Any]]:
        by_name = {index.name: index for index in table.global_indexes}
        updates = [update["Update"] for update in call.params.get("GlobalSecondaryIndexUpdates", [])]
        return [(by_name[update["IndexName"]], update) for update in updates]

    def _update_http_stage(self, account: Account, call: Call, region: str) -> Json:
        account.call(_get_http_stage(call), region)
        stage = self.backend("apigatewayv2", region).apis[call.params["ApiId"]].stages[call.params["StageName"]]
        if "DefaultRouteSettings" in call.params:
            stage.default_route_settings = _lower(call.params["DefaultRouteSettings"])
        for route, settings in call.params.get("RouteSettings", {}).items():
            stage.route_settings = {**stage.route_settings, route: _lower(settings)}
        return {"StageName": stage.name}

    def _update_stage(self, account: Account, call: Call, region: str) -> Json | None:
        removed = [patch["path"] for patch in call.params["patchOperations"] if patch["op"] == "remove"]
        if not removed:
            return None
        answer = account.call(_get_stage(call), region)
        stage = self.backend("apigateway", region).apis[call.params["restApiId"]].stages[call.params["stageName"]]
        for path in removed:
            stage.method_settings.pop(path.removeprefix("/"), None)
        return answer

    def _provisioned(self, account: Account, call: Call, region: str) -> Json:
        requested = getattr(self.backend("lambda", region), "provisioned", {}).get(call.params["FunctionName"], [])
        return {
            "ProvisionedConcurrencyConfigs": [{"RequestedProvisionedConcurrentExecutions": one} for one in requested]
        }


def _get_stage(call: Call) -> Call:
    return Call(service="apigateway", operation="get_stage", params=_of(call, "restApiId", "stageName"))


def _get_http_stage(call: Call) -> Call:
    return Call(service="apigatewayv2", operation="get_stage", params=_of(call, "ApiId", "StageName"))


def _of(call: Call, *names: str) -> dict[str, Json]:
    return {name: call.params[name] for name in names}


def _units(throughput: Mapping[str, Any]) -> dict[str, Any]:
    return {key: throughput[key] for key in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _lower(settings: Mapping[str, Json]) -> dict[str, Json]:
    """Members as moto keeps them: the first letter small."""
    return {f"{key[0].lower()}{key[1:]}": value for key, value in settings.items()}
