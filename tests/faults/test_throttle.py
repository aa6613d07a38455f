"""A throttle that throttles nothing is refused or ends unknown, and one that does takes effect soon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, Json
from gameday.engine import probes
from gameday.errors import AwsError, Refused
from gameday.events import Event, Judged, NoEffect, TookEffect
from gameday.faults.throttle import Throttle
from gameday.faults.throttling.metrics import grows
from gameday.iam.policy import policies_of
from gameday.iam.recorder import Recorder
from gameday.run.effect import FALSE_EFFECT
from gameday.steady_state.kpi.claim import Verdict
from gameday.testing.wrapper import Wrapped
from gameday.twin.controllers import Controllers

from tests.doubles.play import REGION, Played, cured, played
from tests.doubles.shop import Layout, open_shop

EXCESS = grows("AWS/Lambda", "Throttles", "Invocations", {"FunctionName": "payments"}).excess


# how a probe counts ---------------------------------------------------------------------------------------------------


def answer(counted: dict[float, float], known: dict[float, float], last: str = "Complete") -> Json:
    """What GetMetricData answers, newest first, in two pages."""
    both = [("counted", counted), ("beside", known)]
    pages = [
        (name, status, dict(sorted(of.items(), reverse=True)[start::2]))
        for name, of in both
        for start, status in enumerate(("PartialData", last))
    ]
    return {
        "MetricDataResults": [
            {"Id": name, "StatusCode": status, "Timestamps": [*of], "Values": [*of.values()]}
            for name, status, of in pages
        ],
    }


def effects(counted: dict[float, float], known: dict[float, float], since: float = 630.0) -> bool:
    assert EXCESS
    return probes.exceeds(EXCESS, answer(counted, known), since, FALSE_EFFECT)


TEN_MINUTES = {60.0 * minute: 500.0 for minute in range(10)}


def test_steady_background_is_no_effect() -> None:
    steady = {60.0 * minute: 30.0 for minute in range(20)}
    assert not effects(steady, steady)
    assert not effects({at: 30.0 for at in steady if at >= 300}, {at: 500.0 for at in steady if at >= 300})


def test_few_throttles_after_none_are_an_effect() -> None:
    assert not effects({600.0: 4.0}, TEN_MINUTES)
    assert effects({600.0: 5.0}, TEN_MINUTES)


@pytest.mark.parametrize("status", ["InternalError", "PartialData", "Forbidden"])
def test_counts_that_are_not_complete_show_no_effect(status: str) -> None:
    assert EXCESS
    assert not probes.exceeds(EXCESS, answer({600.0: 50.0}, TEN_MINUTES, status), 630.0, FALSE_EFFECT)
    whole = answer({600.0: 50.0}, TEN_MINUTES)
    messages = {**whole, "Messages": [{"Code": "MaxMetricsExceeded"}]}
    assert probes.exceeds(EXCESS, whole, 630.0, FALSE_EFFECT)
    assert not probes.exceeds(EXCESS, messages, 630.0, FALSE_EFFECT)


def test_the_minute_of_the_injection_counts_in_full() -> None:
    background = {at: 30.0 + number % 5 for number, at in enumerate(TEN_MINUTES)}
    assert not effects({**background, 600.0: 40.0}, TEN_MINUTES, since=659.0)  # as much as in any other minute
    assert not effects({600.0 - 60: 5000.0}, TEN_MINUTES)  # earlier counts do not matter


def test_unknown_minute_is_not_a_minute_without_throttles() -> None:
    last = {540.0: 500.0}
    assert not effects({600.0: 14.0}, last)
    assert effects({600.0: 15.0}, last)
    assert not effects({600.0: 1000.0}, {})


# whole runs on the twin -----------------------------------------------------------------------------------------------


def at_once(payments: int) -> Any:
    """Storefront's twin whose account leaves so many invocations at once to payments."""

    def change(raw: Any) -> Any:
        raw["modules"]["payments"]["function"] = {"concurrency": payments}
        return cured(raw)

    return change


def throttle(**fields: Any) -> list[Any]:
    return [{"throttle": fields}]


def verdict(events: list[Event]) -> Verdict:
    return next(event.judgement.verdict for event in events if isinstance(event, Judged))


def counted_before(on: Played) -> list[float]:
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Throttles",
        "Dimensions": [{"Name": "FunctionName", "Value": "payments"}],
    }
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    now = on.twin.clock.now()
    params = {"StartTime": now - 3600, "EndTime": now, "MetricDataQueries": [query]}
    answer = on.twin.aws.call(Call(service="cloudwatch", operation="get_metric_data", params=params), REGION)
    return list(answer["MetricDataResults"][0]["Values"])


