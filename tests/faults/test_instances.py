"""Faults of instances on AWS's documented states: what is chosen, refused, lost, and what shows that it healed."""

from __future__ import annotations

from typing import Any

import pytest
from gameday.change import Condition, IrreversibleAction, Json, PlannedFault, Standing
from gameday.change.setting import Observation
from gameday.faults import CATALOGUE
from gameday.faults.ec2 import POWER
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.fleet import NOW, Fleet, group, instance, member

LIFECYCLES = ("InService", "Standby", "EnteringStandby", "Pending", "Pending:Wait", "Terminating", "Detaching")
PUBLIC = [{"NetworkInterfaceId": "eni-1", "Association": {"IpOwnerId": "amazon", "PublicIp": "192.0.2.7"}}]
ELASTIC = [{"NetworkInterfaceId": "eni-1", "Association": {"IpOwnerId": "123456789012", "PublicIp": "192.0.2.8"}}]


def planned(fleet: Fleet, fault: str, **fields: Any) -> PlannedFault:
    seed = fields.pop("seed", 0)
    return CATALOGUE[fault].model_validate({"module": "web"} | fields).inject(fleet.look(seed))


def web(*members: dict[str, Any], desired: int | None = None, **fields: Any) -> Fleet:
    instances = [instance(str(raw["InstanceId"]), "web") for raw in members]
    return Fleet(instances, [group("web", members, len(members) if desired is None else desired, **fields)])


def action(plan: PlannedFault) -> IrreversibleAction:
    return plan.irreversible_actions[0]


# targets --------------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(LIFECYCLES), min_size=1, max_size=8), st.integers(0, 2**32), st.integers(1, 8))
def test_terminate_never_names_an_idle_member(lifecycles: list[str], seed: int, count: int) -> None:
    fleet = web(*(member(f"i-{number}", lifecycle) for number, lifecycle in enumerate(lifecycles)))
    plan = planned(fleet, "terminate-instance", count=count, seed=seed)
    fit = {f"i-{number}" for number, lifecycle in enumerate(lifecycles) if lifecycle == "InService"}
    named = {target for change in plan.changes for target in change.targets}
    assert named <= fit
    assert bool(plan.refusals) == (len(fit) < count)
    assert len(named) == min(count, len(fit))


def test_choose_named_standby_is_refused_with_why() -> None:
    fleet = web(member("i-1"), member("i-2", "Standby"))
    (refusal,) = planned(fleet, "terminate-instance", ids=["i-2"]).refusals
    assert "i-2 carries no load: it is Standby" in refusal


def test_shares_are_of_the_weights_in_service() -> None:
    fleet = web(member("i-1", weight=1), member("i-2", weight=3), member("i-3", "Standby", weight=9))
    assert planned(fleet, "terminate-instance", ids=["i-2"]).hits == {"web": pytest.approx(0.75)}


# healing --------------------------------------------------------------------------------------------------------------


def standing(fleet: Fleet, after: Json) -> Standing:
    """How the termination of i-1 reads after it, when the group then answers `after`."""
    found = action(planned(fleet, "terminate-instance", ids=["i-1"]))
    before = fleet.answers["describe_auto_scaling_groups"]
    assert found.was_whole(before)
    return found.standing(Observation(after), found.healed.value_in(before))


def answered(*groups: dict[str, Any]) -> Json:
    return {"AutoScalingGroups": [*groups]}


def test_healed_waits_while_the_victim_is_listed() -> None:
    members = [member("i-1"), member("i-2")]
    assert standing(web(*members), answered(group("web", members, 2))) is Standing.NOT_HEALED
    assert standing(web(*members), answered(group("web", [*members, member("i-3")], 2))) is Standing.HEALED


def test_healed_compares_sums_of_weights() -> None:
    fleet = web(member("i-1", weight=4), member("i-2", weight=4), desired=8)
    lighter = [member("i-2", weight=4), member("i-3", weight=2)]
    assert standing(fleet, answered(group("web", lighter, 8))) is Standing.NOT_HEALED
    whole = [member("i-2", weight=4), member("i-3", weight=2), member("i-4", weight=2)]
    assert standing(fleet, answered(group("web", whole, 8))) is Standing.HEALED


@pytest.mark.parametrize("unit", ["vcpu", "memory-mib"])
def test_healed_in_other_units_compares_with_before(unit: str) -> None:
    fleet = web(member("i-1"), member("i-2"), desired=16, DesiredCapacityType=unit)
    after = group("web", [member("i-2"), member("i-3")], 16, DesiredCapacityType=unit)
    assert standing(fleet, answered(after)) is Standing.HEALED


def test_healed_group_that_wants_less_is_enough() -> None:
    assert standing(web(member("i-1"), member("i-2")), answered(group("web", [member("i-2")], 1))) is Standing.HEALED


