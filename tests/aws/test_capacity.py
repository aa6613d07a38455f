"""Which instances carry load, as their scaling group sees them, and what each counts."""

from __future__ import annotations

import botocore.session
import pytest

from tests.doubles.fleet import Fleet, group, instance, member

LIFECYCLES = tuple(
    botocore.session.get_session().get_service_model("autoscaling").shape_for("LifecycleState").enum  # type: ignore[attr-defined]
)


def seen(*members: dict[str, object]) -> Fleet:
    instances = [instance(str(raw["InstanceId"]), "web") for raw in members]
    return Fleet(instances, [group("web", members, len(members))])


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_capacity_member_counts_only_in_service(lifecycle: str) -> None:
    inventory = seen(member("i-1"), member("i-2", lifecycle)).look().inventory
    assert ("i-2" in inventory.capacity) == (lifecycle == "InService")
    idle = next(found for found in inventory.instances if found.id == "i-2")
    assert (inventory.idle_reason(idle) == "") == (lifecycle == "InService")


def test_capacity_unhealthy_member_does_not_count() -> None:
    assert set(seen(member("i-1"), member("i-2", health="Unhealthy")).look().inventory.capacity) == {"i-1"}


def test_capacity_warm_instance_that_is_no_member_is_idle() -> None:
    fleet = Fleet([instance("i-1", "web"), instance("i-2", "web")], [group("web", [member("i-1")], 1)])
    inventory = fleet.look().inventory
    assert set(inventory.capacity) == {"i-1"}
    assert "does not list it" in inventory.idle_reason(inventory.instances[1])


def test_capacity_weights_count_over_their_average() -> None:
    inventory = seen(member("i-1", weight=4), member("i-2", weight=8)).look().inventory
    assert inventory.capacity == pytest.approx({"i-1": 2 / 3, "i-2": 4 / 3})


def test_capacity_instance_without_group_counts_while_it_runs() -> None:
    fleet = Fleet([instance("i-1"), instance("i-2", state="stopped")])
    assert fleet.look().inventory.capacity == {"i-1": 1.0}
