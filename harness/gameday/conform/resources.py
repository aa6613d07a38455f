"""The cheap resources that `gameday conform` makes: each carries the run's tag, and its undo deletes it.

A resource is found by the run's tag, or by a name that holds the run's id where its list shows no tags.
"""

from __future__ import annotations

import io
import json
import zipfile

from gameday.change import RUN_TAG, Call, CreatedResource, Json, JsonLike
from gameday.faults.fault import call
from gameday.faults.vpc import run_tags

ROLES = "/gameday-conform/"
"""The path of the roles that it makes, so that one short list finds them."""
IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"""The newest Amazon Linux (AWS Systems Manager User Guide, "Calling AMI public parameters")."""
STAGE = "conform"

_RUN: dict[str, JsonLike] = {RUN_TAG: {"$": "run"}}
_TAGS: list[JsonLike] = [{"Key": RUN_TAG, "Value": {"$": "run"}}]
_BY_RUN: list[JsonLike] = [{"Name": f"tag:{RUN_TAG}", "Values": [{"$": "run"}]}]


def name_of(run: str) -> str:
    """Return the name of a run's resources."""
    return f"gameday-{run}"


def network(region: str) -> CreatedResource:
    """Return a VPC of its own."""
    return CreatedResource(
        region=region,
        about="a VPC",
        name="vpc",
        create=call("ec2", "create_vpc", CidrBlock="10.255.0.0/24", TagSpecifications=run_tags("vpc", "conform")),
        made="Vpc.VpcId",
        find=call("ec2", "describe_vpcs", Filters=_BY_RUN),
        found="Vpcs[].VpcId",
        delete=call("ec2", "delete_vpc", VpcId={"$": "id"}),
        busy=("DependencyViolation",),
        gone=("InvalidVpcID.NotFound",),
    )


def subnet(region: str, name: str, block: int) -> CreatedResource:
    """Return a subnet of that VPC; `block` is its sixteenth of the VPC's addresses."""
    return CreatedResource(
        region=region,
        about=f"a subnet, {name}",
        name=name,
        args={"vpc": {"$": "made.vpc"}},
        create=call(
            "ec2",
            "create_subnet",
            VpcId={"$": "args.vpc"},
            CidrBlock=f"10.255.0.{16 * block}/28",
            TagSpecifications=run_tags("subnet", name),
        ),
        made="Subnet.SubnetId",
        find=call("ec2", "describe_subnets", Filters=[*_BY_RUN, {"Name": "tag:Name", "Values": [name]}]),
        found="Subnets[].SubnetId",
        delete=call("ec2", "delete_subnet", SubnetId={"$": "id"}),
        busy=("DependencyViolation",),
        gone=("InvalidSubnetID.NotFound", "InvalidVpcID.NotFound"),
    )


def interface(region: str) -> CreatedResource:
    """Return a network interface in the first subnet; it costs nothing."""
    return CreatedResource(
        region=region,
        about="a network interface",
        name="interface",
        args={"subnet": {"$": "made.subnet"}},
        create=call(
            "ec2",
            "create_network_interface",
            SubnetId={"$": "args.subnet"},
            TagSpecifications=run_tags("network-interface", "conform"),
        ),
        made="NetworkInterface.NetworkInterfaceId",
        find=call("ec2", "describe_network_interfaces", Filters=_BY_RUN),
        found="NetworkInterfaces[].NetworkInterfaceId",
        delete=call("ec2", "delete_network_interface", NetworkInterfaceId={"$": "id"}),
        busy=("InvalidParameterValue", "InvalidNetworkInterface.InUse"),
        gone=("InvalidNetworkInterfaceID.NotFound", "InvalidSubnetID.NotFound"),
    )


def instance(region: str) -> CreatedResource:
    """Return a t3.micro in the first subnet: it costs about a cent an hour."""
    states = ["pending", "running", "stopping", "stopped"]
    return CreatedResource(
        region=region,
        about="a t3.micro",
        name="instance",
        args={"subnet": {"$": "made.subnet"}},
        create=call(
            "ec2",
            "run_instances",
            ImageId=IMAGE,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId={"$": "args.subnet"},
            ClientToken={"$": "run"},
            TagSpecifications=run_tags("instance", "conform"),
        ),
        made="Instances[0].InstanceId",
        find=call(
            "ec2", "describe_instances", Filters=[*_BY_RUN, {"Name": "instance-state-name", "Values": [*states]}]
        ),
        found="Reservations[].Instances[].InstanceId",
        delete=call("ec2", "terminate_instances", InstanceIds=[{"$": "id"}]),
        gone=("InvalidInstanceID.NotFound", "InvalidSubnetID.NotFound"),
    )


def launch_template(region: str, name: str) -> CreatedResource:
    """Return a launch template; nothing is launched from it."""
    return CreatedResource(
        region=region,
        about="a launch template",
        name="template",
        create=call(
            "ec2",
            "create_launch_template",
            LaunchTemplateName=name,
            LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"},
            TagSpecifications=run_tags("launch-template", "conform"),
        ),
        made="LaunchTemplate.LaunchTemplateId",
        find=call("ec2", "describe_launch_templates", Filters=_BY_RUN),
        found="LaunchTemplates[].LaunchTemplateId",
        delete=call("ec2", "delete_launch_template", LaunchTemplateId={"$": "id"}),
        gone=("InvalidLaunchTemplateId.NotFound",),
    )