def test_healed_deleted_group_is_an_answer() -> None:
    assert standing(web(member("i-1"), member("i-2")), answered()) is Standing.NOT_HEALED


def test_whole_group_that_lacks_a_member_is_not() -> None:
    fleet = web(member("i-1"), member("i-2"), desired=3)
    found = action(planned(fleet, "terminate-instance", ids=["i-1"]))
    assert not found.was_whole(fleet.answers["describe_auto_scaling_groups"])


def test_lonely_instance_claims_no_healing() -> None:
    plan = planned(Fleet([instance("i-1"), instance("i-2")]), "terminate-instance", ids=["i-1"])
    assert not action(plan).claims_healing
    assert "scaling group" not in action(plan).why
    assert "nothing known replaces" in plan.warnings[0]
    gone: Json = {"Reservations": [{"Instances": [instance("i-1", state="terminated")]}]}
    assert action(plan).standing(Observation(gone), None) is Standing.HEALED


SPOT = {"InstanceLifecycle": "spot", "SpotInstanceRequestId": "sir-1"}


@pytest.mark.parametrize(
    ("request_", "heals"),
    [
        ({"Type": "persistent", "State": "active"}, True),
        ({"Type": "persistent", "State": "cancelled"}, False),
        ({"Type": "one-time", "State": "active"}, False),
    ],
)
def test_terminated_spot_heals_by_its_persistent_request(request_: dict[str, Json], heals: bool) -> None:
    def requests(id_: str) -> Json:
        return {"SpotInstanceRequests": [{**request_, "InstanceId": id_}]}

    fleet = Fleet([instance("i-1", **SPOT)], answers={"describe_spot_instance_requests": requests("i-1")})
    plan = planned(fleet, "terminate-instance", ids=["i-1"])
    found = action(plan)
    assert found.claims_healing == heals
    assert ("nothing known replaces" in plan.warnings[0]) != heals
    if heals:
        assert found.was_whole(requests("i-1"))
        assert found.standing(Observation(requests("i-1")), None) is Standing.NOT_HEALED
        assert found.standing(Observation(requests("i-2")), None) is Standing.HEALED
        assert "Spot request sir-1 launches another" in found.why


@pytest.mark.parametrize(("kind", "heals"), [("maintain", True), ("instant", False)])
def test_lonely_instance_of_a_fleet_heals_by_its_module(kind: str, heals: bool) -> None:
    tagged = {"tags": {"aws:ec2:fleet-id": "fleet-1"}}
    fleets: dict[str, Any] = {"describe_fleets": {"Fleets": [{"FleetId": "fleet-1", "Type": kind}]}}
    fleet = Fleet([instance("i-1", **tagged), instance("i-2", **tagged)], answers=fleets)
    found = action(planned(fleet, "terminate-instance", ids=["i-1"]))
    assert found.claims_healing == heals
    if heals:
        before = fleet.answers["describe_instances"]
        assert found.standing(Observation(before), found.healed.value_in(before)) is Standing.NOT_HEALED
        after: Json = {"Reservations": [{"Instances": [instance("i-2"), instance("i-3")]}]}
        assert found.standing(Observation(after), found.healed.value_in(before)) is Standing.HEALED


# conditions and losses ------------------------------------------------------------------------------------------------


def conditions(plan: PlannedFault, operation: str) -> list[Condition]:
    return [found for found in plan.conditions if found.read.operation == operation]


@pytest.mark.parametrize(
    ("fault", "attribute", "key"),
    [
        ("terminate-instance", "disableApiTermination", "DisableApiTermination"),
        ("stop-instance", "disableApiStop", "DisableApiStop"),
    ],
)
def test_protection_is_a_condition_of_each_target(fault: str, attribute: str, key: str) -> None:
    plan = planned(Fleet([instance("i-1"), instance("i-2")]), fault, count=2)
    of_both = conditions(plan, "describe_instance_attribute")
    found = [each for each in of_both if each.read.params["Attribute"] == attribute]
    assert [(each.subject, each.read.params["Attribute"]) for each in found] == [("i-1", attribute), ("i-2", attribute)]
    assert found[0].is_met({key: {"Value": False}})
    assert not found[0].is_met({key: {"Value": True}})
    assert not found[0].is_met({})


def test_stop_protection_protects_from_termination_too() -> None:
    plan = planned(Fleet([instance("i-1")]), "terminate-instance")
    read = [each.read.params["Attribute"] for each in conditions(plan, "describe_instance_attribute")]
    assert read == ["disableApiTermination", "disableApiStop"]


