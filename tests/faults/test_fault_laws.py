"""The law that every fault keeps: apply, then undo, and everything it touched is as it was, however rough the account.

One line for each fault in `LAWS`: its YAML fields and the world it is tried on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from gameday.aws.account import Account
from gameday.change import Call, Change, PlannedFault, SettingChange
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.errors import ApplyFailed
from gameday.faults import CATALOGUE
from gameday.steady_state.clock import TestClock
from gameday.testing import DyingAccount, Killed, RoughAccount, Way, applicable, law, touched

from tests.doubles.runs import RUN, Planned
from tests.doubles.shop import REGION, Layout, Shop, open_beside, open_shop
from tests.third_party.package.gameday_acme.fault import PauseFunctions

FAULTS = {**CATALOGUE, PauseFunctions.name: PauseFunctions}
"""The catalogue, and the fault of another package."""


@dataclass(frozen=True)
class Law:
    fault: str
    fields: Callable[[Shop], dict[str, Any]]
    world: Callable[[], AbstractContextManager[Shop]] = open_shop

    def planned_fault(self, shop: Shop) -> PlannedFault:
        """The fault resolved on its world, after a trip through JSON, as a saved plan is applied."""
        planned_fault = FAULTS[self.fault].model_validate(self.fields(shop)).inject(shop.look())
        assert planned_fault.refusals == ()
        read_back = PlannedFault.model_validate_json(planned_fault.model_dump_json())
        assert read_back == planned_fault
        return read_back


LAWS = {
    "az-blackhole": Law("az-blackhole", lambda _: {"zone": "us-east-1a", "launches": "blocked"}),
    "isolate-module": Law("isolate-module", lambda _: {"module": "web"}),
    "isolate-module in its own subnets": Law(
        "isolate-module", lambda _: {"module": "web"}, partial(open_shop, Layout(shared=False))
    ),
    "stop-instance": Law("stop-instance", lambda _: {"module": "web", "hold_replacement": True}),
    "stop-instance, an irreversible action": Law("stop-instance", lambda _: {"module": "web"}),
    "terminate-instance": Law("terminate-instance", lambda _: {"module": "web", "count": 2}),
    "reboot-instance": Law("reboot-instance", lambda _: {"module": "web"}),
    "throttle a function": Law("throttle", lambda _: {"function": "payments", "to": 0}),
    "throttle a table": Law("throttle", lambda _: {"table": "ledger", "to": "5%"}),
    "throttle a table with indexes that is scaled": Law(
        "throttle",
        lambda _: {"table": "ledger", "to": "10%"},
        partial(open_shop, Layout(indexes=((100, 10), (1, 1), (30, 1)), scaled=True)),
    ),
    "throttle an on-demand table": Law(
        "throttle", lambda _: {"table": "orders", "to": 5}, partial(open_shop, Layout(on_demand=((400, 100),)))
    ),
    "throttle an on-demand table without a maximum": Law(
        "throttle", lambda _: {"table": "orders", "to": 0}, partial(open_shop, Layout(on_demand=(None,)))
    ),
    "throttle a stage with methods of its own": Law(
        "throttle",
        lambda shop: {"stage": f"{shop.api}/live", "to": "5%"},
        partial(open_shop, Layout(override=(40.0, 20))),
    ),
    "throttle a stage without settings": Law(
        "throttle", lambda shop: {"stage": f"{shop.api}/live", "to": 0}, partial(open_shop, Layout(stages=(None,)))
    ),
    "throttle a stage without settings for all methods": Law(
        "throttle",
        lambda shop: {"stage": f"{shop.api}/live", "to": 2},
        partial(open_shop, Layout(stages=(None,), override=(-1.0, -1))),
    ),
    "throttle a stage of an HTTP API": Law(
        "throttle",
        lambda shop: {"http_stage": f"{shop.http_apis[0]}/$default", "to": "1%"},
        partial(open_shop, Layout(http_stages=((1000.0, 2000),))),
    ),
    "throttle a service for a program": Law(
        "throttle", lambda shop: {"sdk": "dynamodb", "share": "50%", "at": shop.proxy}, open_beside
    ),
    "pause functions, by another package": Law("pause-functions", lambda _: {"module": "payments"}),
    "throttle a stage": Law("throttle", lambda shop: {"stage": f"{shop.api}/live", "to": "5%"}),
}


class Bench:
    """A world with a fault resolved on it, a clock, and a journal for each run."""

    def __init__(self, shop: Shop, planned_fault: PlannedFault, folder: Path) -> None:
        self.shop = shop
        self.planned_fault = planned_fault
        self.folder = folder
        self.clock = TestClock(1_800_000_000.0)
        self.runs = 0

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.planned_fault.changes

    def begin(self) -> tuple[str, Journal]:
        """A new run, in a journal as another process opens it."""
        self.runs += 1
        run = f"{RUN}-{self.runs}"
        journal = Journal.open(self.folder)
        journal.begin(run, Planned(), pid=1)
        return run, journal

    def apply(self, run: str, account: Account, journal: Journal) -> None:
        apply(self.planned_fault.stages, 0, run, account, journal, self.clock, lambda _: None)

    def undo(self, run: str, account: Account, journal: Journal) -> set[str]:
        return {one.state for one in undo(run, account, journal, self.clock, lambda _: None)}

    def law(self, ways: set[Way], *, times: int = 1, **more: Any) -> RoughAccount:
        run, journal = self.begin()
        account = RoughAccount(self.shop.account, self.clock, self.changes, run, ways, **more)
        law(self.planned_fault, account, self.clock, journal, run, times=times)
        journal.close()
        return account

    def killed_at(self, at: int | None, when: Literal["before", "after"]) -> list[Call]:
        """Kill a run at one of its calls, and undo it in another process; the calls until then."""
        run, journal = self.begin()
        before = touched(self.changes, run, self.shop.account)
        account = DyingAccount(self.shop.account, at, when)
        with pytest.raises(Killed) if at is not None else nullcontext():
            self.apply(run, account, journal)
        journal.close()
        other = Journal.open(self.folder)
        assert self.undo(run, self.shop.account, other) <= {"restored", "healed"}, at
        assert touched(self.changes, run, self.shop.account) == before, at
        assert other.end(run)
        other.close()
        return account.calls


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Bench]:
    with LAWS[name].world() as shop:
        yield Bench(shop, LAWS[name].planned_fault(shop), folder)


@pytest.fixture(scope="class", params=LAWS)
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A fault on its world; one for all tests, since each leaves it as it was."""
    with opened(request.param, tmp_path_factory.mktemp("state")) as on:
        yield on


