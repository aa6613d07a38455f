"""The resources that a twin starts with: a workload in one region, created by the calls that create it in AWS.

The world has one VPC with a subnet in each zone, and what each module's kind needs. Everything carries the tags by
which the harness finds it in an account.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError, ParamValidationError

from gameday.aws.client import Aws
from gameday.errors import InvalidInput
from gameday.files.twin_file import HealthCheck, Instances, Stage, Table, TwinFile
from gameday.files.workload import Workload

LISTENER_PORT = 80
TARGET_PORT = 8080
DRAINING = 30
"""Seconds that a deregistered target has to finish its requests (AWS's default is 300)."""

Tags = Mapping[str, str]


@dataclass(frozen=True)
class World:
    """The names of what `build` created, by module."""

    functions: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, tuple[str, ...]]
    stages: Mapping[str, tuple[str, ...]]  # as api-id/stage
    dimensions: Mapping[str, Mapping[str, str]]  # of the metrics that AWS publishes for the module


def build(workload: Workload, twin: TwinFile, aws: Aws, region: str) -> World:
    """Create the workload's resources. Raises InvalidInput where the files ask for what no account could have."""
    try:
        return _Builder(workload, twin, aws, region).build()
    except (ClientError, ParamValidationError) as error:
        raise InvalidInput(
            f"no account could hold this workload: {error}",
            "correct the names in the workload and its twin file",
            gd_code="GD-E114",
        ) from error


def tags_of(workload: Workload, module: str) -> dict[str, str]:
    """Collect all tags of a module's resources."""
    return {**workload.owns.tags, **workload.modules[module].owns.tags, **(workload.opt_in or {})}


