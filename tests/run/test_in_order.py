"""Faults in order on the twin: the order of their events, each effect, and the undo at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from gameday.aws.account import AnyCall
from gameday.change import Call, Json
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.errors import AwsError, Exit
from gameday.events import Aborted, Called, ChangeClosed, Ended, Event, FaultStep, Judged, NoEffect, TookEffect, to_json
from gameday.plan.guards.registry import PLAN_GUARDS
from gameday.steady_state.kpi.claim import Phases, Verdict
from gameday.testing.crashes import Killed
from gameday.testing.wrapper import Wrapped
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.doubles.play import REGION, Played, played

ZONE: dict[str, Any] = {"az-blackhole": {"zone": "us-east-1a"}}
PAYMENTS: dict[str, Any] = {"throttle": {"module": "payments", "to": 2}}
NICETY: dict[str, Any] = {"throttle": {"module": "recommendations", "to": 0}}
QUIET: dict[str, Any] = {"during": {"orders": "any"}, "baseline": "1m", "lasts": "2m"}
SHORT_SEARCH = settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def only(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def phases(events: Sequence[Event]) -> Phases:
    (judged,) = only(events, Judged)
    return judged.phases  # type: ignore[no-any-return]


def verdict(events: Sequence[Event]) -> Verdict:
    (judged,) = only(events, Judged)
    return judged.judgement.verdict  # type: ignore[no-any-return]


def end(events: Sequence[Event]) -> Ended:
    assert isinstance(events[-1], Ended)
    return events[-1]


def steps(events: Sequence[Event]) -> list[tuple[int, str]]:
    return [(event.fault, event.step) for event in only(events, FaultStep)]


def undone(events: Sequence[Event]) -> list[str]:
    """The operations of the undo, in order."""
    return [event.operation for event in only(events, Called) if event.phase == "undo"]


def test_each_fault_begins_and_ends_at_its_own_time(tmp_path: Path) -> None:
    faults = [PAYMENTS | {"at": "30s", "for": "40s"}, ZONE]
    with played(tmp_path, faults=faults, **QUIET) as play:
        assert [fault.fault for fault in play.plan.planned_faults] == ["az-blackhole", "throttle"]
        events = play.events()
    assert steps(events) == [(0, "inject"), (1, "inject"), (1, "undo"), (1, "undone")]
    at = phases(events)
    zone, throttle = at.faults
    assert zone.took_effect == at.took_effect
    assert throttle.injected == at.took_effect + 30
    assert throttle.undo == throttle.took_effect + 40
    assert throttle.undone <= throttle.undo + 1
    assert (zone.undo, zone.undone) == (at.undo, at.undone)
    assert at.undo == at.took_effect + 120
    assert [event.fault for event in only(events, TookEffect)] == [0, 1]
    assert (end(events).account, verdict(events)) == ("restored", Verdict.HELD)


def test_order_holds_with_the_waits_and_limits_of_an_account(tmp_path: Path) -> None:
    guard = {"orders": {"at_least": "10%"}}
    faults = [ZONE | {"for": "1m"}, NICETY | {"at": "30s"}]
    with played(tmp_path, faults=faults, guard=guard, **QUIET) as play:
        play.plan = play.plan.model_copy(update={"place": "aws"})
        events = play.events()
    assert steps(events) == [(0, "inject"), (1, "inject"), (0, "undo"), (0, "undone")]
    at = phases(events)
    assert at.faults[1].injected == pytest.approx(at.took_effect + 30, abs=1)
    assert at.faults[0].undo == pytest.approx(at.faults[0].took_effect + 60, abs=1)
    assert (end(events).account, verdict(events)) == ("restored", Verdict.HELD)


def test_first_fault_may_end_before_the_last(tmp_path: Path) -> None:
    with played(tmp_path, faults=[ZONE | {"for": "1m"}, NICETY | {"at": "30s"}], **QUIET) as play:
        events = play.events()
    assert steps(events) == [(0, "inject"), (1, "inject"), (0, "undo"), (0, "undone")]
    assert undone(events) == ["replace_network_acl_association", "delete_network_acl", "delete_function_concurrency"]
    assert end(events).account == "restored"


def test_faults_that_last_to_the_end_are_undone_in_reverse(tmp_path: Path) -> None:
    with played(tmp_path, faults=[NICETY | {"at": "30s"}, ZONE], **QUIET) as play:
        events = play.events()
    assert undone(events) == ["delete_function_concurrency", "replace_network_acl_association", "delete_network_acl"]
    assert [change.state for change in only(events, ChangeClosed)] == ["restored"] * 3


def test_same_seed_gives_the_same_events_with_times(tmp_path: Path) -> None:
    lines = []
    for folder in ("one", "two"):
        with played(tmp_path / folder, faults=[ZONE, NICETY | {"at": "30s", "for": "30s"}], **QUIET) as play:
            lines.append([to_json(event) for event in play.events()])
    assert lines[0] == lines[1]


def test_events_of_untimed_faults_do_not_name_intervals(tmp_path: Path) -> None:
    with played(tmp_path, faults=[NICETY, PAYMENTS], **QUIET) as play:
        events = play.events()
    assert steps(events) == []
    assert "faults" not in to_json(only(events, Judged)[0])["phases"]


@SHORT_SEARCH
@given(at=st.integers(1, 50), lasts=st.one_of(st.none(), st.integers(1, 60)), first=st.one_of(st.none(), st.just(70)))
def test_order_of_events_under_random_offsets(
    tmp_path_factory: pytest.TempPathFactory, at: int, lasts: int | None, first: int | None
) -> None:
    own = {} if lasts is None else {"for": f"{lasts}s"}
    early = {} if first is None else {"for": f"{first}s"}
    faults = [PAYMENTS | early, NICETY | {"at": f"{at}s"} | own]
    with played(tmp_path_factory.mktemp("order"), faults=faults, **QUIET) as play:
        events = play.events()
    found = phases(events)
    for number, (offset, time) in enumerate([(0, first), (at, lasts)]):
        fault = found.faults[number]
        if number:
            assert fault.injected == found.took_effect + offset
        ends = found.undo if time is None else min(fault.took_effect + time, found.undo)
        assert fault.undo == pytest.approx(ends, abs=1e-6)
        assert fault.injected < fault.took_effect <= fault.undo <= fault.undone
    times = [event.at for event in events if not isinstance(event, ChangeClosed)]
    assert times == sorted(times)
    assert end(events).account == "restored"
    assert sorted(undone(events)) == ["delete_function_concurrency"] * 2


MUTATING = 7
"""More than the mutating calls of the run below: three inject a zone's black hole and a throttle, three undo them."""


