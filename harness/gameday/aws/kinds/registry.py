"""The resource kinds that Gameday knows, by the key under `owns`.

Types of the tagging API: "Resource types you can use with Resource Groups and Tag Editor", AWS Resource Groups User
Guide. ARNs: AWS Service Authorization Reference.
"""

from __future__ import annotations

from types import MappingProxyType

from gameday.aws.kinds.kind import ResourceKind
from gameday.change import Call

FUNCTION = ResourceKind(
    name="function",
    owned_as="functions",
    described="Lambda functions by name",
    service="lambda",
    resource="function:{id}",
    tagged_as="lambda:function",
    iam_type="function",
    parameters=("FunctionName",),
    read=Call(service="lambda", operation="get_function_configuration", params={"FunctionName": {"$": "id"}}),
    gone="ResourceNotFoundException",
)

TABLE = ResourceKind(
    name="table",
    owned_as="tables",
    described="DynamoDB tables by name",
    service="dynamodb",
    resource="table/{id}",
    tagged_as="dynamodb:table",
    iam_type="table",
    parameters=("TableName",),
    read=Call(service="dynamodb", operation="describe_table", params={"TableName": {"$": "id"}}),
    gone="ResourceNotFoundException",
)

STAGE = ResourceKind(
    name="stage",
    owned_as="stages",
    described="API Gateway stages as api-id/stage",
    service="apigateway",
    resource="/restapis/{api}/stages/{stage}",
    tagged_as="apigateway",
    iam_type="Stage",
    parameters=("stageName",),
    read=Call(
        service="apigateway", operation="get_stage", params={"restApiId": {"$": "api"}, "stageName": {"$": "stage"}}
    ),
    gone="NotFoundException",
    id="{api}/{stage}",
    has_account=False,
)

KINDS = MappingProxyType({kind.owned_as: kind for kind in (FUNCTION, TABLE, STAGE)})
"""Every kind, by the key under `owns` in a workload file."""
