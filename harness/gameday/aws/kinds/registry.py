"""The resource kinds that Gameday knows, by the key under `owns`.

Types of the tagging API: "Resource types you can use with Resource Groups and Tag Editor", AWS Resource Groups User
Guide. ARNs: AWS Service Authorization Reference. Names: Lambda API Reference, CreateFunction; DynamoDB Developer Guide,
"Naming rules"; API Gateway API Reference, CreateStage; API Gateway V2 API Reference, Stage.
"""

from __future__ import annotations

from types import MappingProxyType

from gameday.aws.kinds.kind import ResourceKind
from gameday.change import Call

FUNCTION = ResourceKind(
    name="function",
    owned_as="functions",
    described="Lambda functions by name",
    pattern="^[a-zA-Z0-9_-]{1,64}$",
    form=(
        "the name of a Lambda function (letters, digits, - and _, 64 at most) without alias, version or ARN: "
        "reserved concurrency belongs to the whole function"
    ),
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
    pattern="^[a-zA-Z0-9_.-]{3,255}$",
    form="the name of a DynamoDB table: 3 to 255 letters, digits, -, _ and .",
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
    pattern="^[a-zA-Z0-9-]{1,64}/[a-zA-Z0-9_-]{1,128}$",
    form="an API Gateway stage, written api-id/stage, like a1b2c3d4e5/prod",
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

HTTP_STAGE = ResourceKind(
    name="HTTP stage",
    owned_as="http_stages",
    described="stages of API Gateway's HTTP and WebSocket APIs as api-id/stage",
    pattern=r"^[a-zA-Z0-9-]{1,64}/(\$default|[a-zA-Z0-9_-]{1,128})$",
    form="a stage of an HTTP or WebSocket API, written api-id/stage, like a1b2c3d4e5/$default",
    service="apigateway",
    resource="/apis/{api}/stages/{stage}",
    tagged_as="apigateway",
    iam_type="Stage",
    parameters=("StageName",),
    read=Call(
        service="apigatewayv2", operation="get_stage", params={"ApiId": {"$": "api"}, "StageName": {"$": "stage"}}
    ),
    gone="NotFoundException",
    id="{api}/{stage}",
    has_account=False,
)

KINDS = MappingProxyType({kind.owned_as: kind for kind in (FUNCTION, TABLE, STAGE, HTTP_STAGE)})
"""Every kind, by the key under `owns` in a workload file."""
