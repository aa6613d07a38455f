"""DynamoDB: tables, their capacity and tags."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation, Tag


class BillingModeSummary(TypedDict, total=False):
    """PROVISIONED or PAY_PER_REQUEST."""

    BillingMode: str


class ProvisionedThroughput(TypedDict):
    """Capacity units; both are 0 on demand (ProvisionedThroughputDescription). Times in seconds since the epoch."""

    ReadCapacityUnits: int
    WriteCapacityUnits: int
    NumberOfDecreasesToday: NotRequired[int]
    LastDecreaseDateTime: NotRequired[float]


class OnDemandThroughput(TypedDict, total=False):
    """The maxima of an on-demand table or index; -1 is none."""

    MaxReadRequestUnits: int
    MaxWriteRequestUnits: int


class GlobalSecondaryIndex(TypedDict):
    """A global secondary index, which has throughput of its own."""

    IndexName: str
    ProvisionedThroughput: ProvisionedThroughput
    OnDemandThroughput: NotRequired[OnDemandThroughput]


class Replica(TypedDict):
    """A replica of a global table."""

    RegionName: str


class TableDescription(TypedDict):
    """A table; a table that was never on demand has no billing mode."""

    TableArn: str
    ProvisionedThroughput: ProvisionedThroughput
    BillingModeSummary: NotRequired[BillingModeSummary]
    OnDemandThroughput: NotRequired[OnDemandThroughput]
    GlobalSecondaryIndexes: NotRequired[list[GlobalSecondaryIndex]]
    Replicas: NotRequired[list[Replica]]


class DescribeTable(TypedDict):
    """The answer to DescribeTable."""

    Table: TableDescription


class ListTables(TypedDict):
    """The answer to ListTables."""

    TableNames: list[str]


class ListTagsOfResource(TypedDict):
    """The answer to ListTagsOfResource."""

    Tags: NotRequired[list[Tag]]


DESCRIBE_TABLE = Operation("dynamodb", "describe_table", DescribeTable)
LIST_TABLES = Operation("dynamodb", "list_tables", ListTables)
LIST_TAGS_OF_RESOURCE = Operation("dynamodb", "list_tags_of_resource", ListTagsOfResource)
