"""An alarm's state as a KPI: 1 in ALARM, 0 in OK, and a gap where the state is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.session import get_session
from gameday.aws.account import AnyCall
from gameday.aws.answers.cloudwatch import DescribeAlarms
from gameday.aws.source_calls import calls_of_sources
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.iam.actions import action_of
from gameday.iam.policy import kpi_reads
from gameday.report.plan_text import plan_text
from gameday.steady_state.kpi.source import SourceContext
from gameday.steady_state.samples import Sample
from gameday.steady_state.sources import open_sources
from gameday.steady_state.sources.alarm import KINDS, AlarmSource, Past, Switch, bins, past_of
from gameday.steady_state.sources.alarm import STATES as DESCRIBE
from gameday.steady_state.sources.alarm_names import alarm_place
from gameday.testing.wrapper import Wrapped
from gameday.twin.twin import Twin
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.play import REGION, played
from tests.steady_state.streams import kpi

SILENT = kpi(gauge={"alarm": "orders-low", "period": "10s"}, bound={"at_most": 0})
OK, ALARM, NO_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"


def values(past: Past, last: int = 6) -> dict[float, float | None]:
    return {sample.start: sample.value for sample in bins(SILENT, past, 0, last)}


def test_bins_without_changes_repeat_the_state() -> None:
    assert values(Past(0, (), OK), 3) == {0: 0, 10: 0, 20: 0}
    assert values(Past(0, (), ALARM), 3) == {0: 1, 10: 1, 20: 1}


def test_bin_with_short_alarm_is_one() -> None:
    for at, over in ((14, 14.5), (10, 10)):
        assert values(Past(0, (Switch(at, OK, ALARM), Switch(over, ALARM, OK)), OK), 3) == {0: 0, 10: 1, 20: 0}


def test_change_at_an_edge_counts_in_the_later_bin() -> None:
    assert values(Past(0, (Switch(20, OK, ALARM), Switch(40, ALARM, OK)), OK)) == {
        0: 0,
        10: 0,
        20: 1,
        30: 1,
        40: 0,
        50: 0,
    }


def test_insufficient_data_is_a_gap() -> None:
    silent = Past(0, (Switch(15, OK, NO_DATA), Switch(35, NO_DATA, OK)), OK)
    assert values(silent) == {0: 0, 40: 0, 50: 0}
    assert values(Past(0, (), NO_DATA)) == {}


def test_bins_before_first_change_have_the_old_state() -> None:
    assert values(Past(0, (Switch(30, ALARM, OK),), OK), 4) == {0: 1, 10: 1, 20: 1, 30: 0}


def test_change_without_states_leaves_gaps() -> None:
    assert values(Past(0, (Switch(20, None, None), Switch(40, OK, ALARM)), ALARM), 5) == {40: 1}


def test_state_newer_than_history_leaves_a_gap() -> None:
    assert values(Past(0, (Switch(20, ALARM, OK),), ALARM, entered=50)) == {0: 1, 10: 1, 50: 1}
    assert values(Past(0, (), OK, entered=30)) == {30: 0, 40: 0, 50: 0}
    # AWS stamps the same change twice, some milliseconds apart.
    assert values(Past(0, (Switch(20, ALARM, OK),), OK, entered=20.3), 4) == {0: 1, 10: 1, 20: 0, 30: 0}


def test_bins_count_bad_outside_the_bound() -> None:
    assert bins(SILENT, Past(0, (Switch(10, OK, ALARM),), ALARM), 0, 2) == (
        Sample(0, 10, 1, 0, 0),
        Sample(10, 10, 1, 1, 1),
    )


STATES = st.sampled_from([OK, ALARM, NO_DATA])


@given(st.lists(STATES, min_size=1, max_size=8), st.data())
def test_bin_matches_the_states_at_every_instant(states: list[str], data: st.DataObject) -> None:
    times = sorted(
        data.draw(st.lists(st.integers(1, 59), min_size=len(states) - 1, max_size=len(states) - 1, unique=True))
    )
    switches = tuple(Switch(at, states[n], states[n + 1]) for n, at in enumerate(times))
    by_start = values(Past(0, switches, states[-1]))
    for start in range(0, 60, 10):
        seen = {states[sum(at <= start + n for at in times)] for n in range(10)}
        assert by_start.get(start) == (1 if ALARM in seen else 0 if seen == {OK} else None)


def test_alarm_is_read_once_a_period() -> None:
    calls: list[tuple[str, float]] = []

    def read_past(alarm: str, since: float) -> Past:
        calls.append((alarm, since))
        return Past(since, (), OK)

    source = AlarmSource(read_past)
    series = [source.read({"it": SILENT}, 95, 100 + second).samples["it"] for second in range(25)]
    assert calls == [("orders-low", 100), ("orders-low", 100)]
    assert [len(samples) for samples in series] == [0] * 10 + [1] * 10 + [2] * 5


def test_no_answer_is_a_gap_with_one_remark_and_a_retry() -> None:
    answers = iter([ValueError("alarm orders-low cannot be read"), ValueError("still"), Past(0, (), OK)])

    def read_past(_alarm: str, _since: float) -> Past:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    source = AlarmSource(read_past)
    readings = [source.read({"it": SILENT}, 0, 20) for _ in range(3)]
    assert [len(reading.samples["it"]) for reading in readings] == [0, 0, 2]
    assert [reading.remarks for reading in readings] == [("it has a gap: alarm orders-low cannot be read",), (), ()]


# --- on the twin ------------------------------------------------------------------------------------------------------


def watched(raw: Json) -> Json:
    raw["alarms"]["orders-low"] = {
        "metric": "Storefront/OrdersFailed",
        "period": "10s",
        "above": 1e6,
        "missing": "notBreaching",
    }
    return raw


def set_state(twin: Twin, state: str) -> None:
    params = {"AlarmName": "orders-low", "StateValue": state, "StateReason": "by hand"}
    twin.aws.allowing(AnyCall()).call(Call(service="cloudwatch", operation="set_alarm_state", params=params), REGION)


def test_twin_alarm_is_read_and_missing_one_remarked(tmp_path: Path) -> None:
    class Deaf(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == "describe_alarm_history":
                raise AwsError(call.service, call.operation, "AccessDenied", "not yours")
            return super().answer(call, region, paged)

    with played(tmp_path, watched) as play:
        twin = play.twin
        began = twin.clock.now()
        twin.clock.sleep(4)
        set_state(twin, ALARM)  # until the twin evaluates it again
        twin.clock.sleep(36)
        other = kpi(gauge={"alarm": "nobody", "period": "10s"}, bound={"at_most": 0})
        kpis = {"low": SILENT, "other": other}
        with open_sources(kpis, SourceContext(twin.clock, calls_of_sources(twin.aws, REGION), on_twin=True)) as source:
            reading = source.read(kpis, began, twin.clock.now())
        assert [sample.value for sample in reading.samples["low"]] == [1, 0, 0, 0]
        assert reading.samples["other"] == ()
        assert reading.remarks == ("other has a gap: there is no alarm nobody",)
        with pytest.raises(ValueError, match=r"alarm orders-low does not answer: .*not yours"):
            past_of("orders-low", began, calls_of_sources(Deaf(twin.aws), REGION))


def test_plan_permits_kpi_reads_and_names_costs(tmp_path: Path) -> None:
    lines = kpi(
        gauge={"logs": {"group": "/shop", "query": "stats count(*) as value by bin(1m)"}}, bound={"at_least": 1}
    )
    with played(tmp_path, watched) as play:
        kpis = {**play.plan.workload.kpis, "low": SILENT, "lines": lines}
        plan = play.plan.model_copy(update={"workload": play.plan.workload.model_copy(update={"kpis": kpis})})
        more = [action_of(call) for call in kpi_reads(plan) if call not in kpi_reads(play.plan)]
    assert [action.name for action in more if action] == [
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DescribeAlarmHistory",
        "logs:StartQuery",
        "logs:GetQueryResults",
        "logs:StopQuery",
    ]
    costs = "costs  lines queries log group /shop every 1m of the run: AWS charges each GB that it scans"
    assert costs in plan_text(plan.model_copy(update={"place": "aws"}))
    assert "costs" not in plan_text(plan)


# Names, and all kinds ---------------------------------------------------------------------------------------------


def test_kinds_of_alarms_are_those_of_aws() -> None:
    model = get_session().get_service_model("cloudwatch")
    assert sorted(KINDS, key=str) == sorted(model.shape_for("AlarmType").enum)
    answer = model.operation_model("DescribeAlarms").output_shape.members
    assert {name for name in answer if name != "NextToken"} == set(DescribeAlarms.__annotations__)


@pytest.mark.parametrize("kind", ["MetricAlarms", "CompositeAlarms", "LogAlarms"])
def test_alarm_of_any_kind_is_read(kind: str) -> None:
    def call(operation: str, params: Json, *, paged: bool = False, region: str | None = None) -> Json:
        del params, paged, region
        alarm = {"AlarmName": "orders-low", "StateValue": "ALARM"}
        return {"MetricAlarms": [], kind: [alarm]} if operation == DESCRIBE else {"AlarmHistoryItems": []}

    assert past_of("orders-low", 0.0, call).state == "ALARM"


def test_arn_is_read_in_its_region() -> None:
    asked = []

    def call(operation: str, params: Json, *, paged: bool = False, region: str | None = None) -> Json:
        del paged
        asked.append((region, params.get("AlarmNames", params.get("AlarmName"))))
        alarm = {"AlarmName": "a:b", "StateValue": "OK"}
        return {"MetricAlarms": [alarm]} if operation == DESCRIBE else {"AlarmHistoryItems": []}

    past_of("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a:b", 0.0, call)
    assert asked == [("eu-west-1", ["a:b"]), ("eu-west-1", "a:b")]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:us-east-1:123456789012:orders",
        "arn:aws:cloudwatch::123456789012:alarm:x",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:",
        "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:x",
    ],
)
def test_arn_of_something_else_is_a_mistake(arn: str) -> None:
    with pytest.raises(ValueError, match="alarm"):
        alarm_place(arn)