@pytest.mark.parametrize(
    ("request_", "met"),
    [
        ({"Type": "persistent"}, True),
        ({"Type": "one-time"}, False),
        ({"Type": "persistent", "State": "cancelled"}, False),
        ({"Type": "persistent", "LaunchGroup": "g"}, False),
        ({"Type": "persistent", "AvailabilityZoneGroup": "g"}, False),
    ],
)
def test_stop_of_spot_needs_a_persistent_request(request_: dict[str, Json], met: bool) -> None:
    spot = {"InstanceLifecycle": "spot", "SpotInstanceRequestId": "sir-1"}
    plan = planned(Fleet([instance("i-1", **spot)]), "stop-instance")
    (found,) = conditions(plan, "describe_spot_instance_requests")
    assert found.is_met({"SpotInstanceRequests": [request_]}) == met
    assert not found.is_met({"SpotInstanceRequests": []})


def test_stop_of_an_instance_store_root_is_refused() -> None:
    plan = planned(Fleet([instance("i-1", RootDeviceType="instance-store")]), "stop-instance")
    assert any("root volume is an instance store" in refusal for refusal in plan.refusals)


def test_stop_of_spot_in_a_group_is_refused() -> None:
    spot = instance("i-1", "web", InstanceLifecycle="spot")
    plan = planned(Fleet([spot], [group("web", [member("i-1")], 1)]), "stop-instance")
    assert any("Spot Instance" in refusal for refusal in plan.refusals)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"InstanceType": "i4i.large"}, "instance store"),
        ({"NetworkInterfaces": PUBLIC}, "192.0.2.7"),
        ({"InstanceLifecycle": "spot", "SpotInstanceRequestId": "sir-1"}, "Spot capacity"),
    ],
)
def test_stop_says_what_it_loses(fields: dict[str, Any], words: str) -> None:
    (change,) = planned(Fleet([instance("i-1", **fields)]), "stop-instance").setting_changes
    assert [words in what for what in change.lost] == [True]


def test_stop_keeps_elastic_addresses_and_volumes() -> None:
    kept = {"NetworkInterfaces": ELASTIC, "BlockDeviceMappings": [{"Ebs": {"VolumeId": "vol-1"}}]}
    assert planned(Fleet([instance("i-1", **kept)]), "stop-instance").lost == ()


def test_terminate_loses_volumes_that_go_with_it() -> None:
    mappings = [
        {"Ebs": {"VolumeId": "vol-1", "DeleteOnTermination": True}},
        {"Ebs": {"VolumeId": "vol-2", "DeleteOnTermination": False}},
    ]
    (what,) = planned(Fleet([instance("i-1", BlockDeviceMappings=mappings)]), "terminate-instance").lost
    assert "vol-1" in what
    assert "vol-2" not in what


def test_stop_reads_the_keys_of_encrypted_volumes() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    volumes: dict[str, Any] = {
        "describe_volumes": {
            "Volumes": [{"VolumeId": "vol-1", "Encrypted": True, "KmsKeyId": key}, {"VolumeId": "vol-2"}]
        }
    }
    mappings = [{"Ebs": {"VolumeId": "vol-1"}}, {"Ebs": {"VolumeId": "vol-2"}}]
    plan = planned(Fleet([instance("i-1", BlockDeviceMappings=mappings)], answers=volumes), "stop-instance")
    enabled, managed = conditions(plan, "describe_key")
    assert enabled.read == managed.read
    assert (enabled.warns, managed.warns) == (False, True)
    customer: Json = {"KeyMetadata": {"KeyState": "Enabled", "KeyManager": "CUSTOMER"}}
    assert enabled.is_met(customer)
    assert not managed.is_met(customer)
    assert "kms:CreateGrant" in managed.refusal
    assert not enabled.is_met({"KeyMetadata": {"KeyState": "PendingDeletion", "KeyManager": "CUSTOMER"}})


# the power of an instance ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code", "failed"),
    [
        ("stopped", "Client.InternalError", True),
        ("stopped", "Client.InvalidSnapshot.NotFound", True),
        ("stopped", "Client.VolumeLimitExceeded", True),
        ("stopped", "Server.InsufficientInstanceCapacity", True),
        ("stopped", "Client.UserInitiatedShutdown", False),
        ("stopped", "Client.InstanceInitiatedShutdown", False),
        ("stopped", "Server.ScheduledStop", False),
        ("stopped", None, False),
        ("running", "Client.InternalError", False),
    ],
)
def test_power_dropped_start_is_known_by_its_reason(state: str, code: str | None, failed: bool) -> None:
    reason = {"StateReason": {"Code": code, "Message": f"{code}: of AWS"}} if code else {}
    answer: Json = {"Reservations": [{"Instances": [instance("i-1", state=state, **reason)]}]}
    found = POWER.observations(["i-1"], answer)["i-1"]
    assert isinstance(found, Observation)
    assert found.failed == (f"{code}: of AWS" if failed else "")
    assert found.value == state


