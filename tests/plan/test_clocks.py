"""A source whose clock is not ours is known by the date of its answers, and refused where it is far off."""

from __future__ import annotations

import threading
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from gameday.aws.account import AWS
from gameday.change import Call
from gameday.files.experiment import Experiment
from gameday.files.workload import Workload
from gameday.plan.guards.context import RunFacts
from gameday.plan.guards.guard import Reasons
from gameday.plan.plan import Plan, RunRequest
from gameday.run.environment import Environment
from gameday.run.experiment import plan_on
from gameday.steady_state.clock import TestClock, WallClock
from gameday.steady_state.skew import Clocks, Offset, narrowed, offset
from gameday.steady_state.sources.prometheus import PrometheusSpec
from gameday.steady_state.sources.prometheus_server import PrometheusServer
from gameday.twin.twin import Twin
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.play import REGION, SHORT
from tests.doubles.reasons import context_of, reasons_of
from tests.doubles.scripted import Scripted
from tests.report.sample import held
from tests.steady_state.streams import kpi

NOW = 1_800_000_000.0


@given(
    st.floats(-300, 300),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(0, 60)), min_size=1, max_size=20),
)
def test_bounds_hold_the_truth_on_any_network(ahead: float, answers: list[tuple[float, ...]]) -> None:
    at, found = NOW, None
    for there, back, pause in answers:
        date = float(int(at + there + ahead))  # an answer's clock, in whole seconds
        one = offset(date, at, at + there + back)
        found = one if found is None else narrowed(found, one)
        assert found.low - 1e-6 <= ahead <= found.high + 1e-6
        at += there + back + pause
    assert found
    assert found.least <= abs(ahead) + 1e-6


def test_many_quick_answers_tell_to_a_fraction_of_a_second() -> None:
    clock, clocks = TestClock(NOW), None
    clocks = Clocks(clock)
    for _ in range(10):
        sent = clocks.now()
        clock.sleep(0.02)
        clocks.heard("x", formatdate(clock.now() + 30.4, usegmt=True), sent)
        clock.sleep(0.11)
    found = clocks.offsets["x"]
    assert 30.0 < found.low <= 30.4 <= found.high < 31.0
    assert found.words == "30s ahead of ours"


def test_a_clock_that_is_set_counts_as_it_is_now() -> None:
    assert narrowed(Offset(29.0, 31.0), Offset(-0.5, 0.5)) == Offset(-0.5, 0.5)


@pytest.mark.parametrize("date", [None, "", "soon", "Fri, 32 Foo 2027 08:00:00 GMT", "Fri, 15 Jan 99999 08:00:00 GMT"])
def test_what_is_no_date_tells_nothing(date: str | None) -> None:
    clocks = Clocks(TestClock(NOW))
    clocks.heard("x", date, NOW)
    assert clocks.offsets == {}


def told(ahead: float, name: str = AWS, plan: Plan | None = None) -> Reasons:
    clocks = Clocks(TestClock(NOW))
    clocks.heard(name, formatdate(NOW + ahead, usegmt=True), NOW)
    return reasons_of("clocks", context_of(plan or held().plan, facts=RunFacts(clocks=clocks)))


@pytest.mark.parametrize("ahead", [-2, 0, 2])
def test_two_seconds_are_nothing(ahead: float) -> None:
    assert told(ahead) == reasons_of("clocks", context_of(held().plan)) == Reasons((), ())


@pytest.mark.parametrize(("ahead", "words"), [(5, "6s ahead of"), (-6, "6s behind")])
def test_some_seconds_are_warned_of(ahead: float, words: str) -> None:
    found = told(ahead)
    assert found.refusals == ()
    (warning,) = found.warnings
    assert warning.code == "GD-W26"
    assert f"the clock of AWS is {words} ours: onset and recovery" in warning.text


@pytest.mark.parametrize(("ahead", "words"), [(30, "30s ahead of"), (-30, "30s behind")])
def test_half_a_minute_is_refused_with_what_to_do(ahead: float, words: str) -> None:
    (reason,) = told(ahead, "Prometheus http://p:9090").refusals
    assert reason.code == "GD-P26"
    assert reason.text.startswith(f"the clock of Prometheus http://p:9090 is {words} ours")
    assert "NTP" in reason.remedy


def test_the_clock_of_what_tells_no_kpi_does_not_matter() -> None:
    plan = held().plan
    probed = kpi(ratio={"total": {"http": {"url": "http://127.0.0.1:9"}}}, bound={"at_least": "99%"})
    workload = plan.workload.model_copy(update={"kpis": dict.fromkeys(plan.workload.kpis, probed)})
    experiment = plan.experiment.model_copy(update={"detected_by": None})
    elsewhere = plan.model_copy(update={"workload": workload, "experiment": experiment})
    assert told(30, plan=elsewhere) == Reasons((), ())


def test_a_plan_is_refused_by_the_clocks_of_its_ground(twin: Twin, workload: Workload) -> None:
    clocks = Clocks(TestClock(NOW))
    clocks.heard(AWS, formatdate(NOW + 30, usegmt=True), NOW)
    experiment = Experiment.model_validate(SHORT | {"faults": [{"throttle": {"module": "payments", "to": 0}}]})
    request = RunRequest(experiment, workload, None, "twin")
    environment = Environment(twin.aws, twin.clock, Scripted({}), 0.0, clocks)
    assert "GD-P26" in [refusal.code for refusal in plan_on(environment, request, RunFacts()).refusals]


class Late(BaseHTTPRequestHandler):
    """A Prometheus whose clock is thirty seconds behind."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(WallClock().now() - 30, usegmt=True)

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_prometheus_is_known_by_the_date_of_its_answers() -> None:
    clocks = Clocks(WallClock())
    with HTTPServer(("127.0.0.1", 0), Late) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://ana:secret@127.0.0.1:{server.server_port}"
        PrometheusServer(clocks)(PrometheusSpec.model_validate({"prometheus": {"url": url, "query": "up"}}), 1, 2)
        thread.join()
    ((name, found),) = clocks.offsets.items()
    assert name == f"Prometheus http://***@127.0.0.1:{server.server_port}"
    assert 28 < found.least <= 30


def test_aws_is_known_by_the_date_of_its_answers(twin: Twin) -> None:
    clocks = Clocks(TestClock(NOW))
    account = replace(twin.aws, clocks=clocks)

    def dated(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        parsed["ResponseMetadata"] = {"HTTPHeaders": {"date": formatdate(NOW + 30, usegmt=True)}}

    events = account.connection.client("sts", REGION).meta.events
    events.register("after-call.sts.GetCallerIdentity", dated)
    account.call(Call(service="sts", operation="get_caller_identity"), REGION)
    events.unregister("after-call.sts.GetCallerIdentity", dated)
    assert clocks.offsets[AWS] == Offset(30.0, 31.0)