# the law --------------------------------------------------------------------------------------------------------------


def test_every_fault_of_the_catalogue_is_held_to_the_law() -> None:
    assert {one.fault for one in LAWS.values()} == set(FAULTS)


def test_every_setting_of_the_catalogue_is_tried() -> None:
    tried: dict[str, set[str]] = {fault: set() for fault in FAULTS}
    for one in LAWS.values():
        with one.world() as shop:
            changes = one.planned_fault(shop).changes
        tried[one.fault] |= {change.setting.name for change in changes if isinstance(change, SettingChange)}
    assert tried == {fault: {setting.name for setting in FAULTS[fault].settings} for fault in FAULTS}


class TestEveryFault:
    def test_apply_and_undo_leave_everything_as_it_was(self, on: Bench) -> None:
        on.law(set(), times=2)

    def test_another_process_undoes_it_from_the_journal_alone(self, on: Bench) -> None:
        run, journal = on.begin()
        before = touched(on.changes, run, on.shop.account)
        on.apply(run, on.shop.account, journal)
        journal.close()
        other = Journal.open(on.folder)
        assert on.undo(run, on.shop.account, other) <= {"restored", "healed"}
        assert touched(on.changes, run, on.shop.account) == before
        other.close()

    def test_undo_holds_on_a_rough_account_and_really_met_it(self, on: Bench) -> None:
        met = {way: on.law({way}).met[way] for way in applicable(on.changes) - {Way.LATE}}
        assert all(met.values()), met
        assert bool(met) == any(change.undoable for change in on.changes)

    def test_undo_holds_on_an_account_that_is_rough_in_every_way(self, on: Bench) -> None:
        account = on.law(set(Way) - {Way.LATE, Way.STRANGER})
        assert set(account.met) == applicable(on.changes) - {Way.LATE}

    def test_new_id_unknown_at_first_is_waited_for(self, on: Bench) -> None:
        account = on.law({Way.UNSEEN}, times=2)
        assert bool(account.unseen) == any(change.creates for change in on.changes)

    def test_whichever_request_arrives_late_is_put_back(self, on: Bench) -> None:
        if Way.LATE not in applicable(on.changes):
            return
        late = 0
        while on.law({Way.LATE}, late=late).met[Way.LATE]:
            late += 1
        assert late >= len(on.changes)

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_run_killed_at_any_mutating_call_is_restored(self, on: Bench, when: Literal["before", "after"]) -> None:
        calls = on.killed_at(None, when)
        mutating = [at for at, call in enumerate(calls) if not call.operation.startswith(("describe_", "get_"))]
        assert len(mutating) >= len(on.changes)
        for at in mutating:
            on.killed_at(at, when)

    def test_irreversible_action_is_sent_once_and_reads_healed(self, on: Bench) -> None:
        run, journal = on.begin()
        account = RoughAccount(on.shop.account, on.clock, on.changes, run)
        on.apply(run, account, journal)
        hit = account.mutating
        on.apply(run, account, journal)
        assert account.mutating == hit
        on.undo(run, account, journal)
        actions = [row for row in journal.entries(run) if not row.change.undoable]
        assert {row.state for row in actions} <= {"healed"}
        assert len(actions) == sum(not change.undoable for change in on.changes)
        journal.close()


