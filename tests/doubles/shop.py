"""A small workload on moto: two zones, a module on instances, a function, a table, an API stage.

Every setting that a fault sets has a value that can be written in more than one way, so that the rough account can.
"""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import botocore.session
from gameday.aws.account import AnyCall
from gameday.aws.arns import ArnPlace
from gameday.aws.client import Aws
from gameday.aws.connection import Connection
from gameday.aws.inventory import Inventory
from gameday.aws.resources import Ownership
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.faults.fault import FaultContext
from gameday.sdk.proxy.rules import Rules
from gameday.sdk.proxy.server import proxy
from gameday.sdk.rule import Rule
from gameday.testing.wrapper import Wrapped
from moto import mock_aws
from moto.core import responses

from tests.doubles.beyond_moto import BeyondMoto
from tests.doubles.nonsense import Gate

REGION = "us-east-1"
ACCOUNT = "123456789012"  # of moto
OWNS = {"app": "shop"}
TAGS = OWNS | {"module": "web", "gameday": "allowed"}
BEYOND = BeyondMoto(ACCOUNT)


class Moto(Wrapped):
    """moto where it answers as AWS does not.

    A stale association id: an error of Python's own (AWS: InvalidAssociationID.NotFound). An ACL that is not there: the
    subnet's association is lost first (AWS: InvalidNetworkAclID.NotFound, and nothing happens). A security group that
    is not there: nobody is written (AWS: InvalidGroup.NotFound). GetAccountSettings of
    Lambda, which it does not have: a thousand at once, less what is reserved. Stages in the tagging API. A member that
    was stopped or terminated: its scaling group replaces it, unless ReplaceUnhealthy is suspended.
    """

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if (answer := BEYOND.answer(self.account, call, region)) is not None:
            return answer
        if call.service == "resourcegroupstaggingapi":
            answer = super().answer(call, region, paged)
            return {"ResourceTagMappingList": [*answer["ResourceTagMappingList"], *self._tagged_stages(call, region)]}
        if call.operation == "get_account_settings":
            functions = super().answer(Call(service="lambda", operation="list_functions"), region, paged=True)
            reserves = [
                Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": one})
                for one in (raw["FunctionName"] for raw in functions["Functions"])
            ]
            answers = [super(Moto, self).answer(reserve, region, paged=False) for reserve in reserves]
            left = 1000 - sum(answer.get("ReservedConcurrentExecutions", 0) for answer in answers)
            return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": left}}
        if call.operation == "replace_network_acl_association":
            wanted = {"NetworkAclIds": [call.params["NetworkAclId"]]}
            try:
                super().answer(
                    Call(service="ec2", operation="describe_network_acls", params=wanted), region, paged=False
                )
            except AwsError as error:
                raise AwsError(call.service, call.operation, "InvalidNetworkAclID.NotFound", "gone") from error
        if call.operation == "modify_network_interface_attribute":
            groups = {"GroupIds": call.params["Groups"]}  # an unknown one is answered with InvalidGroup.NotFound
            super().answer(
                Call(service="ec2", operation="describe_security_groups", params=groups), region, paged=False
            )
        if call.operation in ("stop_instances", "terminate_instances"):
            answer = super().answer(call, region, paged)
            self._replace(call.params["InstanceIds"], region)
            return answer
        try:
            return super().answer(call, region, paged)
        except AwsError as error:
            if error.code != "StopIteration":
                raise
            raise AwsError(call.service, call.operation, "InvalidAssociationID.NotFound", "stale") from error

    def _replace(self, ids: Json, region: str) -> None:
        """Replace members as their groups do, past the allow-list of a run."""
        groups = aws().call(Call(service="autoscaling", operation="describe_auto_scaling_groups"), region)
        for group in groups["AutoScalingGroups"]:
            if "ReplaceUnhealthy" in {process["ProcessName"] for process in group["SuspendedProcesses"]}:
                continue
            for member in group["Instances"]:
                if member["InstanceId"] in ids:
                    params = {"InstanceId": member["InstanceId"], "ShouldDecrementDesiredCapacity": False}
                    terminate = "terminate_instance_in_auto_scaling_group"
                    aws().call(Call(service="autoscaling", operation=terminate, params=params), region)

    def _tagged_stages(self, call: Call, region: str) -> list[Json]:
        """The stages that a call names by ARN; the tagging API of moto has none."""
        prefix = f"arn:aws:apigateway:{region}::"
        arns = [arn for arn in call.params.get("ResourceARNList", []) if arn.startswith(prefix)]
        found = []
        for arn in arns:
            _, kind, api, _, name = arn.removeprefix(prefix).split("/")
            read = Call(service="apigateway", operation="get_stage", params={"restApiId": api, "stageName": name})
            if kind == "apis":
                read = Call(service="apigatewayv2", operation="get_stage", params={"ApiId": api, "StageName": name})
            stage = super().answer(read, region, paged=False)
            found.append({"ResourceARN": arn, "Tags": _listed(stage.get("tags") or stage.get("Tags") or {})})
        return found