def test_power_terminated_instance_is_gone() -> None:
    answer: Json = {"Reservations": [{"Instances": [instance("i-1", state="terminated")]}]}
    assert POWER.observations(["i-1"], answer)["i-1"] == Observation(gone=True)


# held replacement -----------------------------------------------------------------------------------------------------


def held(target: dict[str, Any] | None) -> list[bool]:
    """What the probes of the held group say, when its target answers so and i-1 runs."""
    health: dict[str, Any] = {
        "TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": "healthy"}}]
    }
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1"
    balanced: dict[str, Any] = {
        "describe_target_groups": {"TargetGroups": [{"TargetGroupArn": arn, "TargetGroupName": "web"}]},
        "describe_target_health": health,
    }
    members = [member("i-1")]
    fleet = Fleet([instance("i-1", "web")], [group("web", members, 1, TargetGroupARNs=[arn])], balanced)
    plan = planned(fleet, "stop-instance", hold_replacement=True)
    (suspended,) = (change for change in plan.setting_changes if change.id == "web")
    assert [probe.call.operation for probe in suspended.undo_when] == ["describe_instances", "describe_target_health"]
    health["TargetHealthDescriptions"] = [{"Target": {"Id": "i-1"}, "TargetHealth": target}] if target else []
    return [probe.says_yes(fleet.answers[probe.call.operation], None) for probe in suspended.undo_when]


@pytest.mark.parametrize(
    ("target", "whole"),
    [
        ({"State": "healthy"}, True),
        ({"State": "initial", "Reason": "Elb.InitialHealthChecking"}, False),
        ({"State": "unhealthy", "Reason": "Target.Timeout"}, False),
        ({"State": "unused", "Reason": "Target.InvalidState"}, False),
        ({"State": "unused", "Reason": "Target.NotInUse"}, True),
        (None, True),
    ],
)
def test_replacement_stays_held_until_targets_are_healthy(target: dict[str, Any] | None, whole: bool) -> None:
    assert held(target) == [True, whole]


@pytest.mark.parametrize(
    ("state", "up"), [("running", True), ("pending", False), ("stopped", False), ("stopping", False)]
)
def test_replacement_stays_held_until_instances_run(state: str, up: bool) -> None:
    fleet = web(member("i-1"))
    plan = planned(fleet, "stop-instance", hold_replacement=True)
    (suspended,) = (change for change in plan.setting_changes if change.id == "web")
    answer: Json = {"Reservations": [{"Instances": [instance("i-1", "web", state=state)]}]}
    assert suspended.undo_when[0].says_yes(answer, None) == up


# reboot ---------------------------------------------------------------------------------------------------------------


def test_reboot_shows_in_new_console_output() -> None:
    old: dict[str, Any] = {"get_console_output": {"InstanceId": "i-1", "Timestamp": NOW - 3600.0}}
    plan = planned(Fleet([instance("i-1")], answers=old), "reboot-instance")
    (probe,) = (probe for probe in plan.effect.probes if probe.call.operation == "get_console_output")
    was = probe.value_in(old["get_console_output"])
    assert not probe.says_yes(old["get_console_output"], was)
    assert probe.says_yes({"InstanceId": "i-1", "Timestamp": NOW + 30.0}, was)
    assert not probe.says_yes({"InstanceId": "i-1"}, was)
    assert plan.warnings == ()


@pytest.mark.parametrize("posted", [{}, {"Timestamp": NOW}, {"Timestamp": NOW - 60.0}])
def test_reboot_without_old_console_output_may_be_missed(posted: dict[str, float]) -> None:
    answers: dict[str, Any] = {"get_console_output": {"InstanceId": "i-1", **posted}}
    plan = planned(Fleet([instance("i-1")], answers=answers), "reboot-instance")
    assert not any(probe.call.operation == "get_console_output" for probe in plan.effect.probes)
    assert ["may be missed" in warning for warning in plan.warnings] == [True]


@pytest.mark.parametrize("fault", ["terminate-instance", "stop-instance", "reboot-instance"])
def test_no_read_names_more_ids_than_aws_takes(fault: str) -> None:
    instances = [instance(f"i-{number:04}") for number in range(201)]
    fleet = Fleet(instances)
    plan = planned(fleet, fault, share="100%")
    probes = [probe.call for probe in plan.effect.probes]
    for call in (*probes, *fleet.calls):
        assert len(call.params.get("InstanceIds", [])) <= 100, call  # type: ignore[arg-type]
    named = {id_ for call in probes for id_ in call.params.get("InstanceIds", [])}  # type: ignore[union-attr]
    assert named == {raw["InstanceId"] for raw in instances}
