"""Examine the quotas that only a call would find: concurrency that is left, decreases that are left today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.lambda_ import GET_ACCOUNT_SETTINGS
from gameday.aws.answers.operation import Operation
from gameday.aws.kinds import FUNCTION, TABLE
from gameday.doctor.examination import DoctorContext, Finding, Severity

TOPIC = "quotas"
FLOOR = 100
"""Concurrency that Lambda keeps unreserved (Lambda Developer Guide, "Configuring reserved concurrency")."""
FREE_DECREASES = 4
"""Decreases of a table on a day before they are limited to one an hour (DynamoDB, "Service quotas")."""
MOST_DECREASES = 27
"""Decreases of a table on a day (DynamoDB Developer Guide, "Service quotas")."""


class Throughput(TypedDict, total=False):
    """The capacity of a table, with the decreases of today."""

    NumberOfDecreasesToday: int


class Table(TypedDict):
    """A table, as far as its quota goes."""

    ProvisionedThroughput: NotRequired[Throughput]


class DescribeTable(TypedDict):
    """The answer to DescribeTable."""

    Table: Table


DESCRIBE_TABLE = Operation("dynamodb", "describe_table", DescribeTable)


def quotas(context: DoctorContext) -> Iterator[Finding]:
    """Name what is left of each quota that a fault of the catalogue needs."""
    inventory = context.inventory
    if inventory.resources(FUNCTION):
        left = inventory.read(GET_ACCOUNT_SETTINGS)["AccountLimit"]["UnreservedConcurrentExecutions"]
        text = (
            f"{left} concurrent executions are unreserved; Lambda keeps {FLOOR}, so {max(0, left - FLOOR)} can be taken"
        )
        yield Finding(Severity.WARNS if left <= FLOOR else Severity.NOTE, TOPIC, text)
    for table in inventory.resources(TABLE):
        found = inventory.read(DESCRIBE_TABLE, TableName=table.name)["Table"].get("ProvisionedThroughput", {})
        today = found.get("NumberOfDecreasesToday", 0)
        text = f"table {table.name}: {today} of {MOST_DECREASES} decreases of today are used"
        severity = Severity.REFUSES if today >= MOST_DECREASES else Severity.NOTE
        yield Finding(Severity.WARNS if FREE_DECREASES <= today < MOST_DECREASES else severity, TOPIC, text)
