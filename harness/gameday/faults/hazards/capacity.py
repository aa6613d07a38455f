"""States of functions, tables and API stages, and what throttle does with them (`to: 5%`; functions `to: 0`)."""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, Answer, TargetState, refuses

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
APIGATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
CONCURRENCY = f'{LAMBDA}configuration-concurrency.html, "Configuring reserved concurrency"'
CAPACITY = f'{DYNAMODB}provisioned-capacity-mode.html, "DynamoDB provisioned capacity mode"'
STAGE = f'{APIGATEWAY}api-gateway-request-throttling.html, "Throttle requests to your REST APIs"'


def _throttle(answer: Answer) -> dict[str, Answer]:
    return {"throttle": answer}


FUNCTIONS = (
    TargetState("reserves none", "GetFunctionConcurrency answers nothing", CONCURRENCY, _throttle(WORKS)),
    TargetState("reserves some", "ReservedConcurrentExecutions is set", CONCURRENCY, _throttle(WORKS)),
    TargetState(
        "reserves nothing at all",
        "ReservedConcurrentExecutions is 0",
        CONCURRENCY,
        _throttle(refuses("GD-P10", "would take nothing away")),
    ),
    TargetState(
        "deleted",
        "GetFunctionConfiguration answers ResourceNotFoundException",
        "AWS Lambda API Reference, GetFunctionConfiguration, Errors",
        _throttle(refuses("GD-P10", "does not exist")),
    ),
    TargetState(
        "without the opt-in tag",
        "Tags lack the workload's opt-in tag",
        "README.md, opt-in",
        _throttle(refuses("GD-P11", "does not carry the opt-in tag")),
    ),
)

TABLES = (
    TargetState("active", "TableStatus is ACTIVE, with provisioned capacity", CAPACITY, _throttle(WORKS)),
    TargetState(
        "at its least",
        "1 read and 1 write unit",
        CAPACITY,
        _throttle(refuses("GD-P10", "would take nothing away")),
    ),
    TargetState(
        "not active",
        "TableStatus is another than ACTIVE: UpdateTable answers ResourceInUseException",
        "Amazon DynamoDB API Reference, TableDescription, TableStatus",
        _throttle(refuses("GD-P07", "is changing right now")),
        values=("UPDATING", "CREATING", "DELETING", "ARCHIVING"),
    ),
    TargetState(
        "deleted",
        "DescribeTable answers ResourceNotFoundException",
        "Amazon DynamoDB API Reference, DescribeTable, Errors",
        _throttle(refuses("GD-P10", "does not exist")),
    ),
)

STAGES = (
    TargetState("limits of its own", "methodSettings */* has rate and burst", STAGE, _throttle(WORKS)),
    TargetState(
        "limits of nothing",
        "throttlingRateLimit and throttlingBurstLimit are 0",
        STAGE,
        _throttle(refuses("GD-P10", "would take nothing away")),
    ),
    TargetState(
        "deleted",
        "GetStage answers NotFoundException",
        "API Gateway API Reference, GetStage, Errors",
        _throttle(refuses("GD-P10", "does not exist")),
    ),
)