class Mortal(Wrapped):
    """An account whose process dies at a mutating call: before it is sent, or before its answer comes."""

    def __init__(self, account: Any, at: int, when: str) -> None:
        super().__init__(account)
        self.at, self.when, self.made = at, when, 0

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation.split("_")[0] in ("describe", "get", "list", "filter"):
            return super().answer(call, region, paged)
        self.made += 1
        if self.made > self.at or (self.made == self.at and self.when == "before"):
            raise Killed
        answer = super().answer(call, region, paged)
        if self.made == self.at:
            raise Killed
        return answer


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, MUTATING))
def test_restore_after_death_at_any_call_leaves_nothing(at: int, when: str, tmp_path: Path) -> None:
    faults = [ZONE, NICETY | {"at": "10s", "for": "10s"}]
    with played(tmp_path, faults=faults, **QUIET | {"lasts": "40s"}) as play:
        before = _acls(play)
        with pytest.raises(Killed):
            play.events(Mortal(play.account, at, when))
        play.journal.close()
        again = Journal.open(tmp_path)
        undo("test-run", play.twin.aws.allowing(AnyCall()), again, play.twin.clock, lambda _: None)
        assert again.end("test-run")
        again.close()
        assert _acls(play) == before
        assert _concurrency(play) is None


def _acls(play: Played) -> Json:
    answer = play.twin.aws.pages(Call(service="ec2", operation="describe_network_acls"), REGION)
    return sorted(
        [acl["NetworkAclId"], sorted(each["SubnetId"] for each in acl["Associations"])] for acl in answer["NetworkAcls"]
    )


