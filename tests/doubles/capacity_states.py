"""The documented states of what throttle meets: each a layout on moto, what is made there, and what AWS answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gameday.change import Call, Json
from gameday.errors import AwsError

from tests.doubles.reasons import NOW
from tests.doubles.shop import ACCOUNT, BEYOND, REGION, Layout, Shop
from tests.doubles.states import Edit, Edits

LASTS = 600.0
"""Seconds that the fault stays."""
NOTHING = Layout(zones=(), groups=(), shared=False, functions=(), tables=(), stages=())
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:failed"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/orders"


@dataclass(frozen=True)
class Built:
    """A state: how moto is laid out, what is made there, what AWS answers, and what is planned."""

    layout: Layout
    make: Callable[[Shop], None] = lambda _: None
    edits: Edits = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


def call(shop: Shop, service: str, operation: str, **params: Any) -> Any:
    return shop.account.call(Call(service=service, operation=operation, params=params), REGION)


def gone(service: str, operation: str, code: str) -> Edits:
    return {operation: AwsError(service, operation, code, "gone")}


def without_tags() -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["ResourceTagMappingList"]:
            raw["Tags"] = []

    return {"get_resources": edit}


# functions ------------------------------------------------------------------------------------------------------------


def function(make: Callable[[Shop], None] = lambda _: None, reserved: int | None = None, **more: Any) -> Built:
    to, edits = more.get("to", 0), more.get("edits", {})
    return Built(replace(NOTHING, functions=(reserved,)), make, edits, {"function": "payments", "to": to})


def configured(**fields: Any) -> Edits:
    return {"get_function_configuration": lambda answer, _: answer.update(fields)}


def limits(total: int, left: int) -> Edits:
    limit: Json = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": left}
    return {"get_account_settings": {"AccountLimit": limit}}


def permit(service: str) -> Callable[[Shop], None]:
    def make(shop: Shop) -> None:
        of = {"FunctionName": "payments", "Action": "lambda:InvokeFunction", "Principal": service}
        call(shop, "lambda", "add_permission", StatementId="invoker", **of)

    return make


def invoked(**config: Any) -> Callable[[Shop], None]:
    """S3 invokes the function, which has a configuration for that."""

    def make(shop: Shop) -> None:
        permit("s3.amazonaws.com")(shop)
        call(shop, "lambda", "put_function_event_invoke_config", FunctionName="payments", **config)

    return make


def published(shop: Shop) -> None:
    version = call(shop, "lambda", "publish_version", FunctionName="payments")["Version"]
    call(shop, "lambda", "create_alias", FunctionName="payments", Name="live", FunctionVersion=version)


def dead_lettered(answer: Any, _: Call) -> None:
    for raw in answer["Versions"]:
        raw["DeadLetterConfig"] = {"TargetArn": TOPIC}


def fed(*, is_gone: bool = False, **attributes: str) -> Callable[[Shop], None]:
    """A queue feeds the function."""

    def make(shop: Shop) -> None:
        url = call(shop, "sqs", "create_queue", QueueName="orders", Attributes=attributes)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
        call(shop, "lambda", "create_event_source_mapping", FunctionName="payments", EventSourceArn=arn)
        if is_gone:
            call(shop, "sqs", "delete_queue", QueueUrl=url)

    return make


def redriven(shop: Shop) -> None:
    call(shop, "sqs", "create_queue", QueueName="dead")
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    fed(RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 5}))(shop)


def streamed(**fields: Json) -> Edits:
    mapping: Json = {"FunctionArn": "payments", "EventSourceArn": STREAM, **fields}
    return {"list_event_source_mappings": {"EventSourceMappings": [mapping]}}


S3 = permit("s3.amazonaws.com")
PROVIDER: Json = {
    "LambdaManagedInstancesCapacityProviderConfig": {
        "CapacityProviderArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:capacity-provider:shop"
    }
}
PROVISIONED: Json = {"ProvisionedConcurrencyConfigs": [{"RequestedProvisionedConcurrentExecutions": 5}]}

FUNCTIONS: dict[str, Callable[[str], Built]] = {
    "reserves none": lambda _: function(),
    "reserves some": lambda _: function(reserved=20),
    "reserves nothing at all": lambda _: function(reserved=0),
    "reserves none, for a share": lambda _: function(to="5%"),
    "shares less than it is to keep": lambda _: function(edits=limits(1000, 103), to=500),
    "unreserved floor": lambda _: function(edits=limits(1000, 103), to=50),
    "unreserved floor, at its undo": lambda _: function(reserved=20, edits=limits(1000, 90)),
    "small account": lambda _: function(edits=limits(10, 10)),
    "provisioned concurrency": lambda _: function(
        published, edits={"list_provisioned_concurrency_configs": PROVISIONED}
    ),
    "versions and aliases": lambda _: function(published),
    "ready": lambda value: function(edits=configured(State=value)),
    "not ready": lambda value: function(edits=configured(State=value)),
    "on managed instances": lambda _: function(edits=configured(CapacityProviderConfig=PROVIDER)),
    "update in progress": lambda _: function(edits=configured(LastUpdateStatus="InProgress")),
    "invoked by a caller that waits": lambda _: function(permit("apigateway.amazonaws.com")),
    "events without a destination": lambda _: function(S3),
    "events with a failure destination": lambda _: function(
        invoked(DestinationConfig={"OnFailure": {"Destination": TOPIC}})
    ),
    "events with a dead-letter queue": lambda _: function(S3, edits={"list_versions_by_function": dead_lettered}),
    "events that wait": lambda _: function(S3, to=5),
    "events that expire": lambda _: function(invoked(MaximumEventAgeInSeconds=60), to=5),
    "queue with a dead-letter queue": lambda _: function(redriven),
    "queue without a dead-letter queue": lambda _: function(fed()),
    "queue that keeps messages shortly": lambda _: function(fed(MessageRetentionPeriod="60")),
    "queue that cannot be read": lambda _: function(fed(is_gone=True)),
    "stream that waits": lambda _: function(edits=streamed(MaximumRecordAgeInSeconds=-1)),
    "stream whose records expire": lambda _: function(edits=streamed(MaximumRecordAgeInSeconds=60)),
    "disabled event source": lambda _: function(edits=streamed(MaximumRecordAgeInSeconds=60, State="Disabled")),
    "deleted": lambda _: function(
        edits=gone("lambda", "get_function_configuration", "ResourceNotFoundException"),
    ),
    "without the opt-in tag": lambda _: function(edits=without_tags()),
}

# tables ---------------------------------------------------------------------------------------------------------------


def table(make: Callable[[Any], None] = lambda _: None, units: tuple[int, int] = (40, 20), **layout: Any) -> Built:
    """A table with provisioned capacity; `make` changes what moto keeps of it."""
    return _table("ledger", make, replace(NOTHING, tables=(units,), **layout))


def on_demand(maxima: tuple[int, int] | None, make: Callable[[Any], None] = lambda _: None, to: Json = "5%") -> Built:
    return _table("orders", make, replace(NOTHING, on_demand=(maxima,)), to)


def _table(name: str, make: Callable[[Any], None], layout: Layout, to: Json = "5%") -> Built:
    def made(_: Shop) -> None:
        make(BEYOND.backend("dynamodb", REGION).tables[name])

    return Built(layout, made, fields={"table": name, "to": to})


def decreased(number: int, seconds_ago: float) -> Callable[[Any], None]:
    return lambda kept: vars(kept).update(
        decreases={"NumberOfDecreasesToday": number, "LastDecreaseDateTime": NOW - seconds_ago}
    )


def replicated(kept: Any) -> None:
    kept.Replicas = [{"RegionName": REGION}, {"RegionName": "eu-west-1"}]


def limit_reads_alone(kept: Any) -> None:
    kept.OnDemandThroughput = {"MaxReadRequestUnits": 400}


def described(built: Built, edit: Callable[[Any], None]) -> Built:
    def of_table(answer: Any, _: Call) -> None:
        edit(answer["Table"])

    return replace(built, edits={"describe_table": of_table})


def index_used_up(raw: Any) -> None:
    for index in raw["GlobalSecondaryIndexes"]:
        index["ProvisionedThroughput"] |= {"NumberOfDecreasesToday": 4, "LastDecreaseDateTime": NOW - 60}


def index_status(value: str) -> Callable[[Any], None]:
    def edit(raw: Any) -> None:
        for index in raw["GlobalSecondaryIndexes"]:
            index["IndexStatus"] = value

    return edit


INDEXES = ((100, 10), (30, 1))

TABLES: dict[str, Callable[[str], Built]] = {
    "active": lambda _: table(),
    "at its least": lambda _: table(units=(1, 1)),
    "with indexes": lambda _: table(indexes=INDEXES),
    "index alone above its least": lambda _: table(units=(1, 1), indexes=INDEXES),
    "autoscaled": lambda _: table(scaled=True),
    "decreases left today": lambda _: table(decreased(3, 60)),
    "no decrease for an hour": lambda _: table(decreased(27, 3600)),
    "decreases used up": lambda _: table(decreased(27, 60)),
    "index without decreases left": lambda _: described(table(indexes=INDEXES), index_used_up),
    "warm above its capacity": lambda _: described(
        table(), lambda raw: raw.update(WarmThroughput={"ReadUnitsPerSecond": 30000, "WriteUnitsPerSecond": 10000})
    ),
    "deletion protection": lambda _: described(table(), lambda raw: raw.update(DeletionProtectionEnabled=True)),
    "on demand, with a maximum": lambda _: on_demand((400, 100)),
    "on demand, without a maximum": lambda _: on_demand(None, to=5),
    "on demand, for a share": lambda _: on_demand(None),
    "on demand, one maximum for a share": lambda _: on_demand(None, limit_reads_alone),
    "global table": lambda _: table(replicated),
    "global table on demand": lambda _: on_demand((400, 100), replicated),
    "not active": lambda value: described(table(), lambda raw: raw.update(TableStatus=value)),
    "index that is not active": lambda value: described(table(indexes=INDEXES), index_status(value)),
    "deleted": lambda _: replace(table(), edits=gone("dynamodb", "describe_table", "ResourceNotFoundException")),
    "without the opt-in tag": lambda _: replace(table(), edits=without_tags()),
}

# stages ---------------------------------------------------------------------------------------------------------------


def stage(limits_: tuple[float, int] | None, to: Json = "5%", **more: Any) -> Built:
    override = more.get("override")
    layout = replace(NOTHING, stages=(limits_,), override=override)
    return Built(layout, edits=more.get("edits", {}), fields={"stage": "{api}/live", "to": to})


def http_stage(edits: Edits | None = None, limits_: tuple[float, int] = (1000.0, 2000)) -> Built:
    layout = replace(NOTHING, http_stages=(limits_,))
    return Built(layout, edits=edits or {}, fields={"http_stage": "{http_api}/$default", "to": "5%"})


def silent(answer: Any, _: Call) -> None:
    answer["methodSettings"]["orders~1items/POST"].pop("throttlingRateLimit")


def without_routes(answer: Any, _: Call) -> None:
    answer.pop("RouteSettings", None)


def without_defaults(answer: Any, _: Call) -> None:
    answer["DefaultRouteSettings"] = {"DetailedMetricsEnabled": False}


def managed(answer: Any, _: Call) -> None:
    answer["ApiGatewayManaged"] = True


def of_websocket(answer: Any, _: Call) -> None:
    answer["ProtocolType"] = "WEBSOCKET"


def _get_stage(edit: Edit) -> Edits:
    return {"get_stage": edit}


STAGES: dict[str, Callable[[str], Built]] = {
    "limits of its own": lambda _: stage((100.0, 50)),
    "limits of nothing": lambda _: stage((0.0, 0)),
    "method with limits of its own": lambda _: stage((100.0, 50), override=(40.0, 20)),
    "limits off": lambda _: stage((-1.0, -1), to=5),
    "limits off, for a share": lambda _: stage((-1.0, -1)),
    "no settings": lambda _: stage(None, to=5),
    "no settings, for a share": lambda _: stage(None),
    "method without limits in its settings": lambda _: stage(
        (100.0, 50), override=(40.0, 20), edits=_get_stage(silent)
    ),
    "deleted": lambda _: stage((100.0, 50), edits=gone("apigateway", "get_stage", "NotFoundException")),
    "without the opt-in tag": lambda _: stage((100.0, 50), edits=without_tags()),
}

HTTP_STAGES: dict[str, Callable[[str], Built]] = {
    "limits of its own": lambda _: http_stage(_get_stage(without_routes)),
    "route with limits of its own": lambda _: http_stage(),
    "stage of a WebSocket API": lambda _: http_stage({"get_api": of_websocket}),
    "limits of nothing": lambda _: http_stage(limits_=(0.0, 0)),
    "no default limits": lambda _: http_stage(_get_stage(without_defaults)),
    "managed by API Gateway": lambda _: http_stage(_get_stage(managed)),
    "deleted": lambda _: http_stage(gone("apigatewayv2", "get_stage", "NotFoundException")),
    "without the opt-in tag": lambda _: http_stage(without_tags()),
}

BUILT: Mapping[str, Mapping[str, Callable[[str], Built]]] = {
    "function": FUNCTIONS,
    "table": TABLES,
    "stage": STAGES,
    "HTTP stage": HTTP_STAGES,
}
"""Kind of target → its states by name, each from one of the state's values (empty where it names none)."""