# moto inspects all members of a service's class at every call; they do not change.
_members = cache(responses.method_names_from_class)


GATE = Gate()
"""Where tests put nonsense in the place of moto's answers."""


@cache
def aws() -> Aws:
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    GATE.put_before(session)
    return Aws(Connection(session, workers=1), AnyCall())


@dataclass(frozen=True)
class Layout:
    """How much there is of everything; as it stands, the small workload that most tests play on."""

    zones: tuple[str, ...] = ("us-east-1a", "us-east-1a", "us-east-1b", "us-east-1c")  # of each subnet
    groups: tuple[int, ...] = (2,)  # members of each scaling group: web, web-1, …; all launch into one subnet
    shared: bool = True  # each subnet also holds an interface of the workload that is no instance's
    lone: int = 0  # instances of module web that no scaling group holds, in the last subnet
    functions: tuple[int | None, ...] = (None,)  # what each reserves: payments, payments-1, …
    tables: tuple[tuple[int, int], ...] = ((40, 20),)  # ledger, ledger-1, …
    indexes: tuple[tuple[int, int], ...] = ()  # of each table: by-0, by-1, …
    scaled: bool = False  # whether Application Auto Scaling scales the tables and their indexes
    on_demand: tuple[tuple[int, int] | None, ...] = ()  # the maxima of orders, orders-1, …; None: no maximum
    stages: tuple[tuple[float, int] | None, ...] = ((100.0, 50),)  # None: without settings for all methods
    override: tuple[float, int] | None = None  # of POST orders/items, in each stage
    http_stages: tuple[tuple[float, int], ...] = ()  # each `$default`, with one route of its own


def named(name: str, number: int) -> str:
    return f"{name}-{number}" if number else name


@dataclass(frozen=True)
class Shop:
    account: Moto
    apis: tuple[str, ...]  # ids of the REST APIs, each with a stage `live`
    http_apis: tuple[str, ...] = ()
    layout: Layout = Layout()
    proxy: str = ""  # the URL of one beside it
    rules: Rules = field(default_factory=Rules)  # of that proxy, out of its memory

    @property
    def api(self) -> str:
        return self.apis[0]

    @property
    def modules(self) -> dict[str, Ownership]:
        functions = tuple(named("payments", number) for number in range(len(self.layout.functions)))
        tables = tuple(named("ledger", number) for number in range(len(self.layout.tables)))
        tables += tuple(named("orders", number) for number in range(len(self.layout.on_demand)))
        stages = tuple(f"{api}/live" for api in self.apis)
        http_stages = tuple(f"{api}/$default" for api in self.http_apis)
        named_ones = {"functions": functions, "tables": tables, "stages": stages, "http_stages": http_stages}
        return {
            "web": Ownership({"module": "web"}),
            "payments": Ownership({}, named_ones),
        }

    def look(self, seed: int = 1) -> FaultContext:
        inventory = Inventory(self.account, ArnPlace("aws", REGION, ACCOUNT), Ownership(OWNS), self.modules)
        return FaultContext(self.account, REGION, inventory, tuple(self.modules), seed=seed)


