"""A fault that would cut its own undo's path is refused, where the path can be known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, PlannedFault
from gameday.errors import AwsError
from gameday.faults import CATALOGUE
from gameday.plan.own_instance import own_instance, own_instance_refusals
from gameday.testing.wrapper import Wrapped

from tests.doubles.shop import REGION, Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


def instances(shop: Shop) -> list[dict[str, Any]]:
    answer = shop.account.call(Call(service="ec2", operation="describe_instances"), REGION)
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def planned_fault(shop: Shop, name: str, **fields: Any) -> PlannedFault:
    return CATALOGUE[name].model_validate(fields).inject(shop.look())


@pytest.mark.parametrize("name", ["terminate-instance", "reboot-instance"])
def test_a_strike_on_the_machine_we_run_on_is_refused(name: str, shop: Shop) -> None:
    action = planned_fault(shop, name, module="web", share="100%")
    (reason, *_) = own_instance_refusals([action], instances(shop)[0]["InstanceId"], shop.account, REGION)
    assert "which this very process needs to send the undo" in reason


def test_a_zone_that_goes_dark_around_us_is_refused(shop: Shop) -> None:
    ours = instances(shop)[0]
    zone = ours["Placement"]["AvailabilityZone"]
    dark = planned_fault(shop, "az-blackhole", zone=zone)
    (reason,) = own_instance_refusals([dark], ours["InstanceId"], shop.account, REGION)
    assert ours["SubnetId"] in reason
    elsewhere = next(other for other in ("us-east-1a", "us-east-1b", "us-east-1c") if other != zone)
    assert (
        own_instance_refusals(
            [planned_fault(shop, "az-blackhole", zone=elsewhere)], ours["InstanceId"], shop.account, REGION
        )
        == ()
    )


def test_a_module_that_is_cut_off_around_us_is_refused(shop: Shop) -> None:
    ours = instances(shop)[0]
    cut = planned_fault(shop, "isolate-module", module="web")
    assert own_instance_refusals([cut], ours["InstanceId"], shop.account, REGION)


def test_on_no_instance_or_one_of_another_account_nothing_is_refused(shop: Shop) -> None:
    dark = planned_fault(shop, "az-blackhole", zone="us-east-1a")
    assert own_instance_refusals([dark], None, shop.account, REGION) == ()
    assert own_instance_refusals([dark], "i-0123456789abcdef0", shop.account, REGION) == ()


def test_what_cannot_be_read_is_an_error_and_so_a_refusal(shop: Shop) -> None:
    class Denied(Wrapped):
        def one(self, call: Call, region: str, paged: bool) -> Any:
            raise AwsError(call.service, call.operation, "UnauthorizedOperation", "no")

    dark = planned_fault(shop, "az-blackhole", zone="us-east-1a")
    with pytest.raises(AwsError):
        own_instance_refusals([dark], "i-0123456789abcdef0", Denied(shop.account), REGION)


@pytest.mark.parametrize(
    ("tag", "instance"),
    [("i-0123456789abcdef0\n", "i-0123456789abcdef0"), ("Not Specified\n", None), ("", None), (None, None)],
)
def test_the_machine_says_which_instance_it_is(tag: str | None, instance: str | None, tmp_path: Path) -> None:
    path = tmp_path / "board_asset_tag"
    if tag is not None:
        path.write_text(tag)
    assert own_instance(path) == instance
