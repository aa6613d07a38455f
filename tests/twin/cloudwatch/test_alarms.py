"""The twin's alarms fire when CloudWatch's would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from gameday.twin.cloudwatch.alarm_rule import AlarmRule, alarm_state, judged, rule_of
from gameday.twin.cloudwatch.alarms import put_alarms
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.twin import START, Twin
from hypothesis import given
from hypothesis import strategies as st

from tests.little import REGION, small

RULE = AlarmRule("Shop", "Orders", {}, "Maximum", 60, "GreaterThanThreshold", 5.0, 1, 1, "missing")
KEEP = "current"


def state_of(points: str, m: int, n: int, missing: Any, current: Any = "INSUFFICIENT_DATA") -> str:
    """The state after periods drawn as AWS draws them, the latest last: 0 is fine, X breaches, - is missing."""
    store = MetricStore()
    for index, point in enumerate(points):
        if point != "-":
            store.put("Shop", "Orders", {}, 60 * index, 9 if point == "X" else 1)
    return alarm_state(replace(RULE, points=m, of=n, missing=missing), store, 60 * len(points), current)


AWS_TABLES = [
    (3, "0-X-X", "OK", "OK", "OK", "OK"),
    (3, "0----", "OK", "OK", "OK", "OK"),
    (3, "-----", "INSUFFICIENT_DATA", KEEP, "ALARM", "OK"),
    (3, "0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (3, "--X--", "ALARM", KEEP, "ALARM", "OK"),
    (2, "0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, "00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, "0-X--", "OK", "OK", "ALARM", "OK"),
    (2, "----0", "OK", "OK", "ALARM", "OK"),
    (2, "---X-", "ALARM", KEEP, "ALARM", "OK"),
]
"""The tables of "Configuring how CloudWatch alarms treat missing data": M of 3, an evaluation range of 5 periods."""


@pytest.mark.parametrize("current", ["OK", "ALARM", "INSUFFICIENT_DATA"])
@pytest.mark.parametrize(("m", "points", "missing", "ignore", "breaching", "not_breaching"), AWS_TABLES)
def test_missing_data_is_treated_as_aws_documents(
    m: int, points: str, missing: str, ignore: str, breaching: str, not_breaching: str, current: str
) -> None:
    assert state_of(points, m, 3, "missing", current) == missing
    assert state_of(points, m, 3, "ignore", current) == (current if ignore == KEEP else ignore)
    assert state_of(points, m, 3, "breaching", current) == breaching
    assert state_of(points, m, 3, "notBreaching", current) == not_breaching


@pytest.mark.parametrize("points", ["----X", "---X-", "---X0", "--X-0"])
def test_an_alarm_does_not_fire_before_its_time(points: str) -> None:
    """ "Avoiding premature transitions to alarm state": the next datapoint may be fine."""
    assert state_of(points, 3, 3, "missing") == "OK"


def test_alarm_fires_once_good_data_leaves_the_range() -> None:
    assert state_of("0----", 3, 3, "breaching") == "OK"
    assert state_of("0-----", 3, 3, "breaching") == "ALARM"


def restated(newest_first: list[bool | None], m: int, n: int, missing: str, current: str) -> str:
    """AWS's rules again, as plainly as they stand there: fill up, count, and the two special cases."""
    real = [breach for breach in newest_first if breach is not None]
    used: list[bool | None] = list(real[:n])
    while len(used) < n:
        used.append({"breaching": True, "notBreaching": False}.get(missing))
    if used.count(True) >= m:
        return "ALARM"
    if None in used:
        if missing == "ignore" and False not in used:
            return current
        if not real:
            return "INSUFFICIENT_DATA"
        oldest = max(index for index, breach in enumerate(newest_first) if breach is not None) + 1
        if False not in used and oldest >= m:
            return "ALARM"
    return "OK"


@given(st.data())
def test_judged_matches_awss_rules(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    m = data.draw(st.integers(1, n))
    range_ = data.draw(st.lists(st.sampled_from([True, False, None]), min_size=n + 2, max_size=n + 2))
    missing: Any = data.draw(st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]))
    current: Any = data.draw(st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]))
    rule = replace(RULE, points=m, of=n, missing=missing)
    assert judged(range_, rule, current) == restated(range_, m, n, missing, current)


