"""A fault that would cut its own undo's path is refused, where the path can be known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gameday.aws.account import Account
from gameday.change import Call, PlannedFault
from gameday.errors import AwsError, Reason
from gameday.faults import CATALOGUE
from gameday.plan.own_instance import own_instance
from gameday.testing.wrapper import Wrapped

from tests.doubles.reasons import context_of, reasons_of
from tests.doubles.shop import REGION, Shop, open_shop
from tests.report.sample import held


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


def instances(shop: Shop) -> list[dict[str, Any]]:
    answer = shop.account.call(Call(service="ec2", operation="describe_instances"), REGION)
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def planned_fault(shop: Shop, name: str, **fields: Any) -> PlannedFault:
    return CATALOGUE[name].model_validate(fields).inject(shop.look())


def refusals(faults: list[PlannedFault], instance: str | None, account: Account) -> tuple[Reason, ...]:
    plan = held().plan.model_copy(update={"planned_faults": tuple(faults), "region": REGION})
    context = context_of(plan, account)
    context = replace(context, request=replace(context.request, instance=instance))
    return reasons_of("own instance", context).refusals


@pytest.mark.parametrize("name", ["terminate-instance", "reboot-instance"])
def test_action_on_our_own_instance_is_refused(name: str, shop: Shop) -> None:
    action = planned_fault(shop, name, module="web", share="100%")
    (reason, *_) = refusals([action], instances(shop)[0]["InstanceId"], shop.account)
    assert reason.code == "GD-P16"
    assert "which this process needs to send the undo" in reason.text


def test_a_zone_that_goes_dark_around_us_is_refused(shop: Shop) -> None:
    ours = instances(shop)[0]
    zone = ours["Placement"]["AvailabilityZone"]
    dark = planned_fault(shop, "az-blackhole", zone=zone)
    (reason,) = refusals([dark], ours["InstanceId"], shop.account)
    assert ours["SubnetId"] in reason.text
    elsewhere = next(other for other in ("us-east-1a", "us-east-1b", "us-east-1c") if other != zone)
    dark = planned_fault(shop, "az-blackhole", zone=elsewhere)
    assert refusals([dark], ours["InstanceId"], shop.account) == ()


def test_a_module_that_is_cut_off_around_us_is_refused(shop: Shop) -> None:
    ours = instances(shop)[0]
    cut = planned_fault(shop, "isolate-module", module="web")
    assert refusals([cut], ours["InstanceId"], shop.account)


def test_no_instance_or_one_of_another_account_refuses_nothing(shop: Shop) -> None:
    dark = planned_fault(shop, "az-blackhole", zone="us-east-1a")
    assert refusals([dark], None, shop.account) == ()
    assert refusals([dark], "i-0123456789abcdef0", shop.account) == ()


def test_own_instance_that_cannot_be_read_refuses(shop: Shop) -> None:
    class Denied(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Any:
            raise AwsError(call.service, call.operation, "UnauthorizedOperation", "no")

    dark = planned_fault(shop, "az-blackhole", zone="us-east-1a")
    (reason,) = refusals([dark], "i-0123456789abcdef0", Denied(shop.account))
    assert reason.code == "GD-P16"
    assert reason.text.startswith("the own instance could not be checked: ec2.describe_instances failed: Unauthorized")


@pytest.mark.parametrize(
    ("tag", "instance"),
    [("i-0123456789abcdef0\n", "i-0123456789abcdef0"), ("Not Specified\n", None), ("", None), (None, None)],
)
def test_the_machine_says_which_instance_it_is(tag: str | None, instance: str | None, tmp_path: Path) -> None:
    path = tmp_path / "board_asset_tag"
    if tag is not None:
        path.write_text(tag)
    assert own_instance(path) == instance
