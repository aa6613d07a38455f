"""What went wrong elsewhere, as tests: accidents of other chaos tools and the reports of their users, each shown here.

Those that other tests show, in their words:

    undo state saved after the calls: nothing to recover from ........ test_engine_mutants: "intent after the call"
    undone by an association id that is no longer valid .............. test_crash_matrix: blackhole, pairs of deaths
    rebalancing suspended, then death before the subnets changed ..... test_crash_matrix: blackhole, launches blocked
    the helper is killed and the fault stays for ever ................ test_crash_matrix: really killed
    settings restored on signals, but not on kill .................... test_crash_matrix: really killed
    an error between stop and start: the instance stays stopped ...... test_crash_matrix: stop, every trouble
    "reverted" is noted before, or although, the revert failed ....... test_engine_mutants: "believe a write"
    the undo is registered after the call ............................ test_engine_mutants: "intent after the call"
    an irreversible action half hit, its reply lost, cannot be reverted ........... test_crash_matrix: late and later
    a subnet on the default ACL is not put back ...................... test_crash_matrix: every blackhole
    an undo although nothing had been injected ....................... test_undo: a run that did nothing
    a gate that fails, and calls all the same ........................ test_run: not steady or idle is refused untouched
    an object whose target is gone cannot be cleaned up .............. test_undo: a resource that is gone is closed
    the journal fails, and is only logged ............................ test_apply: nothing is called without a journal
    a signal while another thread works, a second Ctrl-C ............. test_account: signals undo before the exit
    an exception while the fault lasts ............................... test_run: a listener that stops listening
    the deadline and the end of the fault race ....................... test_run: faults last from their effect
    (one loop) the fault cuts the path of its own undo .......................... test_underfoot the role lacks a
    right, seen only in the trail ................... test_policy: a missing undo right is named two ARNs glued
    together in a policy .............................. test_policy: allows what a run calls, no more credentials
    in parameters and evidence ........................... test_role: no secret reaches a record two game days in
    one account ..................................... test_account: one run at a time; test_lease the region
    comes from the environment ............................ test_load: region is not one of the workload's

Not applicable, for now: a whole bucket policy deleted to take one statement out (no fault writes such policies yet;
of sets only our own items move, test_undo), evidence snapshots left or deleted (none are taken), a probe that raises
in the middle (a probe that cannot be read shows nothing, and the run goes on: test_run).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, Json, PlannedFault
from gameday.engine.apply import apply
from gameday.engine.undo import undo
from gameday.errors import Exit
from gameday.events import ChangeClosed, Ended
from gameday.faults import CATALOGUE
from gameday.steady_state.clock import TestClock
from gameday.testing import CallFailure, FailingAccount
from gameday.testing.wrapper import Wrapped
from moto.backends import get_backend
from pydantic import ValidationError

from tests.crash_matrix.stand import ACCOUNT, differences, made, stand
from tests.doubles.play import played
from tests.doubles.runs import begun
from tests.doubles.shop import REGION, Layout, Shop, open_shop


class Runs:
    """Runs on one shop, each with a journal of its own."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.folder = folder
        self.clock = TestClock(1_800_000_000.0)
        self.journals: dict[str, Any] = {}

    def planned_fault(self, fault: str, **fields: Any) -> PlannedFault:
        found = CATALOGUE[fault].model_validate(fields).inject(self.shop.look())
        assert found.refusals == ()
        return found

    def inject(self, run: str, fault: str, **fields: Any) -> PlannedFault:
        planned_fault = self.planned_fault(fault, **fields)
        self.journals[run] = begun(self.folder / run, run)
        account, journal = self.shop.account, self.journals[run]
        apply(planned_fault.stages, 0, run, account, journal, self.clock, lambda _: None)
        return planned_fault

    def undo(self, run: str) -> list[ChangeClosed]:
        return undo(run, self.shop.account, self.journals[run], self.clock, lambda _: None)

    def call(self, service: str, operation: str, **params: Json) -> Json:
        return self.shop.account.call(Call(service=service, operation=operation, params=params), REGION)


def test_a_second_run_does_not_take_another_runs_acl_for_its_own(tmp_path: Path) -> None:
    with open_shop(Layout(zones=("us-east-1a", "us-east-1b"), groups=(1, 1))) as shop:
        runs, whole = Runs(shop, tmp_path), stand()
        runs.inject("first", "az-blackhole", zone="us-east-1a")
        first = stand()
        runs.inject("second", "az-blackhole", zone="us-east-1b")
        assert len(made()) == 2
        assert {one.state for one in runs.undo("second")} == {"restored"}
        assert differences(first, stand()) == []
        assert {one.state for one in runs.undo("first")} == {"restored"}
        assert differences(whole, stand()) == []