@given(st.lists(st.booleans(), min_size=5, max_size=5), st.integers(1, 5), st.integers(1, 5))
def test_without_gaps_m_of_the_last_n_decide(breaches: list[bool], m: int, n: int) -> None:
    m, n = min(m, n), max(m, n)
    points = "".join("X" if breach else "0" for breach in breaches)
    assert state_of(points, m, n, "missing") == ("ALARM" if sum(breaches[-n:]) >= m else "OK")


@pytest.mark.parametrize(
    ("comparison", "fires_at"),
    [
        ("GreaterThanThreshold", {6.0}),
        ("GreaterThanOrEqualToThreshold", {5.0, 6.0}),
        ("LessThanThreshold", {4.0}),
        ("LessThanOrEqualToThreshold", {4.0, 5.0}),
    ],
)
def test_a_threshold_is_compared_as_it_is_written(comparison: str, fires_at: set[float]) -> None:
    breaching = set()
    for value in (4.0, 5.0, 6.0):
        store = MetricStore()
        store.put("Shop", "Orders", {}, 0, value)
        if alarm_state(replace(RULE, comparison=comparison), store, 60) == "ALARM":
            breaching.add(value)
    assert breaching == fires_at


def test_a_period_counts_once_it_is_over() -> None:
    store = MetricStore()
    store.put("Shop", "Orders", {}, 10, 3)
    store.put("Shop", "Orders", {}, 70, 9)
    states = [alarm_state(RULE, store, now) for now in (59, 60, 119, 120)]
    assert states == ["INSUFFICIENT_DATA", "OK", "OK", "ALARM"]


def test_a_longer_period_slides_with_each_minute() -> None:
    """ "At the end of minute 5 … minutes 1 to 5. Then at the end of minute 6 … minutes 2 to 6" (Alarm evaluation)."""
    store = MetricStore()
    for minute in range(10):
        store.put("Shop", "Orders", {}, 60 * minute, 10 if minute == 0 else 1)
    rule = replace(RULE, statistic="Sum", period=300, threshold=10)
    assert [alarm_state(rule, store, 60 * minute) for minute in (5, 6)] == ["ALARM", "OK"]


def test_a_high_resolution_alarm_is_evaluated_every_ten_seconds() -> None:
    store = MetricStore()
    store.put("Shop", "Orders", {}, 25, 9)
    rule = replace(RULE, period=20, missing="notBreaching")
    assert [alarm_state(rule, store, now) for now in (20, 29, 30, 80, 90)] == ["OK", "OK", "ALARM", "ALARM", "OK"]


def test_percentile_alarm_ignores_low_samples_on_request() -> None:
    """ "Percentile-based alarms and low data samples": p90 needs 10 / (1 - 0.9) = 100 samples."""
    rule = replace(RULE, statistic="p90")
    few, enough = MetricStore(), MetricStore()
    few.series("Shop", "Orders", {}).add(0, [9.0] * 99)
    enough.series("Shop", "Orders", {}).add(0, [9.0] * 20 + [1.0] * 80)
    assert alarm_state(rule, few, 60, "OK") == alarm_state(rule, enough, 60, "OK") == "ALARM"
    waits = replace(rule, low_samples="ignore")
    assert alarm_state(waits, few, 60, "OK") == "OK"
    assert alarm_state(waits, enough, 60, "OK") == "ALARM"


def test_dynamodb_alarm_ignores_missing_data_by_default() -> None:
    def put(namespace: str, missing: str | None) -> str:
        raw: dict[str, Any] = {
            "namespace": namespace,
            "metric_name": "ThrottledRequests",
            "dimensions": [],
            "metric_data_queries": [],
            "statistic": "Sum",
        }
        raw |= {"period": 60, "comparison_operator": "GreaterThanThreshold", "threshold": 1, "evaluation_periods": 1}
        raw |= {"datapoints_to_alarm": None, "treat_missing_data": missing}
        return rule_of(SimpleNamespace(**raw, evaluate_low_sample_count_percentile=None)).missing

    assert put("AWS/DynamoDB", None) == "ignore"
    assert put("AWS/DynamoDB", "missing") == put("Shop", None) == "missing"