# other people ---------------------------------------------------------------------------------------------------------


def test_a_strangers_part_of_the_same_setting_survives(tmp_path: Path) -> None:
    with opened("stop-instance", tmp_path) as on:
        group = {"AutoScalingGroupName": "web"}

        def suspended() -> set[str]:
            answer = on.shop.account.call(Call(service="autoscaling", operation="describe_auto_scaling_groups"), REGION)
            return {process["ProcessName"] for process in answer["AutoScalingGroups"][0]["SuspendedProcesses"]}

        def stranger() -> None:
            more = group | {"ScalingProcesses": ["AddToLoadBalancer"]}
            on.shop.account.call(Call(service="autoscaling", operation="suspend_processes", params=more), REGION)

        before = suspended()
        run, journal = on.begin()
        ways = set(Way) - {Way.LATE}
        account = RoughAccount(on.shop.account, on.clock, on.changes, run, ways, stranger=stranger)
        on.apply(run, account, journal)
        account.undo_begins()
        assert on.undo(run, account, journal) == {"restored"}
        assert suspended() == before | {"AddToLoadBalancer"}
        assert account.met[Way.STRANGER] == 1


def test_setting_that_moved_between_plan_and_run_is_not_changed(tmp_path: Path) -> None:
    with opened("throttle a function", tmp_path) as on:
        params = {"FunctionName": "payments", "ReservedConcurrentExecutions": 77}
        on.shop.account.call(Call(service="lambda", operation="put_function_concurrency", params=params), REGION)
        run, journal = on.begin()
        with pytest.raises(ApplyFailed, match="now reads 77"):
            on.apply(run, on.shop.account, journal)
        assert on.undo(run, on.shop.account, journal) == set()
