"""The loop: the order of its steps, and the undo in every case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, Json
from gameday.errors import AwsError, Exit, Refused
from gameday.events import Aborted, Called, ChangeClosed, Ended, Event, Judged, NoEffect, PhaseBegan, to_json
from gameday.steady_state.kpi.claim import Verdict
from gameday.testing.wrapper import Wrapped
from gameday.twin.twin import Twin

from tests.doubles.play import REGION, played

FAULTS = {
    "terminate-instance": {"module": "checkout", "count": 1},
    "stop-instance": {"module": "checkout", "count": 1, "hold_replacement": True},
    "reboot-instance": {"module": "checkout", "count": 1},
    "az-blackhole": {"zone": "us-east-1a"},
    "isolate-module": {"module": "catalog", "zone": "us-east-1a"},
    "throttle": {"module": "payments", "to": 0},
}


def only(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def ended(events: Sequence[Event]) -> Ended:
    assert isinstance(events[-1], Ended)
    return events[-1]


def verdict(events: Sequence[Event]) -> Verdict:
    return only(events, Judged)[0].judgement.verdict


def concurrency(twin: Twin, function: str) -> Json:
    call = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": function})
    return twin.aws.call(call, REGION).get("ReservedConcurrentExecutions")


def acls(twin: Twin) -> set[str]:
    answer = twin.aws.pages(Call(service="ec2", operation="describe_network_acls"), REGION)
    return {acl["NetworkAclId"] for acl in answer["NetworkAcls"]}


def test_run_has_its_phases_in_order_and_ends_restored(tmp_path: Path) -> None:
    with played(tmp_path) as play:
        events = play.events()
        assert [event.phase for event in only(events, PhaseBegan)] == ["before", "inject", "during", "undo", "after"]
        assert ended(events) == Ended(ended(events).at, "restored", Exit.HELD)
        assert verdict(events) is Verdict.HELD
        assert concurrency(play.twin, "recommendations") is None
        assert [event.at for event in events] == sorted(event.at for event in events)


def test_faults_last_from_their_effect(tmp_path: Path) -> None:
    with played(tmp_path) as play:
        judged = only(play.events(), Judged)[0]
        assert judged.phases.undo - judged.phases.took_effect == pytest.approx(30, abs=1)
        assert judged.phases.took_effect > judged.phases.injected


def test_the_same_seed_gives_the_same_events_byte_for_byte(tmp_path: Path) -> None:
    lines = []
    for folder in ("one", "two"):
        with played(tmp_path / folder, faults=[{"az-blackhole": {"zone": "us-east-1b"}}]) as play:
            lines.append([to_json(event) for event in play.events()])
    assert lines[0] == lines[1]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_whose_writes_have_no_effect_ends_unknown(fault: str, tmp_path: Path) -> None:
    class Inert(Wrapped):
        """Takes every write, and changes nothing."""

        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation.split("_")[0] in ("describe", "get", "list"):
                return super().answer(call, region, paged)
            return {"NetworkAcl": {"NetworkAclId": "acl-none"}, "GroupId": "sg-none"}

    with played(tmp_path, faults=[{fault: FAULTS[fault]}]) as play:
        events = play.events(Inert(play.account))
        assert verdict(events) is Verdict.UNKNOWN
        assert ended(events).exit == Exit.UNKNOWN
        assert ended(events).account == "restored"


@pytest.mark.parametrize("fault", ["az-blackhole", "isolate-module", "throttle"])
def test_a_setting_that_stands_but_does_nothing_ends_unknown(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writes land and read back; only customers and health checks feel nothing of them."""
    with played(tmp_path, faults=[{fault: FAULTS[fault]}]) as play:
        monkeypatch.setattr(Twin, "_take_over", lambda self: None)
        events = play.events()
        assert only(events, NoEffect)
        assert verdict(events) is Verdict.UNKNOWN
        assert ended(events).account == "restored"


def test_guarded_kpi_beyond_its_bound_aborts_and_undoes_at_once(tmp_path: Path) -> None:
    guard = {"orders": {"at_least": "50%"}}
    with played(tmp_path, lambda raw: raw, guard=guard, lasts="5m") as play:
        events = play.events()
        aborted = only(events, Aborted)[0]
        assert aborted.why == "guard"
        undo = next(event for event in only(events, Called) if event.phase == "undo")
        assert undo.at - aborted.at <= 1
        assert verdict(events) is Verdict.BROKEN
        assert concurrency(play.twin, "recommendations") is None


def test_a_firing_stop_alarm_aborts(tmp_path: Path) -> None:
    with played(tmp_path, lambda raw: raw, stop_when=["orders-failing"], lasts="10m") as play:
        events = play.events()
        assert only(events, Aborted)[0].why == "alarm"
        assert verdict(events) is Verdict.BROKEN


def test_a_signal_undoes_and_leaves_the_verdict_unknown(tmp_path: Path) -> None:
    with played(tmp_path, lasts="5m") as play:
        events = []
        for event in play.run():
            events.append(event)
            if isinstance(event, PhaseBegan) and event.phase == "during":
                play.stop.why = "SIGTERM arrived"
        assert only(events, Aborted)[0].why == "signal"
        assert verdict(events) is Verdict.UNKNOWN
        assert ended(events).exit == Exit.INTERRUPTED
        assert concurrency(play.twin, "recommendations") is None


def test_a_signal_before_anything_is_injected_touches_nothing(tmp_path: Path) -> None:
    with played(tmp_path) as play:
        play.stop.why = "SIGINT arrived"
        with pytest.raises(Refused, match="SIGINT arrived, before the run injected anything"):
            play.events()
        assert play.journal.entries("test-run") == []