# --- on the twin, by plain calls --------------------------------------------------------------------------------------


@pytest.fixture
def twin() -> Iterator[Twin]:
    metrics = {
        "Small/Tried": {"journey": "visit", "count": "tried"},
        "Small/Took": {"module": "site", "count": "latency"},
    }
    alarms = {"visits-few": {"metric": "Small/Tried", "below": 1000.0}}
    with Twin(*small(metrics=metrics, alarms=alarms)) as twin:
        yield twin


def put(twin: Twin, **changes: Any) -> Any:
    params = {
        "AlarmName": "visits-many",
        "Namespace": "Small",
        "MetricName": "Tried",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 1,
        "Threshold": 100.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **changes,
    }
    cloudwatch = twin.session.create_client("cloudwatch", region_name=REGION)
    cloudwatch.put_metric_alarm(**{key: value for key, value in params.items() if value is not None})
    return cloudwatch


def state(cloudwatch: Any, name: str = "visits-many") -> str:
    return str(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


def fired(cloudwatch: Any, name: str) -> list[tuple[float, str]]:
    items = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]
    return [(item["Timestamp"].timestamp() - START, item["HistorySummary"]) for item in items]


def test_alarm_put_by_boto3_is_evaluated(twin: Twin) -> None:
    cloudwatch = put(twin)
    assert state(cloudwatch) == "INSUFFICIENT_DATA"
    twin.clock.sleep(60)
    assert state(cloudwatch) == "ALARM"


def test_alarm_put_again_keeps_its_state(twin: Twin) -> None:
    cloudwatch = put(twin)
    twin.clock.sleep(60)
    put(twin, Threshold=1e6)
    assert state(cloudwatch) == "ALARM"
    twin.clock.sleep(60)
    assert state(cloudwatch) == "OK"
    assert [summary for _, summary in fired(cloudwatch, "visits-many")] == [
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        "Alarm updated from ALARM to OK",
    ]


def test_a_percentile_alarm_is_evaluated(twin: Twin) -> None:
    slow = {"MetricName": "Took", "Statistic": None, "ExtendedStatistic": "p50", "Period": 10}
    cloudwatch = put(twin, **slow, Threshold=0.001)
    put(twin, **slow, AlarmName="hopeless", Threshold=60.0)
    twin.clock.sleep(20)
    assert (state(cloudwatch), state(cloudwatch, "hopeless")) == ("ALARM", "OK")


def test_alarm_history_has_the_times_of_changes(twin: Twin) -> None:
    cloudwatch = put(twin)
    twin.clock.sleep(75)
    cloudwatch.set_alarm_state(AlarmName="visits-many", StateValue="OK", StateReason="a person says so")
    twin.clock.sleep(75)
    assert fired(cloudwatch, "visits-many") == [
        (60.0, "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        (75.0, "Alarm updated from ALARM to OK"),
        (120.0, "Alarm updated from OK to ALARM"),
    ]
    since = cloudwatch.describe_alarm_history(AlarmName="visits-many", StartDate=START + 70, MaxRecords=1)
    assert [item["Timestamp"].timestamp() - START for item in since["AlarmHistoryItems"]] == [120.0]
    assert cloudwatch.describe_alarm_history(HistoryItemType="Action")["AlarmHistoryItems"] == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Metrics": [{"Id": "e", "Expression": "1"}], "MetricName": None}, "one expression over metrics"),
        ({"ThresholdMetricId": "band"}, "no anomaly detection"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "compares with a threshold only"),
        ({"Period": 15}, "Period 15 is not 10, 20, 30 or a multiple of 60"),
        ({"DatapointsToAlarm": 3}, "DatapointsToAlarm 3 is not between 1 and EvaluationPeriods, 2"),
        ({"Period": 86400}, "over at most a day"),
        ({"Statistic": None}, "is not a statistic"),
        ({"MetricName": None}, "needs MetricName"),
    ],
)
def test_alarm_beyond_the_twin_is_refused(twin: Twin, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ClientError, match=why):
        put(twin, **changes)


