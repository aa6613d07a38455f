"""What a throttled function loses: events of asynchronous invocations, messages of queues, and records of streams.

Source: AWS Lambda Developer Guide, in three chapters.

- "Configuring reserved concurrency for a function": at 0, Lambda sends events to the dead-letter queue or the failure
  destination, without retries.
- "How Lambda handles errors and retries with asynchronous invocation": otherwise it retries for up to 6 hours.
- "Using Lambda with Amazon SQS": a throttled message is received again until its queue's redrive policy moves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gameday.aws.answers.lambda_ import (
    GET_POLICY,
    LIST_ALIASES,
    LIST_EVENT_SOURCE_MAPPINGS,
    LIST_FUNCTION_EVENT_INVOKE_CONFIGS,
    EventInvokeConfig,
    EventSourceMapping,
    FunctionConfiguration,
)
from gameday.aws.answers.sqs import GET_QUEUE_ATTRIBUTES, GET_QUEUE_URL, QueueAttributes
from gameday.faults.fault import FaultContext
from gameday.steady_state.kpi.units import show_duration

LATEST = "$LATEST"
NO_CONFIG: EventInvokeConfig = {"FunctionArn": ""}
EVENT_AGE = 21_600
"""Seconds for which Lambda keeps an event by default (Lambda API Reference, MaximumEventAgeInSeconds)."""
NONE = ("ResourceNotFoundException",)
UNREADABLE = (
    *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "AccessDenied", "AccessDeniedException"),
    "InvalidAddress",
)
"""Error codes of a queue that is gone, or that another account does not show."""

ASYNCHRONOUS = {
    "cloudformation.amazonaws.com": "CloudFormation",
    "codecommit.amazonaws.com": "CodeCommit",
    "codepipeline.amazonaws.com": "CodePipeline",
    "config.amazonaws.com": "AWS Config",
    "events.amazonaws.com": "EventBridge",
    "iot.amazonaws.com": "AWS IoT",
    "lambda.alarms.cloudwatch.amazonaws.com": "CloudWatch alarms",
    "logs.amazonaws.com": "CloudWatch Logs",
    "s3.amazonaws.com": "S3",
    "scheduler.amazonaws.com": "EventBridge Scheduler",
    "ses.amazonaws.com": "SES",
    "sns.amazonaws.com": "SNS",
}
"""Services that invoke functions asynchronously, by their principal in a function's policy (AWS Lambda Developer Guide,
"Invoking Lambda with events from other AWS services")."""


@dataclass(frozen=True)
class Losses:
    """What is lost for good, and what goes elsewhere or waits; in words."""

    for_good: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invoked:
    """A function, or one of its aliases, that is invoked asynchronously."""

    by: tuple[str, ...]  # services; empty where only its configuration shows it
    destination: str  # where events go that were not processed; empty where Lambda drops them
    age: int  # seconds for which Lambda keeps an event

    @property
    def events(self) -> str:
        """Its events in words."""
        return f"events from {', '.join(self.by)}" if self.by else "events of asynchronous invocations"


def losses(
    context: FaultContext, function: str, versions: Sequence[FunctionConfiguration], *, is_nothing_left: bool
) -> Losses:
    """Return what a function loses while it is throttled. Raises AwsError."""
    published = any(version.get("Version", LATEST) != LATEST for version in versions)
    aliases: dict[str, str] = {"": LATEST}  # qualifier → version
    if published:
        answer = context.inventory.read(LIST_ALIASES, FunctionName=function)
        aliases |= {alias["Name"]: alias["FunctionVersion"] for alias in answer["Aliases"]}
    found = [  # sentences, each with whether it is a loss for good
        *(
            _of_events(function, invoked, context.lasts, is_nothing_left)
            for invoked in _invoked(context, function, aliases, versions)
        ),
        *(
            _of_source(context, function, mapping)
            for mapping in _mappings(context, function, aliases)
            if mapping.get("State") != "Disabled"
        ),
    ]
    return Losses(
        tuple(dict.fromkeys(text for text, is_lost in found if is_lost)),
        tuple(dict.fromkeys(text for text, is_lost in found if not is_lost)),
    )


# asynchronous invocations ---------------------------------------------------------------------------------------------


def _invoked(
    context: FaultContext, function: str, aliases: Mapping[str, str], versions: Sequence[FunctionConfiguration]
) -> Iterator[Invoked]:
    listed = context.inventory.read_there(LIST_FUNCTION_EVENT_INVOKE_CONFIGS, [{"FunctionName": function}], NONE)
    configs = {_qualifier(raw): raw for answer in listed if answer for raw in answer["FunctionEventInvokeConfigs"]}
    queues = {raw.get("Version", LATEST): raw.get("DeadLetterConfig", {}).get("TargetArn", "") for raw in versions}
    asked = [{"FunctionName": function, **({"Qualifier": name} if name else {})} for name in aliases]
    policies = context.inventory.read_there(GET_POLICY, asked, NONE)
    for (alias, version), policy in zip(aliases.items(), policies, strict=True):
        config, queue = configs.get(alias, NO_CONFIG), queues.get(version, "")
        by = asynchronous_services(policy["Policy"]) if policy else ()
        if by or queue or alias in configs:
            failed = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
            yield Invoked(by, failed or queue, config.get("MaximumEventAgeInSeconds") or EVENT_AGE)


def _qualifier(config: EventInvokeConfig) -> str:
    """Return the alias or version that a configuration is for; empty for the function itself."""
    qualifier = ":".join(config["FunctionArn"].split(":")[7:])
    return "" if qualifier == LATEST else qualifier


def asynchronous_services(policy: str) -> tuple[str, ...]:
    """Return the services in a function's policy that invoke it asynchronously, in words and in order.

    >>> asynchronous_services('{"Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}}]}')
    ('S3',)
    """
    try:
        document = json.loads(policy)
    except ValueError:
        return ()
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    found: set[str] = set()
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal") if isinstance(statement, dict) else None
        if isinstance(principal, dict) and statement.get("Effect") == "Allow":
            services = principal.get("Service", [])
            found |= {str(service) for service in (services if isinstance(services, list) else [services])}
    return tuple(sorted(ASYNCHRONOUS[service] for service in found & ASYNCHRONOUS.keys()))


def _of_events(function: str, invoked: Invoked, lasts: float, is_nothing_left: bool) -> tuple[str, bool]:
    if is_nothing_left and invoked.destination:
        return f"function {function}: Lambda sends {invoked.events} to {invoked.destination}, without retries", False
    if is_nothing_left:
        return f"{function}: {invoked.events}, since it has no dead-letter queue and no failure destination", True
    age = show_duration(invoked.age)
    if invoked.destination or invoked.age > lasts:
        then = f"sends them to {invoked.destination}" if invoked.destination else "drops them"
        return f"function {function}: Lambda retries {invoked.events} for up to {age}, and then {then}", False
    return f"{function}: {invoked.events} that wait longer than {age}, since it has no failure destination", True


# event sources --------------------------------------------------------------------------------------------------------


def _mappings(context: FaultContext, function: str, aliases: Mapping[str, str]) -> list[EventSourceMapping]:
    asked = [{"FunctionName": f"{function}:{alias}" if alias else function} for alias in aliases]
    answers = context.inventory.read_all(LIST_EVENT_SOURCE_MAPPINGS, asked)
    return [raw for answer in answers for raw in answer["EventSourceMappings"]]


def _of_source(context: FaultContext, function: str, mapping: EventSourceMapping) -> tuple[str, bool]:
    source = mapping.get("EventSourceArn", "")
    if source.split(":")[2:3] == ["sqs"]:
        return _of_queue(function, source, _attributes(context, source), context.lasts)
    age = mapping.get("MaximumRecordAgeInSeconds") or -1
    failed = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
    named = source or "its Kafka cluster"
    if age < 0 or age > context.lasts:
        return f"function {function}: records of {named} wait until it is undone", False
    after = show_duration(age)
    if failed:
        return f"function {function}: Lambda skips records of {named} after {after}: {failed} names them", False
    return f"{function}: records of {named} that are older than {after}", True


def _attributes(context: FaultContext, arn: str) -> QueueAttributes | None:
    """Return a queue's attributes; None where it cannot be read."""
    *_, owner, name = arn.split(":")
    (url,) = context.inventory.read_there(
        GET_QUEUE_URL, [{"QueueName": name, "QueueOwnerAWSAccountId": owner}], UNREADABLE
    )
    if url is None:
        return None
    names = ["RedrivePolicy", "MessageRetentionPeriod"]
    asked = [{"QueueUrl": url["QueueUrl"], "AttributeNames": names}]
    (answer,) = context.inventory.read_there(GET_QUEUE_ATTRIBUTES, asked, UNREADABLE)
    return None if answer is None else answer.get("Attributes", {})


def _of_queue(function: str, arn: str, attributes: QueueAttributes | None, lasts: float) -> tuple[str, bool]:
    if attributes is None:
        return f"function {function}: Gameday cannot read queue {arn}, where its messages wait or are moved", False
    policy = _redrive(attributes.get("RedrivePolicy", ""))
    if policy:
        most, target = policy
        text = f"after {most} receives SQS moves messages of {arn} to {target}: move them back after the run"
        return f"function {function}: {text}", False
    kept = int(attributes.get("MessageRetentionPeriod", "345600"))
    if kept <= lasts:
        return f"{function}: messages of {arn} that are older than {show_duration(kept)}", True
    return f"function {function}: messages of {arn} wait; SQS deletes them after {show_duration(kept)}", False


def _redrive(policy: str) -> tuple[str, str] | None:
    """Return how many receives a redrive policy allows, and the dead-letter queue; None without one."""
    try:
        raw = json.loads(policy)
    except ValueError:
        return None
    if not isinstance(raw, dict) or not raw.get("deadLetterTargetArn"):
        return None
    return str(raw.get("maxReceiveCount", "some")), str(raw["deadLetterTargetArn"])
