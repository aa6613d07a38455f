"""States of DynamoDB tables, and what throttle does with them: `to: 5%`, unless the state names another value."""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, TargetState, refuses, throttled, warns

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
API = "Amazon DynamoDB API Reference, "
PROVISIONED = f'{GUIDE}provisioned-capacity-mode.html, "DynamoDB provisioned capacity mode"'
ON_DEMAND = f'{GUIDE}on-demand-capacity-mode-max-throughput.html, "DynamoDB maximum throughput for on-demand tables"'
QUOTAS = f'{GUIDE}ServiceQuotas.html, "Decreasing provisioned throughput"'
GLOBAL = f'{GUIDE}V2globaltables_HowItWorks.html, "How DynamoDB global tables work"'

_CHANGING = throttled(refuses("GD-P07", "is not ready for a change"))

TABLES = (
    TargetState("active", "TableStatus is ACTIVE, with provisioned capacity", PROVISIONED, throttled(WORKS)),
    TargetState(
        "at its least",
        "1 read and 1 write unit",
        PROVISIONED,
        throttled(refuses("GD-P10", "would take nothing away")),
    ),
    TargetState(
        "with indexes",
        "its global secondary indexes have capacity of their own: they are reduced with it",
        f'{GUIDE}GSI.html, "Provisioned throughput considerations for global secondary indexes"',
        throttled(WORKS),
    ),
    TargetState(
        "index alone above its least",
        "the table has 1 unit, an index more: UpdateTable refuses a part that would not change",
        f"{API}UpdateTable, ProvisionedThroughput",
        throttled(WORKS),
    ),
    TargetState(
        "autoscaled",
        "it is a scalable target: Application Auto Scaling would raise the capacity, and is suspended",
        f'{GUIDE}AutoScaling.html, "Managing throughput capacity automatically with DynamoDB auto scaling"',
        throttled(WORKS),
    ),
    TargetState(
        "decreases left today",
        "NumberOfDecreasesToday is 3, the last one a minute ago: 4 are allowed at any time",
        QUOTAS,
        throttled(WORKS),
    ),
    TargetState(
        "no decrease for an hour",
        "NumberOfDecreasesToday is 27, the last one an hour ago: one more is allowed",
        QUOTAS,
        throttled(WORKS),
    ),
    TargetState(
        "decreases used up",
        "NumberOfDecreasesToday is 27, the last one a minute ago: UpdateTable answers LimitExceededException",
        QUOTAS,
        throttled(refuses("GD-P29", "allows no decrease of table ledger now")),
    ),
    TargetState(
        "index without decreases left",
        "NumberOfDecreasesToday of an index is 4, the last one a minute ago: each index counts its own",
        QUOTAS,
        throttled(refuses("GD-P29", "allows no decrease of index by-0 of table ledger now")),
    ),
    TargetState(
        "warm above its capacity",
        "WarmThroughput is above ProvisionedThroughput: capacity may be less, and rises again at once",
        f'{GUIDE}warm-throughput-scenarios.html, "Warm throughput for a provisioned table"',
        throttled(WORKS),
    ),
    TargetState(
        "deletion protection",
        "DeletionProtectionEnabled is true: it protects from DeleteTable alone",
        f"{API}UpdateTable, DeletionProtectionEnabled",
        throttled(WORKS),
    ),
    TargetState(
        "on demand, with a maximum",
        "OnDemandThroughput has MaxReadRequestUnits and MaxWriteRequestUnits",
        ON_DEMAND,
        throttled(WORKS),
    ),
    TargetState(
        "on demand, without a maximum",
        "OnDemandThroughput is missing, and `to: 5`: the undo takes the maximum away by -1",
        f"{API}OnDemandThroughput",
        throttled(WORKS),
    ),
    TargetState(
        "on demand, for a share",
        "OnDemandThroughput is missing: there is nothing to take a share of",
        ON_DEMAND,
        throttled(refuses("GD-P10", "has no maximum to take a share of")),
    ),
    TargetState(
        "on demand, one maximum for a share",
        "OnDemandThroughput has MaxReadRequestUnits alone",
        ON_DEMAND,
        throttled(refuses("GD-P10", "has not both maxima to take a share of")),
    ),
    TargetState(
        "global table",
        "Replicas names other regions: what they write waits, too",
        GLOBAL,
        throttled(warns("GD-W10", "that AWS replicates from eu-west-1 wait, too")),
    ),
    TargetState(
        "global table on demand",
        "Replicas names other regions, which have the same maximum of writes",
        GLOBAL,
        throttled(warns("GD-W10", "only reads are limited")),
    ),
    TargetState(
        "not active",
        "TableStatus is another than ACTIVE: UpdateTable answers ResourceInUseException, or cannot read the key",
        f"{API}TableDescription, TableStatus",
        _CHANGING,
        values=(
            "UPDATING",
            "CREATING",
            "DELETING",
            "ARCHIVING",
            "ARCHIVED",
            "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
            "REPLICATION_NOT_AUTHORIZED",
        ),
    ),
    TargetState(
        "index that is not active",
        "IndexStatus of one of its indexes is another than ACTIVE",
        f"{API}GlobalSecondaryIndexDescription, IndexStatus",
        _CHANGING,
        values=("CREATING", "UPDATING", "DELETING"),
    ),
    TargetState(
        "deleted",
        "DescribeTable answers ResourceNotFoundException",
        f"{API}DescribeTable, Errors",
        throttled(refuses("GD-P10", "does not exist")),
    ),
    TargetState(
        "without the opt-in tag",
        "Tags lack the workload's opt-in tag",
        "README.md, opt-in",
        throttled(refuses("GD-P11", "does not carry the opt-in tag")),
    ),
)