@contextmanager
def open_shop(layout: Layout | None = None) -> Iterator[Shop]:
    """The workload, built anew in moto's memory."""
    layout = layout or Layout()
    no_images = patch.dict(os.environ, MOTO_EC2_LOAD_DEFAULT_AMIS="false")
    with no_images, mock_aws(), patch.object(responses, "method_names_from_class", _members):
        account = Moto(aws())

        def call(service: str, operation: str, **params: Any) -> Any:
            # Not validated: the code of a function is bytes.
            return account.call(Call.model_construct(service=service, operation=operation, params=params), REGION)

        apis = build(call, layout)
        http_apis = tuple(_http_api(call, rate, burst) for rate, burst in layout.http_stages)
        yield Shop(account, apis, http_apis, layout)


@contextmanager
def open_beside(standing: Mapping[str, Rule] = MappingProxyType({})) -> Iterator[Shop]:
    """The workload, and a proxy on this machine that a program of it might use; `standing` are rules that it has."""
    behind = socket.create_server(("127.0.0.1", 0))
    with behind, open_shop() as shop, proxy(to=f"http://127.0.0.1:{behind.getsockname()[1]}") as running:
        for name, rule in standing.items():
            running.rules.put(name, rule)
        yield replace(shop, proxy=running.url, rules=running.rules)


def _listed(tags: dict[str, str], **more: Any) -> list[Any]:
    return [{"Key": key, "Value": value, **more} for key, value in tags.items()]


def build(call: Any, layout: Layout) -> tuple[str, ...]:
    """Lay everything out by calls (service, operation, parameters); the ids of the REST APIs."""
    _instances(call, layout)
    return _serverless(call, layout)


