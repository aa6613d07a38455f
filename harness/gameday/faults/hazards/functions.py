"""States of Lambda functions, and what throttle does with them: `to: 0`, unless the state names another value."""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, TargetState, refuses, still_open, throttled, warns

GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/"
RESERVED = f'{GUIDE}configuration-concurrency.html, "Configuring reserved concurrency for a function"'
PROVISIONED = f'{GUIDE}provisioned-concurrency.html, "Configuring provisioned concurrency for a function"'
STATES = f'{GUIDE}functions-states.html, "Lambda function states"'
ASYNCHRONOUS = f'{GUIDE}invocation-async-error-handling.html, "How Lambda handles errors and retries"'
RETAINED = f'{GUIDE}invocation-async-retain-records.html, "Capturing records of Lambda asynchronous invocations"'
QUEUES = f'{GUIDE}services-sqs-errorhandling.html, "Handling errors for an SQS event source in Lambda"'
RETENTION = "Amazon SQS API Reference, SetQueueAttributes, MessageRetentionPeriod"
RECORDS = "AWS Lambda API Reference, EventSourceMappingConfiguration, MaximumRecordAgeInSeconds"

_NOT_READY = throttled(refuses("GD-P29", "is not ready to be invoked"))

FUNCTIONS = (
    TargetState("reserves none", "GetFunctionConcurrency answers nothing", RESERVED, throttled(WORKS)),
    TargetState("reserves some", "ReservedConcurrentExecutions is set", RESERVED, throttled(WORKS)),
    TargetState(
        "reserves nothing at all",
        "ReservedConcurrentExecutions is 0",
        RESERVED,
        throttled(refuses("GD-P10", "would take nothing away")),
    ),
    TargetState(
        "reserves none, for a share",
        "GetFunctionConcurrency answers nothing, and `to: 5%`",
        RESERVED,
        throttled(refuses("GD-P10", "reserves no concurrency to take a share of")),
    ),
    TargetState(
        "shares less than it is to keep",
        "UnreservedConcurrentExecutions is 103, and `to: 500`: a reservation would give it more",
        RESERVED,
        throttled(refuses("GD-P10", "what the account leaves to those that reserve none")),
    ),
    TargetState(
        "unreserved floor",
        "UnreservedConcurrentExecutions is 103, and `to: 50`: Lambda keeps 100 for functions that reserve none",
        RESERVED,
        throttled(refuses("GD-P29", "it keeps 100 of the account's concurrency unreserved")),
    ),
    TargetState(
        "unreserved floor, at its undo",
        "it reserves 20, and UnreservedConcurrentExecutions is 90: nobody could reserve the 20 again",
        RESERVED,
        throttled(refuses("GD-P29", "to reserve again what payments had")),
    ),
    TargetState(
        "small account",
        "ConcurrentExecutions is 10: to reserve 0 takes nothing from the others",
        RESERVED,
        throttled(WORKS),
    ),
    TargetState(
        "provisioned concurrency",
        "a version has provisioned concurrency, which a reservation may not be less than",
        PROVISIONED,
        throttled(refuses("GD-P29", "its versions have more provisioned concurrency")),
    ),
    TargetState(
        "versions and aliases",
        "it has published versions and aliases: the reservation is for all of them",
        RESERVED,
        throttled(WORKS),
    ),
    TargetState(
        "ready",
        "State is Active, or Inactive until its next invocation",
        STATES,
        throttled(WORKS),
        values=("Active", "Inactive"),
    ),
    TargetState(
        "not ready",
        "State is Pending, Failed or another in which Lambda does not invoke it: calls that operate on it may fail",
        STATES,
        _NOT_READY,
        values=("Pending", "Failed", "Deactivating", "Deactivated", "ActiveNonInvocable", "Deleting"),
    ),
    TargetState(
        "on managed instances",
        "CapacityProviderConfig is set: it runs on instances of a capacity provider",
        f"{GUIDE}lambda-managed-instances-core-concepts.html",
        throttled(
            still_open(WORKS, "AWS does not document whether reserved concurrency limits a function of that kind")
        ),
    ),
    TargetState(
        "update in progress",
        "LastUpdateStatus is InProgress: its earlier code goes on, and only calls that update it fail",
        STATES,
        throttled(WORKS),
    ),
    TargetState(
        "invoked by a caller that waits",
        "its policy lets API Gateway invoke it: the caller sees the throttle, and no event is lost",
        f"{GUIDE}invocation-sync.html",
        throttled(WORKS),
    ),
    TargetState(
        "events without a destination",
        "its policy lets S3 invoke it, and it has no dead-letter queue and no failure destination: at 0, Lambda drops "
        "events without a retry",
        RESERVED,
        throttled(refuses("GD-P12", "events from S3, since it has no dead-letter queue and no failure destination")),
    ),
    TargetState(
        "events with a failure destination",
        "DestinationConfig.OnFailure is set: at 0, Lambda sends events there without a retry",
        RETAINED,
        throttled(warns("GD-W10", "without retries")),
    ),
    TargetState(
        "events with a dead-letter queue",
        "DeadLetterConfig.TargetArn is set: at 0, Lambda sends events there without a retry",
        RETAINED,
        throttled(warns("GD-W10", "without retries")),
    ),
    TargetState(
        "events that wait",
        "its policy lets S3 invoke it, and `to: 5`: Lambda retries throttled events for up to 6 hours",
        ASYNCHRONOUS,
        throttled(warns("GD-W10", "and then drops them")),
    ),
    TargetState(
        "events that expire",
        "MaximumEventAgeInSeconds is 60, shorter than the fault, and `to: 5`",
        ASYNCHRONOUS,
        throttled(refuses("GD-P12", "that wait longer than 1m")),
    ),
    TargetState(
        "queue with a dead-letter queue",
        "its event source is a queue with RedrivePolicy: each throttled receive counts",
        QUEUES,
        throttled(warns("GD-W10", "move them back after the run")),
    ),
    TargetState(
        "queue without a dead-letter queue",
        "its event source is a queue without RedrivePolicy: messages wait until their retention ends",
        QUEUES,
        throttled(warns("GD-W10", "SQS deletes them after 4d")),
    ),
    TargetState(
        "queue that keeps messages shortly",
        "MessageRetentionPeriod is 60 seconds, shorter than the fault",
        RETENTION,
        throttled(refuses("GD-P12", "that are older than 1m")),
    ),
    TargetState(
        "queue that cannot be read",
        "its event source is a queue that SQS does not show: it is gone, or another account's",
        QUEUES,
        throttled(warns("GD-W10", "cannot read queue")),
    ),
    TargetState(
        "stream that waits",
        "its event source is a stream, MaximumRecordAgeInSeconds -1: records wait",
        RECORDS,
        throttled(warns("GD-W10", "wait until it is undone")),
    ),
    TargetState(
        "stream whose records expire",
        "MaximumRecordAgeInSeconds is 60, shorter than the fault, without a failure destination",
        RECORDS,
        throttled(refuses("GD-P12", "that are older than 1m")),
    ),
    TargetState(
        "disabled event source",
        "State of its event source mapping is Disabled: it reads no event, with or without a throttle",
        "AWS Lambda API Reference, EventSourceMappingConfiguration, State",
        throttled(WORKS),
    ),
    TargetState(
        "deleted",
        "GetFunctionConfiguration answers ResourceNotFoundException",
        "AWS Lambda API Reference, GetFunctionConfiguration, Errors",
        throttled(refuses("GD-P10", "does not exist")),
    ),
    TargetState(
        "without the opt-in tag",
        "Tags lack the workload's opt-in tag",
        "README.md, opt-in",
        throttled(refuses("GD-P11", "does not carry the opt-in tag")),
    ),
)
