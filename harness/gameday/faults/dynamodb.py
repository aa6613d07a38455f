"""The settings of DynamoDB tables that `throttle` sets: provisioned capacity, and the maximum on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.change import Call, Json, Read, Setting, Shape

MODE_OF_CAPACITY, MODE_OF_MAXIMUM = "PROVISIONED", "PAY_PER_REQUEST"
NO_MAXIMUM = -1
"""Takes a maximum away (DynamoDB API Reference, OnDemandThroughput)."""


@dataclass(frozen=True)
class Throughput:
    """A kind of limit on a table and its indexes, as data: the setting, and the members of AWS's structures."""

    setting: str  # the setting's name
    about: str
    structure: str  # in DescribeTable and UpdateTable
    reads: str
    writes: str
    absent: int | None  # what a missing limit reads as; None where there always is one

    def read(self, part: str) -> str:
        """Return the JMESPath of both limits, of a table or an index."""
        default = "" if self.absent is None else f" || `{self.absent}`"
        return ", ".join(f"{unit}: {part}{self.structure}.{unit}{default}" for unit in (self.reads, self.writes))


PROVISIONED = Throughput(
    setting="table.capacity",
    about="the provisioned read and write capacity of a table and its indexes, in units per second",
    structure="ProvisionedThroughput",
    reads="ReadCapacityUnits",
    writes="WriteCapacityUnits",
    absent=None,
)
ON_DEMAND = Throughput(
    setting="table.maximum",
    about="the maximum of read and write requests of an on-demand table and its indexes, in units per second; -1: none",
    structure="OnDemandThroughput",
    reads="MaxReadRequestUnits",
    writes="MaxWriteRequestUnits",
    absent=NO_MAXIMUM,
)


def index_path(name: str, table: str = "Table") -> str:
    """Return the JMESPath of an index in an answer of DescribeTable."""
    return f"{table}.GlobalSecondaryIndexes[?IndexName=='{name}'] | [0]"


def throughput(limit: Throughput, indexes: Sequence[str] = (), *, of_table: bool = True) -> Setting:
    """Return the setting of a limit on the table, on these global secondary indexes, or on both.

    UpdateTable takes them in one call, and refuses a part that would not change (DynamoDB API Reference, UpdateTable).
    So the setting holds only the parts that change. Its value is {reads, writes}; with indexes, {table, indexes}.
    """
    whole = f"{{{limit.read('Table.')}}}"
    parts = [f"table: {whole}"] if of_table else []
    parts += ["indexes: {" + ", ".join(f'"{name}": {_of_index(limit, name)}' for name in indexes) + "}"]
    value = "{" + ", ".join(parts) + "}" if indexes else whole
    params: dict[str, Json] = {"TableName": {"$": "id"}}
    if of_table:
        params[limit.structure] = {"$": "value.table" if indexes else "value"}
    if indexes:
        params["GlobalSecondaryIndexUpdates"] = [
            {"Update": {"IndexName": name, limit.structure: {"$": f'value.indexes."{name}"'}}} for name in indexes
        ]
    units = [f"Table.{limit.structure}.{unit}" for unit in (limit.reads, limit.writes)] if limit.absent is None else []
    return Setting(
        name=limit.setting,
        about=limit.about,
        shape=Shape.SCALAR,
        resource="table",
        read=Read(
            call=Call(service="dynamodb", operation="describe_table", params={"TableName": {"$": "id"}}),
            rows=(
                "[{id: Table.TableName, status: Table.TableStatus, mode: Table.BillingModeSummary.BillingMode, "
                f"indexes: Table.GlobalSecondaryIndexes[].IndexStatus, value: {value}}}]"
            ),
            plural=False,
            needs=("Table.TableStatus", *units),
        ),
        write=Call(service="dynamodb", operation="update_table", params=params),
        ready="status == 'ACTIVE' && length((indexes || `[]`)[?@ != 'ACTIVE']) == `0`",
        settle=5.0,
        co_writers=("Application Auto Scaling, where the table is its target: throttle suspends it",),
        # LimitExceededException is not among them: AWS answers with it when the day's decreases are used up.
        retry=("ResourceInUseException",),
        gone=("ResourceNotFoundException",),
    )


def _of_index(limit: Throughput, name: str) -> str:
    return f"{index_path(name)}.{{{limit.read('')}}}"


CAPACITY = throughput(PROVISIONED)
MAXIMUM = throughput(ON_DEMAND)