def test_composite_alarms_are_refused(twin: Twin) -> None:
    with pytest.raises(ClientError, match="no composite alarm"):
        put(twin).put_composite_alarm(AlarmName="both", AlarmRule="ALARM(visits-many)")


def test_alarm_on_metric_math_fires_at_its_value(twin: Twin) -> None:
    cloudwatch = twin.client("cloudwatch")
    stats = [
        {
            "Id": name,
            "MetricStat": {"Metric": {"Namespace": "Small", "MetricName": "Tried"}, "Period": 10, "Stat": stat},
        }
        for name, stat in (("m1", "Sum"), ("m2", "SampleCount"))
    ]
    put = {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 100.0}
    metrics = [*stats, {"Id": "share", "Expression": "m1 / m2 * 100", "ReturnData": True}]
    cloudwatch.put_metric_alarm(AlarmName="ShopStack-Alb 5XX > 1% (prod)", Metrics=metrics, **put)
    twin.live(60)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["ShopStack-Alb 5XX > 1% (prod)"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"


def test_metric_math_is_computed_where_all_have_values(twin: Twin) -> None:
    cloudwatch = twin.client("cloudwatch")
    for at, first, second in ((0, 8.0, 2.0), (60, 9.0, None), (120, 9.0, 0.0)):
        for name, value in (("A", first), ("B", second)):
            if value is not None:
                datum = {"MetricName": name, "Value": value, "Timestamp": START - 600 + at}
                cloudwatch.put_metric_data(Namespace="Math", MetricData=[datum])
    stats = [
        {"Id": id_, "MetricStat": {"Metric": {"Namespace": "Math", "MetricName": name}, "Period": 60, "Stat": "Sum"}}
        for id_, name in (("q0m1", "A"), ("q0m2", "B"))
    ]
    query = [{"Id": "q0", "Expression": "(q0m1 - q0m2) / q0m2 * -1"}, *stats]
    answer = cloudwatch.get_metric_data(MetricDataQueries=query, StartTime=START - 600, EndTime=START)
    assert answer["MetricDataResults"][0]["Values"] == [-3.0]


@pytest.mark.parametrize("expression", ["FILL(m1, 0)", "m1 ** 2", "m1 +", "__import__('os')", "m9"])
def test_metric_math_beyond_the_twin_is_refused(twin: Twin, expression: str) -> None:
    stat = {"Metric": {"Namespace": "Small", "MetricName": "Tried"}, "Period": 60, "Stat": "Sum"}
    query = [{"Id": "m1", "MetricStat": stat}, {"Id": "e1", "Expression": expression}]
    with pytest.raises(ClientError, match="ValidationError"):
        twin.client("cloudwatch").get_metric_data(MetricDataQueries=query, StartTime=START, EndTime=START + 60)


@pytest.mark.parametrize(
    ("side", "comparison"),
    [
        ("below", "LessThanThreshold"),
        ("at_or_below", "LessThanOrEqualToThreshold"),
        ("above", "GreaterThanThreshold"),
        ("at_or_above", "GreaterThanOrEqualToThreshold"),
    ],
)
def test_twin_file_puts_alarms_of_every_side_and_name(side: str, comparison: str) -> None:
    name = 'Checkout 5xx > 1% (prod): "eu"'
    file = small(alarms={name: {"metric": ["Small/Tried", "Small/Failed"], "expression": "m2 / m1 * 100", side: 1}})
    put: list[dict[str, Any]] = []
    put_alarms(file[1], SimpleNamespace(put_metric_alarm=lambda **params: put.append(params)))
    assert [(raw["AlarmName"], raw["ComparisonOperator"]) for raw in put] == [(name, comparison)]
    assert [query["Id"] for query in put[0]["Metrics"]] == ["m1", "m2", "watched"]
