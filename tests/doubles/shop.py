"""A small workload on moto: two zones, a module on instances, a function, a table, an API stage.

Every setting that a fault turns has a value that can be written in more than one way, so that the rough account can.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import botocore.session
from moto import mock_aws
from moto.core import responses

from harness.account.aws import Aws
from harness.account.change import Call, Json
from harness.account.inventory import Inventory, Possession
from harness.errors import AwsError
from harness.faults.fault import Look
from harness.testing.wrapped import Wrapped

REGION = "us-east-1"
OWNS = {"app": "shop"}
TAGS = OWNS | {"module": "web", "gameday": "allowed"}


class Moto(Wrapped):
    """moto answers a stale association id with an error of Python's own; AWS: InvalidAssociationID.NotFound."""

    def one(self, call: Call, region: str, paged: bool) -> Json:
        try:
            return super().one(call, region, paged)
        except StopIteration as error:
            raise AwsError(call.service, call.operation, "InvalidAssociationID.NotFound", "stale") from error


# moto inspects all members of a service's class at every call; they do not change.
_members = cache(responses.method_names_from_class)


@cache
def aws() -> Aws:
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    return Aws(session, workers=1)


@dataclass(frozen=True)
class Shop:
    account: Moto
    api: str  # id of the REST API

    def look(self, seed: int = 1) -> Look:
        modules = {
            "web": Possession({"module": "web"}),
            "payments": Possession({}, functions=("payments",), tables=("ledger",), stages=(f"{self.api}/live",)),
        }
        inventory = Inventory(self.account, REGION, Possession(OWNS), modules)
        return Look(self.account, REGION, inventory, tuple(modules), seed=seed, opt_in={"gameday": "allowed"})


@contextmanager
def open_shop() -> Iterator[Shop]:
    """The workload, built anew in moto's memory."""
    no_images = patch.dict(os.environ, MOTO_EC2_LOAD_DEFAULT_AMIS="false")
    with no_images, mock_aws(), patch.object(responses, "method_names_from_class", _members):
        account = Moto(aws())

        def call(service: str, operation: str, **params: Any) -> Any:
            return account.call(Call(service=service, operation=operation, params=params), REGION)

        _instances(call)
        yield Shop(account, _serverless(call))


def _listed(tags: dict[str, str], **more: Any) -> list[Any]:
    return [{"Key": key, "Value": value, **more} for key, value in tags.items()]


def _instances(call: Any) -> None:
    vpc = call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        call(
            "ec2",
            "create_subnet",
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=zone,
            TagSpecifications=[{"ResourceType": "subnet", "Tags": _listed(OWNS)}],
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate(["us-east-1a", "us-east-1a", "us-east-1b", "us-east-1c"])
    ]
    group = call("elbv2", "create_target_group", Name="web", Protocol="HTTP", Port=80, VpcId=vpc)
    target = group["TargetGroups"][0]["TargetGroupArn"]
    call(
        "ec2",
        "create_launch_template",
        LaunchTemplateName="web",
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"},
    )
    call(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateName": "web"},
        MinSize=2,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[target],
        Tags=_listed(TAGS, PropagateAtLaunch=True, ResourceId="web", ResourceType="auto-scaling-group"),
    )
    call(
        "autoscaling",
        "suspend_processes",
        AutoScalingGroupName="web",
        ScalingProcesses=["AlarmNotification", "ScheduledActions"],
    )
    two = [call("ec2", "create_security_group", GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in ("x", "y")]
    for interface in call("ec2", "describe_network_interfaces")["NetworkInterfaces"]:
        call(
            "ec2",
            "modify_network_interface_attribute",
            NetworkInterfaceId=interface["NetworkInterfaceId"],
            Groups=two,
        )


def _serverless(call: Any) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def main(event, context): return event")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = call("iam", "create_role", RoleName="payments", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    opted_in = {"gameday": "allowed"}
    call(
        "lambda",
        "create_function",
        FunctionName="payments",
        Runtime="python3.12",
        Role=role,
        Handler="main.main",
        Code={"ZipFile": code.getvalue()},
        Tags=opted_in,
    )
    call(
        "dynamodb",
        "create_table",
        TableName="ledger",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 40, "WriteCapacityUnits": 20},
        Tags=_listed(opted_in),
    )
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
        tags=opted_in,
    )
    patches = [("rateLimit", "100.0"), ("burstLimit", "50")]
    call(
        "apigateway",
        "update_stage",
        restApiId=api,
        stageName="live",
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": value} for name, value in patches
        ],
    )
    return api