class Ineffective(Wrapped):
    """An account whose metrics never grow for one function."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        is_proof = call.service == "cloudwatch" and "recommendations" in str(call.params)
        return {"MetricDataResults": []} if is_proof else answer


def test_late_fault_without_effect_is_unknown_and_ends_the_run(tmp_path: Path) -> None:
    with played(tmp_path, faults=[ZONE, NICETY | {"at": "10s"}], **QUIET) as play:
        events = play.events(Ineffective(play.account))
    (missed,) = only(events, NoEffect)
    assert missed.fault == 1
    (judged,) = only(events, Judged)
    assert judged.judgement.verdict is Verdict.UNKNOWN
    assert "throttle" in judged.judgement.sentence
    assert end(events).exit == Exit.UNKNOWN
    assert end(events).account == "restored"


class Refusing(Wrapped):
    """An account that refuses one operation."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "put_function_concurrency":
            raise AwsError(call.service, call.operation, "AccessDeniedException", "denied")
        return super().answer(call, region, paged)


def test_failed_late_injection_undoes_all_faults(tmp_path: Path) -> None:
    with played(tmp_path, faults=[ZONE, NICETY | {"at": "30s"}], **QUIET) as play:
        events = play.events(Refusing(play.account))
        assert play.journal.end("test-run")
    (aborted,) = only(events, Aborted)
    assert aborted.why == "failed"
    assert {change.state for change in only(events, ChangeClosed)} == {"restored", "untouched"}
    assert verdict(events) is Verdict.UNKNOWN


@pytest.mark.parametrize("moment", ["effect", "inject", "second effect", "undo", "undone"])
def test_a_signal_at_any_moment_undoes_what_was_injected(moment: str, tmp_path: Path) -> None:
    faults = [ZONE, NICETY | {"at": "30s", "for": "30s"}]
    with played(tmp_path, faults=faults, **QUIET) as play:
        events = []
        for event in play.run():
            events.append(event)
            if _is(moment, event):
                play.stop.ask("signal", "SIGTERM")
        assert play.journal.end("test-run")
        assert _concurrency(play) is None
    assert [event.why for event in only(events, Aborted)] == ["signal"]
    assert end(events).exit == Exit.INTERRUPTED
    assert end(events).account == "restored"
    order = undone(events)
    assert order.index("replace_network_acl_association") == len(order) - 2  # what came first goes last


def _is(moment: str, event: Event) -> bool:
    if isinstance(event, TookEffect):
        return moment == ("second effect" if event.fault else "effect")
    return isinstance(event, FaultStep) and event.fault == 1 and event.step == moment


def _concurrency(play: Played) -> Json:
    call = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": "recommendations"})
    return play.twin.aws.call(call, REGION).get("ReservedConcurrentExecutions")


def test_fault_that_somebody_ended_before_its_own_end_aborts(tmp_path: Path) -> None:
    with played(tmp_path, faults=[ZONE, NICETY | {"at": "10s", "for": "40s"}], **QUIET) as play:
        events: list[Event] = []
        for event in play.run():
            events.append(event)
            if isinstance(event, TookEffect) and event.fault == 1:
                call = Call(
                    service="lambda",
                    operation="delete_function_concurrency",
                    params={"FunctionName": "recommendations"},
                )
                play.stranger.call(call, REGION)
    (aborted,) = only(events, Aborted)
    assert aborted.why == "undone-early"
    assert end(events).account == "restored"


def test_guard_watches_while_an_own_undo_is_under_way(tmp_path: Path) -> None:
    """The flaw of the twin breaks orders once recommendations are gone; the first fault ends meanwhile."""
    guard = {"orders": {"at_least": "50%"}}
    faults = [PAYMENTS | {"for": "30s"}, NICETY | {"at": "20s"}]
    with played(tmp_path, lambda raw: raw, faults=faults, guard=guard, **QUIET | {"lasts": "5m"}) as play:
        events = play.events()
    (aborted,) = only(events, Aborted)
    assert aborted.why == "guard"
    assert verdict(events) is Verdict.BROKEN
    assert end(events).account == "restored"
    assert phases(events).undo < phases(events).took_effect + 300


def test_faults_at_different_times_may_not_change_one_setting(tmp_path: Path) -> None:
    faults = [NICETY | {"for": "30s"}, {"throttle": {"module": "recommendations", "to": 1}, "at": "30s"}]
    with played(tmp_path, faults=faults, **QUIET) as play:
        codes = {reason.code for reason in play.plan.refusals}
    assert "GD-P13" in codes
    assert any(guard.refuses == "GD-P13" for guard in PLAN_GUARDS)
