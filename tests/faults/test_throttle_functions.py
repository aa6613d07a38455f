"""Throttled functions: what Lambda demands before a reservation, and what their events become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from gameday.aws.answers.lambda_ import GET_POLICY, LIST_VERSIONS_BY_FUNCTION
from gameday.change import Call, Json, PlannedFault, SettingChange
from gameday.faults.throttle import Throttle
from gameday.faults.throttling import event_losses
from gameday.faults.throttling.event_losses import asynchronous_services

from tests.doubles.shop import ACCOUNT, BEYOND, REGION, Layout, Moto, Shop, open_shop

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:payments"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:failed"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def call(shop: Shop, service: str, operation: str, **params: Json) -> Any:
    return shop.account.call(Call(service=service, operation=operation, params=params), REGION)


def planned(shop: Shop, lasts: float = 60.0, **fields: Any) -> PlannedFault:
    context = replace(shop.look(), lasts=lasts)
    return Throttle.model_validate({"function": "payments", "to": 0} | fields).inject(context)


def unmet(planned_fault: PlannedFault, shop: Shop) -> list[str]:
    return [
        condition.about
        for condition in planned_fault.conditions
        if not condition.is_met(shop.account.pages(condition.read, REGION))
    ]


# what Lambda demands --------------------------------------------------------------------------------------------------


class Limited(Moto):
    """An account with so much concurrency in all, and so much of it unreserved."""

    limits = (1000, 1000)

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "get_account_settings":
            total, left = self.limits
            return {"AccountLimit": {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": left}}
        return super().answer(call, region, paged)


@pytest.mark.parametrize(
    ("limits", "to", "is_refused"),
    [
        ((250, 250), 150, False),
        ((250, 250), 151, True),
        ((1000, 103), 50, True),
        ((50, 50), 1, True),
        ((10, 10), 1, True),
        ((10, 10), 0, False),
    ],
)
def test_reserving_leaves_what_lambda_keeps(limits: tuple[int, int], to: int, is_refused: bool, shop: Shop) -> None:
    account = Limited(shop.account.account)
    account.limits = limits
    limited = replace(shop, account=account)
    assert bool(unmet(planned(limited, to=to), limited)) == is_refused


def test_refused_reservation_names_what_is_possible(shop: Shop) -> None:
    account = Limited(shop.account.account)
    account.limits = (250, 250)
    conditions = planned(replace(shop, account=account), to=200).conditions
    assert [condition.remedy for condition in conditions if "at most 150" in condition.remedy]


def test_undo_of_a_reservation_needs_the_floor_too() -> None:
    with open_shop(Layout(functions=(20,))) as shop:
        account = Limited(shop.account.account)
        account.limits = (1000, 90)
        limited = replace(shop, account=account)
        assert unmet(planned(limited), limited) == ["the account leaves enough concurrency unreserved"]


@pytest.mark.parametrize(("provisioned", "to", "is_refused"), [([3, 4], 7, False), ([3, 4], 6, True), ([1], 0, True)])
def test_provisioned_concurrency_is_a_floor(
    provisioned: list[int], to: int, is_refused: bool, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(shop, "lambda", "publish_version", FunctionName="payments")
    monkeypatch.setattr(BEYOND.backend("lambda", REGION), "provisioned", {"payments": provisioned}, raising=False)
    assert bool(unmet(planned(shop, to=to), shop)) == is_refused


# what is lost ---------------------------------------------------------------------------------------------------------


def permit(shop: Shop, service: str, **more: Json) -> None:
    call(
        shop,
        "lambda",
        "add_permission",
        FunctionName="payments",
        StatementId=service.partition(".")[0],
        Action="lambda:InvokeFunction",
        Principal=service,
        **more,
    )


class DeadLettered(Moto):
    """moto keeps no dead-letter queue of a function."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        if call.operation == LIST_VERSIONS_BY_FUNCTION.name:
            return {"Versions": [{**raw, "DeadLetterConfig": {"TargetArn": TOPIC}} for raw in answer["Versions"]]}
        return answer


def lost(planned_fault: PlannedFault) -> tuple[str, ...]:
    (change,) = planned_fault.changes
    assert isinstance(change, SettingChange)
    return change.lost


def test_function_that_only_people_call_loses_nothing(shop: Shop) -> None:
    permit(shop, "apigateway.amazonaws.com")
    assert lost(planned(shop)) == ()
    assert planned(shop).warnings == ()


def test_asynchronous_events_without_a_destination_are_lost(shop: Shop) -> None:
    permit(shop, "s3.amazonaws.com")
    permit(shop, "sns.amazonaws.com")
    assert lost(planned(shop)) == (
        "payments: events from S3, SNS, since it has no dead-letter queue and no failure destination",
    )
    assert lost(planned(shop, to=5)) == ()
    assert "and then drops them" in planned(shop, to=5).warnings[0]