@pytest.mark.parametrize("baseline", ["1m", "3m", "6m"])
def test_earlier_throttles_are_no_effect(baseline: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An account that leaves more to all functions than this one gets, so that the plan cannot know.
    roomy = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    monkeypatch.setattr(Controllers, "_concurrency", lambda _: roomy)
    fault = throttle(function="payments", to=3)
    with played(tmp_path, at_once(3), faults=fault, baseline=baseline, lasts="1m") as on:
        assert on.plan.refusals == ()
        events = on.events()
        assert sum(counted_before(on)) > 100  # the background is real
    assert [event.about for event in events if isinstance(event, NoEffect)]
    assert not [event for event in events if isinstance(event, TookEffect)]
    assert verdict(events) is Verdict.UNKNOWN


def test_a_throttle_that_nobody_feels_is_unknown(tmp_path: Path) -> None:
    with played(tmp_path, faults=throttle(function="payments", to=500), lasts="1m") as on:
        assert verdict(on.events()) is Verdict.UNKNOWN


@pytest.mark.parametrize("to", [0, 2])
def test_throttle_takes_effect_within_a_minute(to: int, tmp_path: Path) -> None:
    with played(tmp_path, faults=throttle(function="payments", to=to), baseline="3m", during={"orders": "any"}) as on:
        start = on.twin.clock.now()
        took_effect = next(event for event in on.events() if isinstance(event, TookEffect))
    assert took_effect.at - start - 180 <= 65


def test_full_throttle_takes_effect_beside_a_background(tmp_path: Path) -> None:
    fault = throttle(function="payments", to=0)
    with played(tmp_path, at_once(3), faults=fault, baseline="5m", during={"orders": "any"}) as on:
        start = on.twin.clock.now()
        took_effect = next(event for event in on.events() if isinstance(event, TookEffect))
        assert sum(counted_before(on)) > 50
    assert took_effect.at - start - 300 <= 125


def test_unreadable_metrics_refuse_before_anything_is_injected(tmp_path: Path) -> None:
    class Blind(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == "get_metric_data":
                raise AwsError(call.service, call.operation, "AccessDenied", "no")
            return super().answer(call, region, paged)

    with played(tmp_path) as on, pytest.raises(Refused, match=r"effects could not be checked: .*\[GD-P44\]"):
        on.events(Blind(on.account))


# what is refused ------------------------------------------------------------------------------------------------------


def refusals(folder: Path, change_twin: Any = cured, **fields: Any) -> tuple[str, ...]:
    with played(folder, change_twin, faults=throttle(**fields)) as on:
        return tuple(refusal.text for refusal in on.plan.refusals)


@pytest.mark.parametrize("to", [3, 4, 1000])
def test_no_throttle_raises_what_a_function_has(to: int, tmp_path: Path) -> None:
    nothing = f"`to: {to}` would take nothing away"
    assert refusals(tmp_path, at_once(3), function="payments", to=to) == (
        f"function payments already is at 3, what the account leaves to those that reserve none: {nothing}",
    )


def test_less_than_what_the_account_leaves_is_planned(tmp_path: Path) -> None:
    with played(tmp_path, at_once(103), faults=throttle(function="payments", to=2)) as on:
        recorder = Recorder(on.twin.aws)
        assert on.plan.refusals == ()
        assert on.plan.planned_faults[0].changes[0].after == 2  # type: ignore[union-attr]
        settings = Call(service="lambda", operation="get_account_settings")
        assert recorder.pages(settings, REGION) == {
            "AccountLimit": {"ConcurrentExecutions": 103, "UnreservedConcurrentExecutions": 103}
        }
        assert "lambda:GetAccountSettings" in str(policies_of(on.plan, recorder.calls.values()).run)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"function": "payments", "to": 20}, "function payments already is at 20, what it reserves: `to: 20` would"),
        ({"function": "payments", "to": 21}, "function payments already is at 20, what it reserves: `to: 21` would"),
        ({"function": "payments", "to": "100%"}, "function payments already is at 20, what it reserves: `to: 100%`"),
        ({"table": "ledger", "to": 40}, "table ledger already is at 9 read and 5 write units: `to: 40` would"),
        ({"table": "ledger-1", "to": 0}, "table ledger-1 already is at its least, 1 read and 1 write unit: `to: 0`"),
        ({"stage": "live", "to": 200}, "already is at 100 requests a second and a burst of 50: `to: 200` would"),
    ],
)
def test_what_would_take_nothing_away_is_refused_in_plain_words(fields: dict[str, Any], reason: str) -> None:
    with open_shop(Layout(functions=(20,), tables=((9, 5), (1, 1)))) as shop:
        if "stage" in fields:
            fields = fields | {"stage": f"{shop.api}/live"}
        (refusal,) = Throttle.model_validate(fields).inject(shop.look()).refusals
    assert reason in refusal
    assert refusal.endswith("would take nothing away")


def test_a_number_never_raises_the_smaller_of_two_capacities() -> None:
    with open_shop(Layout(tables=((9, 2),))) as shop:
        planned_fault = Throttle.model_validate({"table": "ledger", "to": 5}).inject(shop.look())
    assert [change.after for change in planned_fault.changes] == [  # type: ignore[union-attr]
        {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}
    ]
    # Only what is taken can show: writes are as they were.
    assert [probe.about for probe in planned_fault.effect.probes] == ["AWS/DynamoDB ReadThrottleEvents of ledger grows"]


def test_targets_that_lose_nothing_are_named_and_left_alone() -> None:
    with open_shop(Layout(functions=(2, 20), tables=(), stages=())) as shop:
        planned_fault = Throttle.model_validate({"module": "payments", "to": 5}).inject(shop.look())
    assert planned_fault.refusals == ()
    assert [change.id for change in planned_fault.changes] == ["payments-1"]  # type: ignore[union-attr]
    assert planned_fault.label == "throttle payments-1 to 5"
    assert planned_fault.warnings == (
        "function payments already is at 2, what it reserves: `to: 5` would take nothing away",
    )