def test_a_fault_that_somebody_else_ended_is_unknown(tmp_path: Path) -> None:
    with played(tmp_path) as play:
        events = []
        for event in play.run():
            events.append(event)
            if isinstance(event, PhaseBegan) and event.phase == "during":
                delete = Call(
                    service="lambda",
                    operation="delete_function_concurrency",
                    params={"FunctionName": "recommendations"},
                )
                play.stranger.call(delete, REGION)
        (aborted,) = only(events, Aborted)
        assert aborted.why == "undone-early"
        assert "of recommendations already reads absent" in aborted.about
        assert verdict(events) is Verdict.UNKNOWN
        assert ended(events).exit == Exit.UNKNOWN
        assert concurrency(play.twin, "recommendations") is None


def test_a_listener_that_stops_listening_does_not_stop_the_undo(tmp_path: Path) -> None:
    with played(tmp_path) as play:
        events = play.run()
        for event in events:
            if isinstance(event, PhaseBegan) and event.phase == "during":
                assert concurrency(play.twin, "recommendations") == 0
                break
        events.close()  # type: ignore[attr-defined]
        assert concurrency(play.twin, "recommendations") is None


def test_a_call_that_fails_half_way_undoes_what_was_done(tmp_path: Path) -> None:
    class Failing(Wrapped):
        """Refuses to swap a network ACL, once everything else is in."""

        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == "replace_network_acl_association":
                raise AwsError("ec2", call.operation, "UnauthorizedOperation", "you may not")
            return super().answer(call, region, paged)

    fault = {"az-blackhole": {"zone": "us-east-1a", "launches": "blocked"}}
    with played(tmp_path, faults=[fault]) as play:
        before = acls(play.twin)
        events = play.events(Failing(play.account))
        assert only(events, Aborted)[0].why == "failed"
        assert "UnauthorizedOperation" in only(events, Aborted)[0].about
        assert verdict(events) is Verdict.UNKNOWN
        assert ended(events).account == "restored"
        assert acls(play.twin) == before
        groups = play.twin.aws.pages(Call(service="autoscaling", operation="describe_auto_scaling_groups"), REGION)
        assert all(not group["SuspendedProcesses"] for group in groups["AutoScalingGroups"])
        assert all(group["VPCZoneIdentifier"].count(",") == 2 for group in groups["AutoScalingGroups"])


def test_a_strangers_change_is_left_alone_and_ends_stuck(tmp_path: Path) -> None:
    with played(tmp_path) as play:
        events = []
        for event in play.run():
            events.append(event)
            if isinstance(event, PhaseBegan) and event.phase == "during":
                params = {"FunctionName": "recommendations", "ReservedConcurrentExecutions": 7}
                theirs = Call(service="lambda", operation="put_function_concurrency", params=params)
                play.stranger.call(theirs, REGION)
        assert [one.state for one in only(events, ChangeClosed)] == ["conflict"]
        assert ended(events).exit == Exit.STUCK
        assert concurrency(play.twin, "recommendations") == 7


def test_irreversible_action_never_healed_is_broken_and_named(tmp_path: Path) -> None:
    with played(tmp_path, faults=[{"terminate-instance": {"module": "catalog", "count": 1}}]) as play:
        params = {"AutoScalingGroupName": "storefront-catalog", "ScalingProcesses": ["Launch"]}
        play.stranger.call(Call(service="autoscaling", operation="suspend_processes", params=params), REGION)
        events = play.events()
        assert verdict(events) is Verdict.BROKEN
        assert "storefront-catalog" in only(events, Judged)[0].judgement.sentence
        assert ended(events).exit == Exit.BROKEN


def sick(raw: Any) -> Any:
    raw["modules"]["payments"]["errors"] = "30%"
    for call in raw["modules"]["checkout"]["calls"]:
        call["retries"] = 0
    return raw


def idle(raw: Any) -> Any:
    raw["customers"]["journeys"]["buy"]["share"] = "0.001%"
    raw["customers"]["journeys"]["browse"]["share"] = "99.999%"
    return raw


def unfed(raw: Any) -> Any:
    del raw["metrics"]["Storefront/OrdersTried"]
    return raw


@pytest.mark.parametrize(
    ("change", "reason"),
    [(sick, "orders is not steady"), (idle, "orders has no data|orders is idle"), (unfed, "orders has no data")],
)
def test_unsteady_or_idle_workload_is_refused_unchanged(change: Any, reason: str, tmp_path: Path) -> None:
    with played(tmp_path, change) as play:
        with pytest.raises(Refused, match=reason):
            play.events()
        assert play.journal.entries("test-run") == []


def test_every_mutating_call_is_one_of_the_plans(tmp_path: Path) -> None:
    fault = {"az-blackhole": {"zone": "us-east-1c", "launches": "blocked"}}
    with played(tmp_path, faults=[fault]) as play:
        calls = [event for event in play.events() if isinstance(event, Called) and event.phase == "inject"]
        planned = {change_calls(change) for change in play.plan.planned_faults[0].changes}
        assert {f"{call.service}.{call.operation}" for call in calls} == {call for group in planned for call in group}
        assert {call.position for call in calls} == set(range(len(play.plan.planned_faults[0].changes)))


def change_calls(change: Any) -> tuple[str, ...]:
    if change.kind == "create":
        return (str(change.create),)
    return (str(change.setting.add if change.adds else change.setting.write),)


def test_no_event_holds_the_runs_id(tmp_path: Path) -> None:
    with played(tmp_path, faults=[{"az-blackhole": {"zone": "us-east-1a"}}]) as play:
        assert "test-run" not in str([to_json(event) for event in play.events()])