def _instances(call: Any, layout: Layout) -> None:
    vpc = call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        call(
            "ec2",
            "create_subnet",
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=zone,
            TagSpecifications=[{"ResourceType": "subnet", "Tags": _listed(OWNS | OPTED_IN)}],
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate(layout.zones)
    ]
    call(
        "ec2",
        "create_launch_template",
        LaunchTemplateName="web",
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"},
    )
    for number, members in enumerate(layout.groups):
        # moto launches all members into the subnet that is named first.
        first = number % len(subnets)
        _group(call, named("web", number), members, vpc, subnets[first:] + subnets[:first])
    if layout.lone:
        call(
            "ec2",
            "run_instances",
            ImageId="ami-12c6146b",
            MinCount=layout.lone,
            MaxCount=layout.lone,
            SubnetId=subnets[-1],
            TagSpecifications=[{"ResourceType": "instance", "Tags": _listed(TAGS | {"lone": "yes"})}],
        )
    for subnet in subnets if layout.shared else []:
        tagged = [{"ResourceType": "network-interface", "Tags": _listed(OWNS)}]
        call("ec2", "create_network_interface", SubnetId=subnet, TagSpecifications=tagged)
    two = [call("ec2", "create_security_group", GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in ("x", "y")]
    for interface in call("ec2", "describe_network_interfaces")["NetworkInterfaces"]:
        call(
            "ec2",
            "modify_network_interface_attribute",
            NetworkInterfaceId=interface["NetworkInterfaceId"],
            Groups=two,
        )


def _group(call: Any, name: str, members: int, vpc: str, subnets: list[str]) -> None:
    group = call("elbv2", "create_target_group", Name=name, Protocol="HTTP", Port=80, VpcId=vpc)
    call(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": "web"},
        MinSize=members,
        MaxSize=members + 2,
        DesiredCapacity=members,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[group["TargetGroups"][0]["TargetGroupArn"]],
        Tags=_listed(TAGS, PropagateAtLaunch=True, ResourceId=name, ResourceType="auto-scaling-group"),
    )
    call(
        "autoscaling",
        "suspend_processes",
        AutoScalingGroupName=name,
        ScalingProcesses=["AlarmNotification", "ScheduledActions"],
    )


OPTED_IN = {"gameday": "allowed"}


def _serverless(call: Any, layout: Layout) -> tuple[str, ...]:
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = call("iam", "create_role", RoleName="payments", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for number, reserved in enumerate(layout.functions):
        _function(call, named("payments", number), role, reserved)
    for number, (reads, writes) in enumerate(layout.tables):
        call(
            "dynamodb",
            "create_table",
            TableName=named("ledger", number),
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=KEY,
            ProvisionedThroughput={"ReadCapacityUnits": reads, "WriteCapacityUnits": writes},
            Tags=_listed(OPTED_IN),
            **_indexes(layout),
        )
        if layout.scaled:
            _scaled(call, named("ledger", number), layout)
    for number, maxima in enumerate(layout.on_demand):
        _on_demand(call, named("orders", number), maxima)
    return tuple(_api(call, limits, layout.override) for limits in layout.stages)


KEY = [{"AttributeName": "id", "KeyType": "HASH"}]


def _indexes(layout: Layout) -> dict[str, Any]:
    indexes = [
        {
            "IndexName": f"by-{number}",
            "KeySchema": KEY,
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes},
        }
        for number, (reads, writes) in enumerate(layout.indexes)
    ]
    return {"GlobalSecondaryIndexes": indexes} if indexes else {}


def _scaled(call: Any, table: str, layout: Layout) -> None:
    resources = [("table", f"table/{table}")]
    resources += [("index", f"table/{table}/index/by-{number}") for number in range(len(layout.indexes))]
    for kind, resource in resources:
        for unit in ("Read", "Write"):
            call(
                "application-autoscaling",
                "register_scalable_target",
                ServiceNamespace="dynamodb",
                ResourceId=resource,
                ScalableDimension=f"dynamodb:{kind}:{unit}CapacityUnits",
                MinCapacity=5,
                MaxCapacity=500,
            )


def _on_demand(call: Any, name: str, maxima: tuple[int, int] | None) -> None:
    call(
        "dynamodb",
        "create_table",
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=KEY,
        BillingMode="PAY_PER_REQUEST",
        Tags=_listed(OPTED_IN),
    )
    if maxima:
        limits = {"MaxReadRequestUnits": maxima[0], "MaxWriteRequestUnits": maxima[1]}
        call("dynamodb", "update_table", TableName=name, OnDemandThroughput=limits)


def _http_api(call: Any, rate: float, burst: int) -> str:
    api = str(call("apigatewayv2", "create_api", Name="orders", ProtocolType="HTTP")["ApiId"])
    limits = {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
    call(
        "apigatewayv2",
        "create_stage",
        ApiId=api,
        StageName="$default",
        DefaultRouteSettings={"DetailedMetricsEnabled": True, **limits},
        RouteSettings={"POST /orders": limits},
        Tags=OPTED_IN,
    )
    return api


def _function(call: Any, name: str, role: str, reserved: int | None) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def main(event, context): return event")
    call(
        "lambda",
        "create_function",
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="main.main",
        Code={"ZipFile": code.getvalue()},
        Tags=OPTED_IN,
    )
    if reserved is not None:
        call("lambda", "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=reserved)


def _api(call: Any, limits: tuple[float, int] | None, override: tuple[float, int] | None) -> str:
    api = str(call("apigateway", "create_rest_api", name="shop")["id"])
    root = call("apigateway", "get_resources", restApiId=api)["items"][0]["id"]
    of = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    call("apigateway", "put_method", authorizationType="NONE", **of)
    call("apigateway", "put_integration", type="MOCK", **of)
    call("apigateway", "create_deployment", restApiId=api, stageName="live")
    call(
        "apigateway",
        "tag_resource",
        resourceArn=f"arn:aws:apigateway:{REGION}::/restapis/{api}/stages/live",
        tags=OPTED_IN,
    )
    for path, pair in (("*/*", limits), ("orders~1items/POST", override)):
        if pair:
            patches = [
                {"op": "replace", "path": f"/{path}/throttling/{name}", "value": str(value)}
                for name, value in zip(("rateLimit", "burstLimit"), pair, strict=True)
            ]
            call("apigateway", "update_stage", restApiId=api, stageName="live", patchOperations=patches)
    return api
