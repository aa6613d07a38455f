"""A claim about detection says whether the named alarm fired in time, and from when that counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.aws.alarms import fired_since
from gameday.change import Call, Json
from gameday.errors import AwsError, Refused
from gameday.events import Detected, Judged, Remark
from gameday.iam.policy import run_reads
from gameday.steady_state.kpi.claim import Detection, DetectionJudgement, Verdict
from gameday.steady_state.kpi.kpi import Tier
from gameday.testing.wrapper import Wrapped

from tests.doubles.play import REGION, played
from tests.steady_state.streams import EFFECT, judged, phases, ratio, requests

ORDERS = ratio().model_copy(update={"tier": Tier.BUSINESS})
CLAIM = Detection("orders-low", 120.0)
IMPACT = EFFECT + 20


def found(hurts: bool = True, **times: Any) -> tuple[Verdict, DetectionJudgement]:
    """The judgement where orders suffer from 20 seconds after the effect on, or not at all."""
    series = requests(1, int(EFFECT) + 480, lambda second: 0.5 if hurts and second >= IMPACT else 0.002)
    judgement = judged(
        {"orders": series}, {"orders": ORDERS}, phases(**times), detection=CLAIM, during={"orders": None}
    )
    assert judgement.detection
    return judgement.verdict, judgement.detection


def test_alarm_in_time_holds_and_counts_from_the_impact() -> None:
    _, one = found(fired=IMPACT + 75, alarm_read=IMPACT + 80)
    assert (one.verdict, one.since, one.kpi) == (Verdict.HELD, "impact", "orders")
    assert one.took == pytest.approx(75, abs=2)
    assert one.low is not None and one.high is not None and one.took is not None  # noqa: PT018
    assert one.low <= one.took <= one.high
    assert one.words.startswith("fired 1m15s after impact on orders (")
    assert one.words.endswith("claimed: within 2m)")


def test_late_alarm_breaks_the_claim_and_the_sentence_names_it() -> None:
    verdict, one = found(fired=IMPACT + 200, alarm_read=IMPACT + 205)
    assert verdict is one.verdict is Verdict.BROKEN


def test_alarm_at_the_edge_of_its_time_is_too_close() -> None:
    _, one = found(fired=IMPACT + 120, alarm_read=IMPACT + 125)
    assert one.verdict is Verdict.UNKNOWN
    assert "too close to tell" in one.words


def test_alarm_that_never_fires_breaks_the_claim_when_watched() -> None:
    verdict, one = found(alarm_read=EFFECT + 420)
    assert verdict is one.verdict is Verdict.BROKEN
    assert one.words == "had not fired 6m40s after impact on orders (claimed: within 2m)"
    assert one.took is None


def test_a_run_too_short_to_see_it_fire_tells_nothing() -> None:
    _, one = found(lasts=100, alarm_read=EFFECT + 100)
    assert one.verdict is Verdict.UNKNOWN
    assert "let the fault last longer" in one.words


def test_an_alarm_that_could_not_be_read_tells_nothing() -> None:
    _, one = found()
    assert (one.verdict, one.words) == (
        Verdict.UNKNOWN,
        "could not be read, so Gameday does not know whether it fired",
    )


def test_detection_without_impact_counts_from_effect() -> None:
    _, one = found(hurts=False, injected=EFFECT - 15, fired=EFFECT + 60, alarm_read=EFFECT + 65)
    assert (one.since, one.kpi, one.took, one.low, one.high) == ("effect", None, 60, 60, 75)
    assert one.verdict is Verdict.HELD
    assert "fired 1m after the fault took effect (between 1m and 1m15s" in one.words


def test_alarm_that_fires_before_customers_suffer_is_noted() -> None:
    _, one = found(fired=IMPACT - 10, alarm_read=IMPACT)
    assert one.verdict is Verdict.HELD
    assert "before impact on orders" in one.words


def test_alarm_that_fired_before_the_fault_says_nothing_of_it() -> None:
    _, one = found(fired=EFFECT - 5, alarm_read=EFFECT)
    assert one.verdict is Verdict.UNKNOWN
    assert one.words == "fired 5s before the injection, so it says nothing about this fault"


def test_fault_without_effect_has_nothing_to_detect() -> None:
    judgement = judged({}, {"orders": ORDERS}, phases(took_effect=None), detection=CLAIM)
    assert judgement.detection is None


# --- on the twin ------------------------------------------------------------------------------------------------------

LOW = {"metric": "Storefront/OrdersFailed", "period": "10s", "above": 2, "missing": "notBreaching"}
FIELDS: dict[str, Any] = {
    "during": {"orders": "any"},
    "detected_by": {"alarm": "orders-low", "within": "1m"},
    "lasts": "2m",
}


def watched(raw: Any, **alarm: Any) -> Any:
    raw["alarms"]["orders-low"] = LOW | alarm
    return raw


def judgement_of(events: list[Any]) -> Judged:
    return next(event for event in events if isinstance(event, Judged))


def test_run_hears_the_alarm_and_uses_the_time_of_cloudwatch(tmp_path: Path) -> None:
    with played(tmp_path, watched, **FIELDS) as play:
        events = play.events()
        heard = next(event for event in events if isinstance(event, Detected))
        judged = judgement_of(events)
        assert heard.alarm == "orders-low"
        assert heard.fired_at <= heard.at <= heard.fired_at + 15
        assert judged.phases.fired == heard.fired_at
        assert judged.phases.fired == fired_since("orders-low", 0.0, play.twin.aws, REGION)
        assert judged.judgement.detection
        assert judged.judgement.detection.verdict is Verdict.HELD


def test_an_alarm_that_flaps_between_two_looks_is_still_seen(tmp_path: Path) -> None:
    class Flaps(Wrapped):
        """Fires by hand, and is over at once, before anybody looks."""

        done = False

        def answer(self, call: Call, region: str, paged: bool) -> Json:
            answer = super().answer(call, region, paged)
            if call.operation == "put_function_concurrency" and not self.done:
                self.done = True
                for state in ("ALARM", "OK"):
                    params = {"AlarmName": "orders-low", "StateValue": state, "StateReason": "by hand"}
                    play.stranger.call(Call(service="cloudwatch", operation="set_alarm_state", params=params), region)
            return answer

    with played(tmp_path, lambda raw: watched(raw, above=1e6), **FIELDS) as play:
        events = play.events(Flaps(play.account))
        assert [event for event in events if isinstance(event, Detected)]


def test_an_alarm_that_stays_silent_breaks_the_claim(tmp_path: Path) -> None:
    with played(tmp_path, lambda raw: watched(raw, above=1e6), **FIELDS) as play:
        judged = judgement_of(play.events())
        assert judged.judgement.detection
        assert judged.judgement.detection.verdict is judged.judgement.verdict is Verdict.BROKEN


def test_unreadable_alarm_is_remarked_once_and_unknown(tmp_path: Path) -> None:
    class Deaf(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == "describe_alarm_history":
                raise AwsError(call.service, call.operation, "AccessDenied", "not yours")
            return super().answer(call, region, paged)

    with played(tmp_path, watched, **FIELDS) as play:
        events = play.events(Deaf(play.account))
        said = [event.text for event in events if isinstance(event, Remark) and "orders-low" in event.text]
        assert len(said) == 1
        assert "cannot read" in said[0]
        detection = judgement_of(events).judgement.detection
        assert detection
        assert detection.verdict is Verdict.UNKNOWN


def test_the_plan_refuses_an_alarm_that_is_not_there(tmp_path: Path) -> None:
    fields = FIELDS | {"detected_by": {"alarm": "nobody", "within": "1m"}}
    with played(tmp_path, watched, **fields) as play:
        (refusal,) = play.plan.refusals
        assert (refusal.code, refusal.text) == ("GD-P15", "alarm nobody, which is to detect the fault, is not there")


def test_the_plan_refuses_an_alarm_that_fires_already(tmp_path: Path) -> None:
    with played(tmp_path, lambda raw: watched(raw, metric="Storefront/OrdersTried"), **FIELDS) as play:
        assert "GD-P15" in [refusal.code for refusal in play.plan.refusals]


def test_a_run_refuses_where_the_alarm_fires_during_the_baseline(tmp_path: Path) -> None:
    with played(tmp_path, lambda raw: watched(raw, above=1e6), **FIELDS) as play:
        params = {"AlarmName": "orders-low", "StateValue": "ALARM", "StateReason": "by hand"}
        events = play.run()
        next(events)
        set_state = Call(service="cloudwatch", operation="set_alarm_state", params=params)

        class Fires(Wrapped):
            def answer(self, call: Call, region: str, paged: bool) -> Json:
                if call.operation == "describe_alarms":
                    play.stranger.call(set_state, region)
                return super().answer(call, region, paged)

        with pytest.raises(Refused, match="alarm orders-low is firing already"):
            list(play.run(Fires(play.account)))


def test_the_run_may_read_the_alarm_and_its_history(tmp_path: Path) -> None:
    with played(tmp_path / "with", watched, **FIELDS) as play:
        reads = {call.operation for call in run_reads(play.plan)}
        assert {"describe_alarms", "describe_alarm_history"} <= reads
    without = {key: value for key, value in FIELDS.items() if key != "detected_by"}
    with played(tmp_path / "without", watched, **without) as play:
        assert "describe_alarm_history" not in {call.operation for call in run_reads(play.plan)}


def test_disabled_actions_are_warned_of(tmp_path: Path) -> None:
    from gameday.plan.plan import RunRequest
    from gameday.plan.planner import make_plan

    with played(tmp_path, watched, **FIELDS) as play:
        off = Call(service="cloudwatch", operation="disable_alarm_actions", params={"AlarmNames": ["orders-low"]})
        play.stranger.call(off, REGION)
        plan = play.plan
        request = RunRequest(plan.experiment, plan.workload, plan.twin, "twin")
        again = make_plan(request, play.twin.aws, play.twin.clock.now())
        assert "GD-W15" in [warning.code for warning in again.warnings]


def test_every_report_tells_of_the_detection(tmp_path: Path) -> None:
    from gameday.records.record import Record
    from gameday.records.suite import Suite
    from gameday.report.chart import chart
    from gameday.report.event_lines import lines_of
    from gameday.report.html import page
    from gameday.report.junit import junit
    from gameday.report.markdown import markdown
    from gameday.report.plan_text import plan_text

    with played(tmp_path, lambda raw: watched(raw, above=1e6), **FIELDS) as play:
        silent = tuple(play.events())
    with played(tmp_path / "loud", watched, **FIELDS) as play:
        loud, plan = tuple(play.events()), play.plan
    started = "2026-01-01T00:00:00+00:00"
    records = [Record("one", "1", started, plan, events) for events in (silent, loud)]
    suite = Suite("day", started, tuple(records))
    for text in (page(suite), markdown(suite), junit(suite)):
        assert "orders-low had not fired" in text.replace("orders\\-low", "orders-low")
    assert "orders-low fired" in page(suite)
    assert "orders-low fired" in markdown(suite)
    assert 'name="detection_seconds"' in junit(suite)
    assert [mark.kind for mark in chart(records[1], "orders").marks].count("detected") == 1
    assert "alarm  orders-low must fire within 1m of the impact" in plan_text(plan)
    detected = next(event for event in loud if isinstance(event, Detected))
    assert next(lines_of(detected, plan)).split()[:2] == ["alarm", "orders-low"]