def scaling_group(region: str, name: str) -> CreatedResource:
    """Return a scaling group of no instances, in both subnets."""
    tag: dict[str, JsonLike] = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
    return CreatedResource(
        region=region,
        about="a scaling group without instances",
        name="group",
        args={"template": {"$": "made.template"}, "subnets": {"$": "join(',', [made.subnet, made.other])"}},
        create=call(
            "autoscaling",
            "create_auto_scaling_group",
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=1,
            DesiredCapacity=0,
            LaunchTemplate={"LaunchTemplateId": {"$": "args.template"}, "Version": "$Latest"},
            VPCZoneIdentifier={"$": "args.subnets"},
            Tags=[{**tag, "Key": RUN_TAG, "Value": {"$": "run"}}],
        ),
        made=f"'{name}'",  # the answer is empty
        find=call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name]),
        found="AutoScalingGroups[].AutoScalingGroupName",
        delete=call("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName={"$": "id"}, ForceDelete=True),
        busy=("ResourceInUse", "ScalingActivityInProgress"),
    )


def table(region: str, name: str, units: int) -> CreatedResource:
    """Return a DynamoDB table with provisioned capacity; `units` of reads and of writes a second."""
    return CreatedResource(
        region=region,
        about="a table with provisioned capacity",
        name="table",
        create=call(
            "dynamodb",
            "create_table",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            ProvisionedThroughput={"ReadCapacityUnits": units, "WriteCapacityUnits": units},
            Tags=_TAGS,
        ),
        made="TableDescription.TableName",
        find=call("dynamodb", "list_tables"),
        found=f"TableNames[?@ == '{name}']",
        delete=call("dynamodb", "delete_table", TableName={"$": "id"}),
        busy=("ResourceInUseException",),
        gone=("ResourceNotFoundException",),
    )


def role(region: str, name: str) -> CreatedResource:
    """Return a role without any permission, which a function needs."""
    trust: Json = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    return CreatedResource(
        region=region,
        about="a role without permissions",
        name="role",
        create=call(
            "iam",
            "create_role",
            RoleName=name,
            Path=ROLES,
            AssumeRolePolicyDocument=json.dumps(trust),
            Tags=_TAGS,
        ),
        made="Role.RoleName",
        find=call("iam", "list_roles", PathPrefix=ROLES),
        found=f"Roles[?RoleName == '{name}'].RoleName",
        delete=call("iam", "delete_role", RoleName={"$": "id"}),
        busy=("DeleteConflict", "ConcurrentModification"),
        gone=("NoSuchEntity",),
    )


def function(region: str, name: str, role_arn: str) -> CreatedResource:
    """Return a function that nobody invokes."""
    return CreatedResource(
        region=region,
        about="a function that nobody invokes",
        name="function",
        create=call(
            "lambda",
            "create_function",
            FunctionName=name,
            Runtime="python3.12",
            Handler="main.main",
            Role=role_arn,
            Code={"ZipFile": empty_archive()},
            Tags=_RUN,
        ),
        made="FunctionName",
        find=call("lambda", "list_functions"),
        found=f"Functions[?FunctionName == '{name}'].FunctionName",
        delete=call("lambda", "delete_function", FunctionName={"$": "id"}),
        busy=("ResourceConflictException",),
        # A new role is unknown to Lambda at first, and Lambda then answers so (IAM User Guide, "Troubleshoot IAM").
        gone=("ResourceNotFoundException", "InvalidParameterValueException"),
    )


def empty_archive() -> str:
    """Return a ZIP archive with one empty file as text: its bytes are ASCII, so that a journal can hold it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("main.py", (1980, 1, 1, 0, 0, 0)), b"")
    raw = bytearray(archive.getvalue())
    central = raw.index(b"PK\x01\x02")
    raw[central + 38 : central + 42] = bytes(4)  # file attributes of Unix, the only bytes above 127
    return raw.decode("ascii")


def rest_api(region: str, name: str, rate: float, burst: int) -> CreatedResource:
    """Return a REST API with a stage that limits its rate and burst; −1 is "no limit"."""
    # Nobody calls it: a deployment needs a method with an integration.
    behind: Json = {"type": "http_proxy", "httpMethod": "GET", "uri": "https://aws.amazon.com/"}
    method: Json = {"responses": {"200": {"description": "done"}}, "x-amazon-apigateway-integration": behind}
    document: Json = {
        "openapi": "3.0.1",
        "info": {"title": name, "version": "1"},
        "paths": {"/conform": {"get": method}},
    }
    limits = [("rateLimit", rate), ("burstLimit", burst)]
    return CreatedResource(
        region=region,
        about="a REST API with a stage",
        name="api",
        create=call("apigateway", "create_rest_api", name=name, tags=_RUN),
        made="id",
        then=(
            _on_api("put_rest_api", mode="overwrite", body=json.dumps(document)),
            _on_api("create_deployment", stageName=STAGE),
            _on_api(
                "update_stage",
                stageName=STAGE,
                patchOperations=[
                    {"op": "replace", "path": f"/*/*/throttling/{key}", "value": str(value)} for key, value in limits
                ],
            ),
        ),
        find=call("apigateway", "get_rest_apis"),
        found=f"items[?name == '{name}'].id",
        delete=call("apigateway", "delete_rest_api", restApiId={"$": "id"}),
        gone=("NotFoundException",),
    )


def _on_api(operation: str, **params: JsonLike) -> Call:
    return call("apigateway", operation, restApiId={"$": "id"}, **params)
