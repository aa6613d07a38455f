"""When a CloudWatch alarm fires: an alarm's rule, evaluated on the twin's metrics as AWS documents it.

Sources, all in the CloudWatch User Guide: "Alarm evaluation" (M of N, sliding windows), "Configuring how CloudWatch
alarms treat missing data" (evaluation range, the four treatments, premature transitions), "Percentile-based alarms and
low data samples".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from operator import ge, gt, le, lt
from typing import Any, Literal

from gameday.twin.cloudwatch.metric_math import parse_expression, value_of
from gameday.twin.cloudwatch.statistic import parse_statistic
from gameday.twin.cloudwatch.store import MetricStore

AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Missing = Literal["missing", "ignore", "breaching", "notBreaching"]

HIGH_RESOLUTION = 10
"""Seconds between evaluations of alarms with periods under a minute."""
STANDARD = 60
"""Seconds between evaluations of all others, for every period: their windows slide ("Alarm evaluation")."""

EXTRA_PERIODS = 2
"""How many periods beyond N an alarm looks back for data in place of missing ones. AWS documents only an example (5 for
N = 3) and that the number depends on period and resolution."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": gt,
    "GreaterThanOrEqualToThreshold": ge,
    "LessThanThreshold": lt,
    "LessThanOrEqualToThreshold": le,
}
"""How an alarm compares. Anomaly detection compares with a band, so its operators are missing here."""


@dataclass(frozen=True)
class MetricInput:
    """A statistic of a metric that an expression names by an id."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str


@dataclass(frozen=True)
class AlarmRule:
    """An alarm on one metric, or on an expression over its `inputs`.

    It fires at M breaching datapoints (`points`) of the last N (`of`), each spanning a `period`.
    """

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int  # seconds
    comparison: str
    threshold: float
    points: int
    of: int
    missing: Missing
    low_samples: Literal["evaluate", "ignore"] = "evaluate"
    expression: str = ""
    inputs: Mapping[str, MetricInput] = field(default_factory=dict)  # by id

    @property
    def every(self) -> int:
        """Seconds between two evaluations."""
        return HIGH_RESOLUTION if self.period < STANDARD else STANDARD


def rule_of(alarm: Any) -> AlarmRule:
    """Read the rule of moto's alarm, with CloudWatch's defaults.

    Alarms on AWS/DynamoDB ignore missing data by default (PutMetricAlarm).
    """
    usual: Missing = "ignore" if alarm.namespace == "AWS/DynamoDB" else "missing"
    stats = {query.id: query.metric_stat for query in alarm.metric_data_queries if query.metric_stat}
    return AlarmRule(
        namespace=alarm.namespace or "",
        metric=alarm.metric_name or "",
        dimensions={dimension.name: dimension.value for dimension in alarm.dimensions},
        statistic=alarm.statistic or alarm.extended_statistic or "",
        period=int(alarm.period or next(iter(stats.values())).period),
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        points=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        of=int(alarm.evaluation_periods),
        missing=alarm.treat_missing_data or usual,
        low_samples=alarm.evaluate_low_sample_count_percentile or "evaluate",
        expression=next((query.expression for query in alarm.metric_data_queries if query.expression), ""),
        inputs={id_: _input(stat) for id_, stat in stats.items()},
    )


def _input(stat: Any) -> MetricInput:
    dimensions = {dimension.name: dimension.value for dimension in stat.metric.dimensions}
    return MetricInput(stat.metric.namespace, stat.metric.metric_name, dimensions, stat.stat)


def alarm_state(
    rule: AlarmRule, store: MetricStore, now: float, current: AlarmState = "INSUFFICIENT_DATA"
) -> AlarmState:
    """Evaluate an alarm on the complete periods before `now`; some rules keep the `current` state."""
    end = floor(now) // rule.every * rule.every
    starts = [end - back * rule.period for back in range(1, rule.of + EXTRA_PERIODS + 1)]
    breaches = COMPARISONS[rule.comparison]
    if rule.expression:
        values_of = (_computed(rule, store, start) for start in starts)
        return judged(
            [None if value is None else breaches(value, rule.threshold) for value in values_of], rule, current
        )
    windows = [
        store.between(rule.namespace, rule.metric, rule.dimensions, start, start + rule.period) for start in starts
    ]
    if rule.low_samples == "ignore" and sum(map(len, windows[: rule.of])) < _significant(rule.statistic):
        return current
    compute = parse_statistic(rule.statistic)
    return judged([breaches(compute(values), rule.threshold) if values else None for values in windows], rule, current)


def _computed(rule: AlarmRule, store: MetricStore, start: int) -> float | None:
    """Return the expression's value in a period; None where one of its metrics has no data there."""
    values: dict[str, float | None] = {}
    for id_, of in rule.inputs.items():
        found = store.between(of.namespace, of.metric, of.dimensions, start, start + rule.period)
        values[id_] = parse_statistic(of.statistic)(found) if found else None
    return value_of(parse_expression(rule.expression), values)


def judged(newest_first: Sequence[bool | None], rule: AlarmRule, current: AlarmState) -> AlarmState:
    """Decide an alarm's state from its periods: whether each breaches, or None where it has no data.

    - The N latest real datapoints decide. Where there are fewer, `rule.missing` fills only those that lack.
    - Without any datapoint, `missing` gives INSUFFICIENT_DATA.
    - Where all real datapoints breach and the oldest is at least M periods old, `missing` gives ALARM ("Avoiding
      premature transitions to alarm state") and `ignore` keeps the state.
    """
    real = [(age, breach) for age, breach in enumerate(newest_first, 1) if breach is not None]
    breaching = sum(breach for _, breach in real[: rule.of])
    filled = max(0, rule.of - len(real))
    if rule.missing == "breaching":
        breaching += filled
    if breaching >= rule.points:
        return "ALARM"
    if not filled or rule.missing in ("breaching", "notBreaching") or not all(breach for _, breach in real):
        return "OK"
    if rule.missing == "ignore":
        return current
    if not real:
        return "INSUFFICIENT_DATA"
    return "ALARM" if real[-1][0] >= rule.points else "OK"


def _significant(statistic: str) -> float:
    """Count the samples that make a percentile significant; other statistics need none.

    Source: "Percentile-based alarms and low data samples": 10 / (1 - p) from the median up, 10 / p below it.
    """
    if not statistic.startswith("p"):
        return 0.0
    share = float(statistic[1:]) / 100
    rest = 1 - share if share >= 0.5 else share
    return round(10 / rest, 6) if rest else float("inf")
