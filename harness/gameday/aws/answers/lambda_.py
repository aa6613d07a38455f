"""Lambda: functions, their tags, concurrency and event sources."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class VpcConfig(TypedDict, total=False):
    """The subnets and security groups of a function in a VPC."""

    SubnetIds: list[str]
    SecurityGroupIds: list[str]


class DeadLetterConfig(TypedDict, total=False):
    """Where events go that a function did not process."""

    TargetArn: str


class FunctionConfiguration(TypedDict):
    """A function, or one of its versions: `$LATEST`, or a number as text."""

    FunctionName: str
    FunctionArn: str
    Role: str
    VpcConfig: NotRequired[VpcConfig]
    Version: NotRequired[str]
    DeadLetterConfig: NotRequired[DeadLetterConfig]


class ListVersionsByFunction(TypedDict):
    """The answer to ListVersionsByFunction."""

    Versions: list[FunctionConfiguration]


class Alias(TypedDict):
    """An alias of a function, and the version that it points to."""

    Name: str
    FunctionVersion: str


class ListAliases(TypedDict):
    """The answer to ListAliases."""

    Aliases: list[Alias]


class GetPolicy(TypedDict):
    """The answer to GetPolicy: a resource-based policy as JSON text."""

    Policy: str


class Destination(TypedDict, total=False):
    """Where a record of an invocation goes."""

    Destination: str


class DestinationConfig(TypedDict, total=False):
    """Where records of failed invocations go."""

    OnFailure: Destination


class EventInvokeConfig(TypedDict):
    """How Lambda treats events of asynchronous invocations of a function, a version or an alias."""

    FunctionArn: str
    MaximumEventAgeInSeconds: NotRequired[int]
    DestinationConfig: NotRequired[DestinationConfig]


class ListFunctionEventInvokeConfigs(TypedDict):
    """The answer to ListFunctionEventInvokeConfigs."""

    FunctionEventInvokeConfigs: list[EventInvokeConfig]


class ListFunctions(TypedDict):
    """The answer to ListFunctions."""

    Functions: list[FunctionConfiguration]


class ListTags(TypedDict):
    """The answer to ListTags: Lambda answers with a mapping."""

    Tags: NotRequired[dict[str, str]]


class GetFunctionConcurrency(TypedDict):
    """The answer to GetFunctionConcurrency: empty where the function reserves none."""

    ReservedConcurrentExecutions: NotRequired[int]


class AccountLimit(TypedDict):
    """The limits of the account in the region."""

    ConcurrentExecutions: int
    UnreservedConcurrentExecutions: int


class GetAccountSettings(TypedDict):
    """The answer to GetAccountSettings."""

    AccountLimit: AccountLimit


class EventSourceMapping(TypedDict):
    """What a function takes events from; a self-managed Kafka has no ARN. An age of -1 never ends."""

    FunctionArn: str
    EventSourceArn: NotRequired[str]
    State: NotRequired[str]
    MaximumRecordAgeInSeconds: NotRequired[int]
    DestinationConfig: NotRequired[DestinationConfig]


class ListEventSourceMappings(TypedDict):
    """The answer to ListEventSourceMappings."""

    EventSourceMappings: list[EventSourceMapping]


LIST_FUNCTIONS = Operation("lambda", "list_functions", ListFunctions)
LIST_TAGS = Operation("lambda", "list_tags", ListTags)
GET_FUNCTION_CONCURRENCY = Operation("lambda", "get_function_concurrency", GetFunctionConcurrency)
GET_ACCOUNT_SETTINGS = Operation("lambda", "get_account_settings", GetAccountSettings)
LIST_VERSIONS_BY_FUNCTION = Operation("lambda", "list_versions_by_function", ListVersionsByFunction)
LIST_ALIASES = Operation("lambda", "list_aliases", ListAliases)
GET_POLICY = Operation("lambda", "get_policy", GetPolicy)
LIST_FUNCTION_EVENT_INVOKE_CONFIGS = Operation(
    "lambda", "list_function_event_invoke_configs", ListFunctionEventInvokeConfigs
)
LIST_EVENT_SOURCE_MAPPINGS = Operation("lambda", "list_event_source_mappings", ListEventSourceMappings)
