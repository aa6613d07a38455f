"""Half of each API's rate is kept for the undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.aws.rate_limits import BUCKETS, Bucket, RateLimiter, lasts
from gameday.change import Call
from gameday.engine.apply import apply
from gameday.engine.pacing import slowed
from gameday.engine.settings import capture
from gameday.errors import ApplyFailed
from gameday.events import Called
from gameday.faults.vpc import ACL, deny_all_acl
from gameday.report.plan_text import plan_text
from gameday.run.stop import Stoppable, StopRequest
from gameday.steady_state.clock import TestClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.metered import Metered
from tests.doubles.play import played
from tests.doubles.runs import RUN, Scene
from tests.doubles.shelf import LEVEL, REGION, planned_fault, setting_change

EC2 = BUCKETS["ec2"]
SWAP = Call(service="ec2", operation="replace_network_acl_association")


@pytest.fixture(autouse=True)
def the_shelf_is_metered_as_ec2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUCKETS, "shelf", EC2)


class Aborted:
    """An injection into a metered shelf, aborted after a while, and undone."""

    def __init__(self, folder: Path, things: int, after: float, kept: float | None) -> None:
        scene = self.scene = Scene(folder)
        ids = [f"t{number}" for number in range(things)]
        for name in ids:
            scene.shelf.put(name)
        self.before = {name: scene.shelf.things[name]["Level"] for name in ids}
        metered = self.metered = Metered(scene.shelf, scene.clock, EC2)
        stages = planned_fault(capture(LEVEL, dict.fromkeys(ids, 9), REGION, scene.shelf)).stages
        began = scene.clock.now()
        stop = StopRequest(halted=lambda: "enough" if scene.clock.now() >= began + after else None)
        clock = Stoppable(scene.clock, stop)
        pace = None if kept is None else RateLimiter(clock, kept)
        try:
            apply(stages, 0, RUN, metered, scene.journal, clock, scene.emitted.append, pace)
        except ApplyFailed as error:
            assert error.what == "enough"  # noqa: PT017 - it may also be through by then
        self.sent = len([one for one in scene.called("inject") if not one.error])
        self.throttled_before = len(metered.throttled)
        self.began = scene.clock.now()
        scene.undo(metered)

    @property
    def undone_within(self) -> float:
        """Seconds from the abort to the last write of the undo."""
        return max((one.at for one in self.scene.called("undo")), default=self.began) - self.began

    @property
    def after(self) -> dict[str, Any]:
        return {name: self.scene.shelf.things[name]["Level"] for name in self.before}


def test_injection_aborted_in_its_middle_is_undone_at_once(tmp_path: Path) -> None:
    run = Aborted(tmp_path, things=60, after=4.0, kept=0.5)
    assert 25 < run.sent < 60
    assert run.after == run.before
    assert run.undone_within == 0.0


@pytest.mark.parametrize("kept", [None, 0.0])
def test_undo_without_the_share_waits_for_the_bucket_to_fill(tmp_path: Path, kept: float | None) -> None:
    run = Aborted(tmp_path, things=60, after=1.0, kept=kept)
    assert run.sent >= 50
    assert run.after == run.before, "it waits, but it gets through"
    assert run.undone_within > 5.0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(things=st.integers(1, 80), after=st.floats(0.0, 30.0))
def test_undo_below_a_whole_bucket_is_never_throttled(
    tmp_path_factory: pytest.TempPathFactory, things: int, after: float
) -> None:
    run = Aborted(tmp_path_factory.mktemp("run"), things, after, kept=0.5)
    assert run.after == run.before
    assert run.throttled_before == 0
    assert run.sent >= EC2.size or not run.metered.throttled


def test_throttled_injection_waits_for_as_long_as_it_is_paced(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    ids = [f"t{number}" for number in range(150)]
    for name in ids:
        scene.shelf.put(name)
    metered = Metered(scene.shelf, scene.clock, Bucket(10, 2.5))  # somebody else takes half of it
    stages = planned_fault(capture(LEVEL, dict.fromkeys(ids, 9), REGION, scene.shelf)).stages
    apply(stages, 0, RUN, metered, scene.journal, scene.clock, scene.emitted.append, RateLimiter(scene.clock))
    assert metered.throttled
    assert {scene.shelf.things[name]["Level"] for name in ids} == {9}


def test_waiting_ends_also_where_the_clock_is_coarse() -> None:
    clock = TestClock(1_795_000_000.0)
    pace = RateLimiter(clock)
    began, sent = clock.now(), 0
    while sent < 50:
        sent += len(pace.first([SWAP] * (50 - sent), lambda call: (call, REGION)))
    assert clock.now() - began == pytest.approx(lasts([(SWAP, REGION)] * 50), abs=0.1)


def test_regions_and_services_have_buckets_of_their_own() -> None:
    clock = TestClock(0.0)
    pace = RateLimiter(clock)
    put = Call(service="lambda", operation="put_function_concurrency")
    other = Call(service="autoscaling", operation="suspend_processes")
    calls = [*((SWAP, "us-east-1") for _ in range(25)), *((SWAP, "eu-west-1") for _ in range(25))]
    calls += [*((put, "us-east-1") for _ in range(7)), *((other, "us-east-1") for _ in range(99))]
    assert pace.first(calls, lambda one: one) == calls
    assert clock.now() == 0.0


def test_the_plan_says_what_does_not_go_out_at_once() -> None:
    subnets = [setting_change(ACL, f"subnet-{n}", before="acl-1", after={"$": "made.acl"}) for n in range(50)]
    acl = deny_all_acl(REGION, "vpc-1", "acl")
    (line,) = slowed([acl, *subnets])
    assert line == (
        "Gameday sends 25 of 50 calls of ec2.replace_network_acl_association in us-east-1 at once "
        "and the others within 10s: AWS takes 50 at once and 5 a second, and Gameday keeps half of that for the undo"
    )
    assert slowed([acl, *subnets[:25]]) == []


def test_plan_warns_of_slow_changes_and_the_run_is_paced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUCKETS, "ec2.modify_network_interface_attribute", Bucket(2, 0.25))
    for place, seconds in (("aws", 24), ("twin", 0)):
        with played(tmp_path / place, faults=[{"isolate-module": {"module": "catalog", "zone": "us-east-1a"}}]) as play:
            assert "keeps half of that for the undo" in plan_text(play.plan)
            play.plan = play.plan.model_copy(update={"place": place})
            events = play.events()
        called = [event for event in events if isinstance(event, Called) and event.phase == "inject"]
        turned = [one.at for one in called if one.operation == "modify_network_interface_attribute"]
        assert len(turned) == 4  # two interfaces, each first into the open group
        assert turned[-1] - turned[0] == pytest.approx(seconds, abs=0.1)
