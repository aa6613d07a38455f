"""The effect of a fault: seen on all that it hits, in traffic where that is needed, in the KPI that is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, Json
from gameday.events import Event, Judged, NoEffect, TookEffect
from gameday.faults import isolate
from gameday.steady_state.kpi.claim import Judgement, Verdict
from gameday.testing.wrapper import Wrapped

from tests.doubles.play import REGION, Played, played

ISOLATE = [{"isolate-module": {"module": "catalog"}}]
QUIET: dict[str, Any] = {"steady_state": ["orders"], "during": {"orders": "any"}, "baseline": "2m", "lasts": "1m"}


def only(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def judgement(events: Sequence[Event]) -> Judgement:
    judged: Judged = only(events, Judged)[0]
    return judged.judgement


class Spared(Wrapped):
    """An account whose load balancers list one more target, always healthy."""

    def __init__(self, account: Any, spared: str) -> None:
        super().__init__(account)
        self.spared = spared

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        if call.operation == "describe_target_health":
            listed = answer["TargetHealthDescriptions"]  # type: ignore[index,call-overload]
            listed.append({"Target": {"Id": self.spared}, "TargetHealth": {"State": "healthy"}})  # type: ignore[union-attr]
        return answer


def test_effect_on_all_but_one_is_unknown_and_names_it(tmp_path: Path) -> None:
    with played(tmp_path, faults=[{"az-blackhole": {"zone": "us-east-1a"}}]) as play:
        spared = play.plan.planned_faults[0].hit[0].id
        events = play.events(Spared(play.account, spared))
    (missed,) = only(events, NoEffect)
    assert spared in missed.about
    assert judgement(events).verdict is Verdict.UNKNOWN


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fault skip the open group, as for interfaces with a public address: AWS then tracks the connections."""
    monkeypatch.setattr(isolate, "_is_public", lambda _: True)


def keep_members(play: Played) -> None:
    """Let the scaling group replace nothing: a terminated instance loses its connections, too."""
    params = {"AutoScalingGroupName": "storefront-catalog", "ScalingProcesses": ["ReplaceUnhealthy"]}
    play.stranger.call(Call(service="autoscaling", operation="suspend_processes", params=params), REGION)


def test_isolation_that_traffic_shows_is_held(tmp_path: Path) -> None:
    with played(tmp_path, faults=ISOLATE, **QUIET) as play:
        assert judgement(play.events()).verdict is Verdict.HELD


@pytest.mark.usefixtures("tracked")
def test_isolation_that_only_health_checks_show_is_unknown(tmp_path: Path) -> None:
    with played(tmp_path, faults=ISOLATE, **QUIET) as play:
        keep_members(play)
        events = play.events()
    assert only(events, TookEffect)
    assert judgement(events).verdict is Verdict.UNKNOWN
    assert "health checks do not show" in judgement(events).sentence


@pytest.mark.usefixtures("tracked")
def test_named_kpi_that_stays_in_its_bound_is_no_effect(tmp_path: Path) -> None:
    with played(tmp_path, faults=ISOLATE, effect={"kpi": "catalog"}, **QUIET) as play:
        keep_members(play)
        events = play.events()
    (missed,) = only(events, NoEffect)
    assert "KPI catalog" in missed.about
    assert judgement(events).verdict is Verdict.UNKNOWN


def test_named_kpi_that_leaves_its_bound_is_the_effect(tmp_path: Path) -> None:
    with played(tmp_path, faults=ISOLATE, effect={"kpi": "catalog"}, **QUIET) as play:
        events = play.events()
    (seen,) = only(events, TookEffect)
    assert "KPI catalog has left its bound" in seen.about
    assert judgement(events).verdict is Verdict.HELD