class _Builder:
    def __init__(self, workload: Workload, twin: TwinFile, aws: Aws, region: str) -> None:
        self.workload, self.twin, self.region = workload, twin, region
        self.zones = tuple(zone for zone in twin.zones if zone.startswith(region))
        self.aws = aws
        self.ec2, self.elb = self.client("ec2"), self.client("elbv2")
        self.entered = {journey.enters for journey in twin.customers.journeys.values()}
        self.functions: dict[str, tuple[str, ...]] = {}
        self.tables: dict[str, tuple[str, ...]] = {}
        self.stages: dict[str, tuple[str, ...]] = {}
        self.dimensions: dict[str, Mapping[str, str]] = {}

    def build(self) -> World:
        kinds = [module for module in self.twin.modules.values() if module.instances]
        if kinds:
            self._network()
        for name, module in self.twin.modules.items():
            if module.instances:
                self._instances(name, module.instances)
            elif module.function:
                self._functions(name)
            elif module.table:
                self._tables(name, module.table)
            elif module.stage:
                self._stages(name, module.stage)
        return World(self.functions, self.tables, self.stages, self.dimensions)

    def client(self, service: str) -> Any:
        """Make a client of the twin's account."""
        return self.aws.connection.client(service, self.region)

    # --- instances --------------------------------------------------------------------------------------------------

    def _network(self) -> None:
        known = {zone["ZoneName"] for zone in self.ec2.describe_availability_zones()["AvailabilityZones"]}
        unknown = sorted({*(self.zones or self.twin.zones)} - known)
        if unknown:
            raise InvalidInput(
                f"zone {', '.join(unknown)} is not in region {self.region}",
                f"use zones of this region: {', '.join(sorted(known))}",
                gd_code="GD-E114",
            )
        tags = {**self.workload.owns.tags, **(self.workload.opt_in or {}), "Name": self.workload.name}
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_spec("vpc", tags))["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(
                VpcId=self.vpc,
                CidrBlock=f"10.0.{16 * index}.0/20",
                AvailabilityZone=zone,
                TagSpecifications=_spec("subnet", {**tags, "Name": f"{self.workload.name}-{zone}"}),
            )["Subnet"]["SubnetId"]
            for index, zone in enumerate(self.zones)
        ]
        anyone = [{"CidrIp": "0.0.0.0/0"}]
        self.front = self._group("load-balancers", tags, LISTENER_PORT, {"IpRanges": anyone})

    def _group(self, name: str, tags: Tags, port: int, source: Mapping[str, Any]) -> str:
        named = f"{self.workload.name}-{name}"
        made: str = self.ec2.create_security_group(
            GroupName=named,
            Description=f"{name} of {self.workload.name}",
            VpcId=self.vpc,
            TagSpecifications=_spec("security-group", {**tags, "Name": named}),
        )["GroupId"]
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
        self.ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[permission])
        return made

    def _instances(self, name: str, wanted: Instances) -> None:
        if not self.workload.modules[name].owns.tags:
            raise InvalidInput(
                f"module {name} has instances in the twin file, but the workload file gives it no tags",
                "write `owns: {tags: {…}}`",
                gd_code="GD-E114",
            )
        tags = tags_of(self.workload, name)
        named = f"{self.workload.name}-{name}"
        sources = {"UserIdGroupPairs": [{"GroupId": self.front}]}
        group = self._group(name, tags, TARGET_PORT, sources)
        template = self.ec2.create_launch_template(
            LaunchTemplateName=named,
            LaunchTemplateData={
                "ImageId": "ami-0123456789abcdef0",
                "InstanceType": "m5.large",
                "SecurityGroupIds": [group],
            },
            TagSpecifications=_spec("launch-template", tags),
        )["LaunchTemplate"]["LaunchTemplateId"]
        targets = self._balanced(name, tags)
        subnets = [
            subnet
            for zone, subnet in zip(self.zones, self.subnets, strict=True)
            if not wanted.zones or zone in wanted.zones
        ]
        count = wanted.each_zone * len(subnets)
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=named,
            LaunchTemplate={"LaunchTemplateId": template},
            MinSize=count,
            MaxSize=2 * count,
            DesiredCapacity=count,
            VPCZoneIdentifier=",".join(subnets),
            TargetGroupARNs=[targets],
            HealthCheckType="ELB",
            HealthCheckGracePeriod=round(wanted.launch_delay + 3 * self.twin.health_check.interval),
            Tags=[
                {"Key": key, "Value": value, "PropagateAtLaunch": True}
                for key, value in {**tags, "Name": named}.items()
            ],
        )

    def _balanced(self, name: str, tags: Tags) -> str:
        short, check = _short(f"{self.workload.name}-{name}"), self.twin.health_check
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        targets: str = self.elb.create_target_group(
            Name=short, Protocol="HTTP", Port=TARGET_PORT, VpcId=self.vpc, Tags=listed, **_checks(check)
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elb.modify_target_group_attributes(
            TargetGroupArn=targets,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(DRAINING)}],
        )
        balancer = self.elb.create_load_balancer(
            Name=short,
            Subnets=self.subnets,
            SecurityGroups=[self.front],
            Scheme="internet-facing" if name in self.entered else "internal",
            Tags=listed,
        )["LoadBalancers"][0]["LoadBalancerArn"]
        self.elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTP",
            Port=LISTENER_PORT,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
        )
        self.dimensions[name] = {
            "LoadBalancer": balancer.rpartition("loadbalancer/")[2],
            "TargetGroup": targets.rpartition(":")[2],
        }
        return targets

    # --- functions, tables, stages ----------------------------------------------------------------------------------

    def _functions(self, name: str) -> None:
        lambda_, names = self.client("lambda"), self.workload.modules[name].owns.names.get("functions") or (name,)
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_ASSUMED_BY_LAMBDA)
        for function in names:
            lambda_.create_function(
                FunctionName=function,
                Runtime="python3.13",
                Role=role["Role"]["Arn"],
                Handler="function.handler",
                Code={"ZipFile": _CODE},
                Tags=tags_of(self.workload, name),
            )
        self.functions[name] = names
        self.dimensions[name] = {"FunctionName": names[0]}

    def _tables(self, name: str, wanted: Table) -> None:
        dynamodb, names = self.client("dynamodb"), self.workload.modules[name].owns.names.get("tables") or (name,)
        for table in names:
            dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                ProvisionedThroughput={
                    "ReadCapacityUnits": wanted.read_capacity,
                    "WriteCapacityUnits": wanted.write_capacity,
                },
                Tags=[{"Key": key, "Value": value} for key, value in tags_of(self.workload, name).items()],
            )
        self.tables[name] = names
        self.dimensions[name] = {"TableName": names[0]}

    def _stages(self, name: str, wanted: Stage) -> None:
        owned = self.workload.modules[name].owns.names.get("stages") or (f"{name}/live",)
        for api, _, stage in (name_and_stage.partition("/") for name_and_stage in owned):
            self._stage(name, api, stage, wanted)
        self.stages[name] = owned
        self.dimensions[name] = {"ApiName": name, "Stage": owned[0].partition("/")[2]}

    def _stage(self, name: str, api: str, stage: str, wanted: Stage) -> None:
        gateway, tags = self.client("apigateway"), tags_of(self.workload, name)
        gateway.create_rest_api(name=name, tags={**tags, "_custom_id_": api})  # moto takes the API's id from this tag
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
        gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
        deployment = gateway.create_deployment(restApiId=api)["id"]
        gateway.create_stage(restApiId=api, stageName=stage, deploymentId=deployment, tags=tags)
        throttling = (("rateLimit", f"{wanted.rate:g}"), ("burstLimit", str(wanted.burst)))
        gateway.update_stage(
            restApiId=api,
            stageName=stage,
            patchOperations=[
                {"op": "replace", "path": f"/*/*/throttling/{key}", "value": value} for key, value in throttling
            ],
        )


def _spec(resource: str, tags: Tags) -> list[dict[str, Any]]:
    return [{"ResourceType": resource, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def _short(name: str) -> str:
    """Shorten a name to the 32 characters that load balancers and target groups may have."""
    return name if len(name) <= 32 else f"{name[:23]}-{crc32(name.encode()):08x}"


def _checks(check: HealthCheck) -> dict[str, Any]:
    """Fit the health check to AWS's limits: intervals of 5 to 300 seconds, thresholds of 2 to 10."""
    interval = min(300, max(5, round(check.interval)))
    return {
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": interval,
        "HealthCheckTimeoutSeconds": min(4, interval - 1),
        "UnhealthyThresholdCount": min(10, max(2, check.unhealthy)),
        "HealthyThresholdCount": min(10, max(2, check.healthy)),
    }


_ASSUMED_BY_LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("function.py"), "def handler(event, context):\n    return event\n")
    return packed.getvalue()


_CODE = _code()