def test_a_deploy_during_the_fault_is_not_rolled_back(tmp_path: Path) -> None:
    with open_shop() as shop:
        runs = Runs(shop, tmp_path)
        runs.inject("run", "throttle", table="ledger", to="5%")
        deployed = {"ReadCapacityUnits": 80, "WriteCapacityUnits": 60}
        runs.call("dynamodb", "update_table", TableName="ledger", ProvisionedThroughput=deployed)
        (settled,) = runs.undo("run")
        assert settled.state == "conflict"
        assert "somebody else set" in settled.about
        assert stand()["capacity of ledger"] == (80, 60)


class Spot(Wrapped):
    """An account whose instances are all spot instances."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        if call.operation == "describe_instances":
            for place in answer["Reservations"]:
                place["Instances"] = [one | {"InstanceLifecycle": "spot"} for one in place["Instances"]]
        return answer


def test_spot_instance_stop_says_what_it_loses() -> None:
    with open_shop(Layout(lone=1)) as shop:
        spot = Shop(Spot(shop.account), shop.apis, shop.http_apis, shop.layout)  # type: ignore[arg-type]
        (change,) = CATALOGUE["stop-instance"].model_validate({"tags": {"lone": "yes"}}).inject(spot.look()).changes
    assert any("Spot capacity" in what for what in change.lost)


@pytest.mark.parametrize("fault", ["stop-instance", "terminate-instance", "reboot-instance"])
def test_a_zone_alone_takes_one_instance_and_not_all_of_them(fault: str) -> None:
    with open_shop(Layout(zones=("us-east-1a",), groups=(3,))) as shop:
        planned_fault = CATALOGUE[fault].model_validate({"zone": "us-east-1a"}).inject(shop.look())
    assert len(planned_fault.changes) == 1


@pytest.mark.parametrize("fault", ["stop-instance", "terminate-instance", "reboot-instance", "throttle"])
def test_no_selector_takes_nothing_rather_than_everything(fault: str) -> None:
    with pytest.raises(ValidationError):
        CATALOGUE[fault].model_validate({"to": 0} if fault == "throttle" else {})


def test_an_undo_that_fails_is_not_reported_as_a_success(tmp_path: Path) -> None:
    with played(tmp_path) as on:
        clean = FailingAccount(on.account, CallFailure.DENIED_ON, None)
        list(on.run(clean))
    writes = [at for at, call in enumerate(clean.calls) if "function_concurrency" in call.operation and _writes(call)]
    with played(tmp_path / "again") as on:
        events = on.events(FailingAccount(on.account, CallFailure.DENIED_ON, writes[-1]))
    (ended,) = (event for event in events if isinstance(event, Ended))
    assert (ended.account, ended.exit) == ("stuck", Exit.STUCK)
    assert [event.state for event in events if isinstance(event, ChangeClosed)] == ["stuck"]


def _writes(call: Call) -> bool:
    return call.operation.startswith(("put_", "delete_"))


def test_instance_replaced_in_the_fault_does_not_delay_the_undo(tmp_path: Path) -> None:
    with open_shop() as shop:
        runs = Runs(shop, tmp_path)
        planned_fault = runs.inject("run", "isolate-module", module="web")
        turned = planned_fault.setting_changes[0]
        gone = next(one.id for one in shop.look().inventory.instances if turned.id in one.interfaces)
        runs.call("ec2", "terminate_instances", InstanceIds=[gone])
        del get_backend("ec2")[ACCOUNT][REGION].enis[turned.id]  # moto keeps an instance's interface; AWS deletes it
        settled = {one.about: one.state for one in runs.undo("run")}
        replaced = {
            about: state for about, state in settled.items() if about.startswith(f"{turned.id} no longer exists")
        }
        assert list(replaced.values()) == ["healed"]  # its scaling group replaced it
        assert set(settled.values()) == {"healed", "restored"}
        assert made() == []


def test_every_interface_of_an_instance_gets_its_own_groups_back(tmp_path: Path) -> None:
    with open_shop() as shop:
        runs = Runs(shop, tmp_path)
        one = shop.look().inventory.instances[0]
        group = runs.call("ec2", "create_security_group", GroupName="db", Description="db", VpcId=one.vpc)["GroupId"]
        more = runs.call("ec2", "create_network_interface", SubnetId=one.subnet, Groups=[group])["NetworkInterface"]
        interface = more["NetworkInterfaceId"]
        runs.call("ec2", "attach_network_interface", NetworkInterfaceId=interface, InstanceId=one.id, DeviceIndex=1)
        before = stand()
        planned_fault = runs.inject("run", "isolate-module", module="web")
        assert interface in {change.id for change in planned_fault.setting_changes}
        (only,) = stand()[f"groups of {interface}"]
        assert only in made()
        runs.undo("run")
        assert differences(before, stand()) == []
        assert stand()[f"groups of {interface}"] == [group]
