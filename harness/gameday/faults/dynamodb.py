"""The setting of DynamoDB tables that `throttle` sets."""

from __future__ import annotations

from gameday.change import Call, Read, Setting, Shape

CAPACITY = Setting(
    name="table.capacity",
    about="a table's provisioned read and write capacity, in units per second",
    shape=Shape.SCALAR,
    resource="table",
    read=Read(
        call=Call(service="dynamodb", operation="describe_table", params={"TableName": {"$": "id"}}),
        rows=(
            "[Table.{id: TableName, status: TableStatus, mode: BillingModeSummary.BillingMode, value: {"
            "ReadCapacityUnits: ProvisionedThroughput.ReadCapacityUnits, "
            "WriteCapacityUnits: ProvisionedThroughput.WriteCapacityUnits}}]"
        ),
        plural=False,
        needs=(
            "Table.TableStatus",
            "Table.ProvisionedThroughput.ReadCapacityUnits",
            "Table.ProvisionedThroughput.WriteCapacityUnits",
        ),
    ),
    write=Call(
        service="dynamodb",
        operation="update_table",
        params={"TableName": {"$": "id"}, "ProvisionedThroughput": {"$": "value"}},
    ),
    ready="status == 'ACTIVE'",
    settle=5.0,
    co_writers=("Application Auto Scaling, where the table is its target",),
    retry=("ResourceInUseException", "LimitExceededException"),
    gone=("ResourceNotFoundException",),
)