def test_mutant_that_reads_no_policy_finds_no_loss(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    permit(shop, "s3.amazonaws.com")
    monkeypatch.setattr(event_losses, "asynchronous_services", lambda _: ())
    assert lost(planned(shop)) == ()


@pytest.mark.parametrize("by", ["queue", "destination"])
def test_events_with_a_destination_are_moved_not_lost(by: str, shop: Shop) -> None:
    permit(shop, "events.amazonaws.com")
    if by == "queue":
        shop = replace(shop, account=DeadLettered(shop.account.account))
    else:
        call(
            shop,
            "lambda",
            "put_function_event_invoke_config",
            FunctionName="payments",
            DestinationConfig={"OnFailure": {"Destination": TOPIC}},
        )
    assert lost(planned(shop)) == ()
    assert planned(shop).warnings == (
        f"function payments: Lambda sends events from EventBridge to {TOPIC}, without retries",
    )


def test_events_older_than_their_age_are_lost(shop: Shop) -> None:
    permit(shop, "sns.amazonaws.com")
    call(shop, "lambda", "put_function_event_invoke_config", FunctionName="payments", MaximumEventAgeInSeconds=300)
    assert lost(planned(shop, to=5, lasts=299.0)) == ()
    assert lost(planned(shop, to=5, lasts=300.0)) == (
        "payments: events from SNS that wait longer than 5m, since it has no failure destination",
    )


def test_events_of_an_alias_are_found(shop: Shop) -> None:
    version = call(shop, "lambda", "publish_version", FunctionName="payments")["Version"]
    call(shop, "lambda", "create_alias", FunctionName="payments", Name="live", FunctionVersion=version)

    class Aliased(Moto):
        """moto keeps one policy for all qualifiers."""

        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == GET_POLICY.name and call.params.get("Qualifier") == "live":
                statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}}
                return {"Policy": json.dumps({"Statement": [statement]})}
            return super().answer(call, region, paged)

    assert lost(planned(replace(shop, account=Aliased(shop.account.account)))) != ()


def queue(shop: Shop, name: str, **attributes: str) -> str:
    url = call(shop, "sqs", "create_queue", QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = call(shop, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def feed(shop: Shop, arn: str) -> None:
    call(shop, "lambda", "create_event_source_mapping", FunctionName="payments", EventSourceArn=arn)


def test_messages_of_a_queue_go_to_its_dead_letter_queue(shop: Shop) -> None:
    dead = queue(shop, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 5})
    orders = queue(shop, "orders", RedrivePolicy=redrive)
    feed(shop, orders)
    assert planned(shop).warnings == (
        f"function payments: after 5 receives SQS moves messages of {orders} to {dead}: move them back after the run",
    )
    assert lost(planned(shop)) == ()


def test_messages_that_a_queue_keeps_shorter_are_lost(shop: Shop) -> None:
    orders = queue(shop, "orders", MessageRetentionPeriod="60")
    feed(shop, orders)
    assert lost(planned(shop, lasts=60.0)) == (f"payments: messages of {orders} that are older than 1m",)
    assert lost(planned(shop, lasts=59.0)) == ()


def test_queue_that_cannot_be_read_is_named(shop: Shop) -> None:
    orders = queue(shop, "orders")
    feed(shop, orders)
    url = call(shop, "sqs", "get_queue_url", QueueName="orders")["QueueUrl"]
    call(shop, "sqs", "delete_queue", QueueUrl=url)
    (warning,) = planned(shop).warnings
    assert f"cannot read queue {orders}" in warning


@pytest.mark.parametrize(
    ("statements", "services"),
    [
        ({"Effect": "Allow", "Principal": {"Service": ["s3.amazonaws.com", "lex.amazonaws.com"]}}, ("S3",)),
        ([{"Effect": "Deny", "Principal": {"Service": "s3.amazonaws.com"}}], ()),
        ([{"Effect": "Allow", "Principal": "*"}], ()),
        ("nonsense", ()),
    ],
)
def test_policy_names_who_invokes_asynchronously(statements: Json, services: tuple[str, ...]) -> None:
    assert asynchronous_services(json.dumps({"Statement": statements})) == services


# names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["payments:live", "payments:$LATEST", ARN, f"{ACCOUNT}:payments"])
def test_alias_or_arn_is_explained_at_validate(name: str) -> None:
    with pytest.raises(ValueError, match="without alias, version or ARN"):
        Throttle.model_validate({"function": name, "to": 0})
