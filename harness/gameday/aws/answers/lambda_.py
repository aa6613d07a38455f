"""Lambda: functions, their tags, concurrency and event sources."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class VpcConfig(TypedDict, total=False):
    """The subnets and security groups of a function in a VPC."""

    SubnetIds: list[str]
    SecurityGroupIds: list[str]


class FunctionConfiguration(TypedDict):
    """A function."""

    FunctionName: str
    FunctionArn: str
    Role: str
    VpcConfig: NotRequired[VpcConfig]


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

    UnreservedConcurrentExecutions: int


class GetAccountSettings(TypedDict):
    """The answer to GetAccountSettings."""

    AccountLimit: AccountLimit


class EventSourceMapping(TypedDict):
    """What a function takes events from; a self-managed Kafka has no ARN."""

    FunctionArn: str
    EventSourceArn: NotRequired[str]


class ListEventSourceMappings(TypedDict):
    """The answer to ListEventSourceMappings."""

    EventSourceMappings: list[EventSourceMapping]


LIST_FUNCTIONS = Operation("lambda", "list_functions", ListFunctions)
LIST_TAGS = Operation("lambda", "list_tags", ListTags)
GET_FUNCTION_CONCURRENCY = Operation("lambda", "get_function_concurrency", GetFunctionConcurrency)
GET_ACCOUNT_SETTINGS = Operation("lambda", "get_account_settings", GetAccountSettings)
LIST_EVENT_SOURCE_MAPPINGS = Operation("lambda", "list_event_source_mappings", ListEventSourceMappings)
