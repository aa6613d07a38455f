from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from gameday.steady_state.clock import TestClock, WallClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading, SourceContext, Unfit
from gameday.steady_state.samples import Sample, Series
from gameday.steady_state.sources import open_sources
from gameday.steady_state.sources.counters import parse, samples
from gameday.steady_state.sources.prometheus import PrometheusSource, PrometheusSpec
from gameday.steady_state.sources.prometheus_server import PrometheusServer
from hypothesis import given
from hypothesis import strategies as st

from tests.steady_state.sources.calls import no_aws
from tests.steady_state.streams import kpi

Points = dict[int, float]
Labels = dict[str, str]


def asks(query: str, url: str = "http://prometheus:9090", **more: Any) -> dict[str, Any]:
    return {"prometheus": {"url": url, "query": query}, "period": "10s", **more}


def ratio(**more: Any) -> Kpi:
    counts = {"bad": asks('http_total{code=~"5.."}', missing="zero"), "total": asks("http_total")}
    return kpi(ratio={**counts, **more}, bound={"at_least": "99%"})


def latency(**more: Any) -> Kpi:
    return kpi(latency=asks("http_seconds_bucket", **more), bound={"p95": "300ms"}, limits=["1s"])


def gauge(query: str = "min(up)") -> Kpi:
    return kpi(gauge=asks(query), bound={"at_least": 6})


def answer(*series: tuple[Labels, list[tuple[float, object]]], **more: Any) -> bytes:
    """A range query's answer as Prometheus documents it: values are texts."""
    result = [{"metric": labels, "values": [[at, str(value)] for at, value in points]} for labels, points in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more}).encode()


def steps(*values: object, start: int = 10) -> list[tuple[float, object]]:
    """One value every ten seconds; None is a gap."""
    return [(start + 10.0 * index, value) for index, value in enumerate(values) if value is not None]


def read(own: Kpi, *bodies: bytes, last: int = 9) -> Series:
    return samples(own, tuple(parse(body, 10) for body in bodies), 2, last)


A, B = {"job": "web", "instance": "a"}, {"job": "web", "instance": "b"}


def test_ratio_uses_the_increases_within_a_bin() -> None:
    total = answer((A, steps(100, 150, 180)), (B, steps(7, 17, 37)))
    bad = answer(({**A, "code": "500"}, steps(3, 3, 8)))
    assert read(ratio(), bad, total) == (Sample(10, 10, 60, 0, 1.0), Sample(20, 10, 50, 5, 0.9))


def test_counter_that_fell_restarted_from_zero() -> None:
    assert [sample.total for sample in read(ratio(), answer(), answer((A, steps(100, 20, 50))))] == [20, 30]


def test_counts_within_a_gap_are_left_out() -> None:
    series = read(ratio(), answer(), answer((A, steps(100, 150, None, 250, 260))))
    assert [(sample.start, sample.total) for sample in series] == [(10, 50), (40, 10)]


def test_first_failures_of_a_known_target_count_from_zero() -> None:
    total = answer((A, steps(100, 150, 200)), (B, steps(None, 1000, 1010)))
    bad = answer(({**A, "code": "500"}, steps(None, 30, 30)), ({**B, "code": "500"}, steps(None, 900, 901)))
    assert [(sample.total, sample.bad) for sample in read(ratio(), bad, total)] == [(50, 30), (60, 1)]


def test_missing_failures_are_zero_only_with_missing_zero() -> None:
    assert read(ratio(), answer(), answer()) == ()
    own = ratio(bad=asks("failed"))
    assert read(own, answer(), answer((A, steps(1, 2, 3)))) == ()


def test_bin_without_traffic_has_no_value() -> None:
    assert read(ratio(), answer(), answer((A, steps(5, 5)))) == (Sample(10, 10, 0, 0, None),)


def test_rate_counts_events_and_missing_ones() -> None:
    alone = kpi(rate=asks("orders_total"), bound={"at_least": "1/s"})
    assert read(alone, answer((A, steps(0, 50)))) == (Sample(10, 10, 50, 0, 5.0),)
    per = kpi(rate=asks("orders_total"), per=asks("tries_total"), bound={"within": "5%", "of": "baseline"})
    assert read(per, answer((A, steps(0, 50))), answer((A, steps(0, 60)))) == (Sample(10, 10, 60, 10, 5.0),)


def test_gauge_value_that_is_no_number_is_a_gap() -> None:
    series = read(gauge(), answer(({}, steps(None, 6, "NaN", "+Inf", 5))))
    assert series == (Sample(10, 10, 1, 0, 6.0), Sample(40, 10, 1, 1, 5.0))


def test_gauge_of_several_series_raises_unfit() -> None:
    with pytest.raises(Unfit, match=r"2 series, and a gauge needs a single one: write it like min"):
        read(gauge("up"), answer((A, steps(1, 1)), (B, steps(1, 1))), last=2)
    replaced = answer((A, steps(None, 6, 6)), (B, steps(None, None, 6, 6)))
    assert [one.start for one in read(gauge("up"), replaced, last=4)] == [10, 30]  # only where it is one


# Histograms ----------------------------------------------------------------------------------------------------------


def histogram(of: Labels, edges: dict[str, list[float]]) -> list[tuple[Labels, list[tuple[float, object]]]]:
    return [({**of, "le": edge}, steps(*values)) for edge, values in edges.items()]


def test_latency_is_a_share_over_a_histogram_edge() -> None:
    body = answer(
        *histogram(A, {"0.1": [0, 50], "0.3": [0, 90], "1.0": [0, 98], "+Inf": [0, 100]}),
        *histogram(B, {"0.1": [0, 0], "3e-01": [0, 10], "1": [0, 10], "+Inf": [0, 20]}),
    )
    series = read(latency(), body)
    assert series == (Sample(10, 10, 120, 20, 1 - 20 / 120, ((0.1, 70.0), (1.0, 12.0))),)
    in_ms = answer(*histogram(A, {"300": [0, 90], "+Inf": [0, 100]}))
    assert [sample.bad for sample in read(latency(unit="ms"), in_ms)] == [10]


def test_limit_that_is_no_edge_raises_with_the_nearest() -> None:
    body = answer(*histogram(A, {"0.1": [0, 1], "0.25": [0, 1], "0.5": [0, 1], "2.5": [0, 2], "+Inf": [0, 2]}))
    with pytest.raises(Unfit, match=r"300ms is no edge .* nearest are 250ms and 500ms: set the bound"):
        read(latency(), body, last=2)


def test_histogram_without_buckets_raises_unfit() -> None:
    with pytest.raises(Unfit, match="no `le`: query the buckets of a classic histogram"):
        read(latency(), answer((A, steps(1, 2))))


# Any series ----------------------------------------------------------------------------------------------------------


@given(
    counted=st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=8), min_size=1, max_size=3),
    restarts=st.sets(st.integers(1, 7)),
    gaps=st.sets(st.integers(0, 8)),
    order=st.randoms(use_true_random=False),
)
def test_resets_gaps_and_disorder_keep_the_counts(counted, restarts, gaps, order) -> None:
    series = []
    for index, counts in enumerate(counted):
        value, values = 1000.0, [1000.0]
        for step, count in enumerate(counts):
            # A restart shows where the counter is back below what it was.
            value = float(count) if step in restarts and count < value else value + count
            values.append(value)
        points = [(10.0 * (step + 1), value) for step, value in enumerate(values) if step not in gaps]
        points += order.sample(points, order.randint(0, len(points)))
        order.shuffle(points)
        series += [({"instance": str(index)}, points[::2]), ({"instance": str(index)}, points[1::2])]
    order.shuffle(series)
    read_bins = read(kpi(rate=asks("orders_total"), bound={"at_least": "1/s"}), answer(*series), last=20)
    for sample in read_bins:
        step = round(sample.start / 10) - 1
        there = [counts[step] for counts in counted if step < len(counts)]
        assert sample.total == sum(there)
        assert step not in gaps
        assert step + 1 not in gaps
    counted_steps = {round(sample.start / 10) - 1 for sample in read_bins}
    longest = max(map(len, counted))
    assert counted_steps == {step for step in range(longest) if step not in gaps and step + 1 not in gaps}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "not that of a Prometheus"),
        (b"[]", "not that of a Prometheus"),
        (b"[" * 100_000, "not that of a Prometheus"),
        (b'{"status": "success", "data": {"result": [{"metric": {}, "values": [[NaN, "1"]]}]}}', "not that of a"),
        (
            b'{"status": "success", "data": {"result": [{"metric": {}, "values": [[1%b, "1"]]}]}}' % (b"0" * 400),
            "not that",
        ),
        (b'{"status": "success", "data": {"result": [{"metric": {}, "values": [[9]]}]}}', "not that of a Prometheus"),
        (b'{"status": "success"}', "not that of a Prometheus"),
        (b'{"status": "success", "data": {"result": [{"metric": {}, "values": [7]}]}}', "not that of a Prometheus"),
        (b'{"status": "error", "errorType": "bad_data", "error": "parse error: unclosed"}', "it says: parse error"),
        (answer(warnings=["a store did not answer"]), "it warns: a store did not answer"),
        (answer(warnings=["a\n" * 150]), r"it warns: (a ){95}$"),
    ],
)
def test_parse_incomplete_answer_raises_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(body, 10)


# Repeated queries ----------------------------------------------------------------------------------------------------


class Scripted:
    """Answer with these bodies by query, and record the calls."""

    def __init__(self, **bodies: bytes | Exception) -> None:
        self.bodies = bodies
        self.calls: list[tuple[str, int, int]] = []

    def __call__(self, spec: PrometheusSpec, first: int, last: int) -> bytes:
        self.calls.append((spec.prometheus.query, first, last))
        body = self.bodies[spec.prometheus.query]
        if isinstance(body, Exception):
            raise body
        return body


def test_late_scrape_corrects_a_bin() -> None:
    own = kpi(rate=asks("orders"), bound={"at_least": "1/s"})
    fetch = Scripted(orders=answer((A, steps(0, 50, 60))))
    source = PrometheusSource({"it": own}, TestClock(0), fetch)
    source.look("it", 44.9, 100)
    assert fetch.calls == [("orders", 1, 3)]
    assert [sample.total for sample in source.read({"it": own}, 0, 100).samples["it"]] == [50, 10]
    fetch.bodies["orders"] = answer((A, steps(0, 50, 90, 100)))
    source.look("it", 45, 100)
    assert [sample.total for sample in source.read({"it": own}, 0, 100).samples["it"]] == [50, 40, 10]
    assert [sample.total for sample in source.read({"it": own}, 20, 39).samples["it"]] == [40]
    assert source.read({"it": own}, 0, 100).remarks == ()


def test_no_answer_is_a_gap_with_a_masked_remark() -> None:
    own = kpi(rate=asks("orders", url="http://ana:secret@prometheus"), bound={"at_least": "1/s"})
    source = PrometheusSource({"it": own}, TestClock(0), Scripted(orders=ConnectionRefusedError()))
    source.look("it", 100, 100)
    source.look("it", 110, 100)
    assert source.read({"it": own}, 0, 1000) == Reading(
        {"it": ()}, ("it has a gap: http://***@prometheus: no connection",)
    )


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (steps(*(5 + number % 2 for number in range(14))), "fell 6 times in 13 moves, so it is no counter"),
        (steps(3, -1), "is below zero, so it is no counter: query a counter, like name_total"),
    ],
)
def test_first_answer_without_counter_raises_unfit(points: list[tuple[float, float]], reason: str) -> None:
    fetch = Scripted(orders=answer((A, points)))
    rated = PrometheusSource({"it": kpi(rate=asks("orders"), bound={"at_least": "1/s"})}, TestClock(0), fetch)
    with pytest.raises(Unfit, match=reason):
        rated.look("it", 145, 150)
    read_as_gauge = PrometheusSource({"it": kpi(gauge=asks("orders"), bound={"at_least": 1})}, TestClock(0), fetch)
    read_as_gauge.look("it", 145, 150)


def test_counter_with_few_restarts_is_valid() -> None:
    fetch = Scripted(orders=answer((A, steps(*(number % 4 * 10 for number in range(14))))))
    source = PrometheusSource({"it": kpi(rate=asks("orders"), bound={"at_least": "1/s"})}, TestClock(0), fetch)
    source.look("it", 145, 150)


def test_answer_without_number_adds_a_remark() -> None:
    fetch = Scripted(orders=answer((A, steps(float("nan"), float("inf"), 1e305))))
    own = {"it": kpi(rate=asks("orders"), bound={"at_least": "1/s"})}
    source = PrometheusSource(own, TestClock(0), fetch)
    source.look("it", 45, 100)
    assert source.read(own, 0, 100).remarks == ("it has a gap: its query answers with no number",)


def test_other_limit_that_is_no_edge_adds_a_remark() -> None:
    fetch = Scripted(http_seconds_bucket=answer(*histogram(A, {"0.3": [0, 9], "0.5": [0, 9], "+Inf": [0, 10]})))
    source = PrometheusSource({"it": latency()}, TestClock(0), fetch)
    source.look("it", 40, 100)
    reading = source.read({"it": latency()}, 0, 100)
    assert [sample.over for sample in reading.samples["it"]] == [()]
    assert reading.remarks == ("it: its limit of 1s is no edge; the edges are: 500ms",)


# Over loopback -------------------------------------------------------------------------------------------------------


ENDLESS = {"last_over_time(drip[10000ms])": 1, "last_over_time(huge[10000ms])": 2**20}


class Handler(BaseHTTPRequestHandler):
    """A Prometheus whose counter grows by 5 a second; `slow` never answers."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        params = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.server.seen.append((url.path, params, self.headers["Authorization"]))  # type: ignore[attr-defined]
        if params["query"] in ENDLESS:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not self.server.over.wait(0.01 if "drip" in params["query"] else 0):  # type: ignore[attr-defined]
                    self.wfile.write(b" " * ENDLESS[params["query"]])
            return
        if "slow" in params["query"]:
            self.server.over.wait()  # type: ignore[attr-defined]
        first, last, step = (float(params[key]) for key in ("start", "end", "step"))
        points = [
            (first + index * step, 5 * (first + index * step)) for index in range(round((last - first) / step) + 1)
        ]
        wrong = "wrong" in params["query"]
        error = b'{"status": "error", "errorType": "bad_data", "error": "unknown function"}'
        body = error if wrong else answer((A, points))
        self.send_response(400 if wrong else 502 if "proxy" in params["query"] else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.seen, httpd.over = [], threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield httpd
        httpd.over.set()  # type: ignore[attr-defined]
        httpd.shutdown()
        thread.join()


def url(server: ThreadingHTTPServer) -> str:
    return f"http://ana:pa%40ss@127.0.0.1:{server.server_port}/prometheus/"


def test_query_asks_for_values_within_a_period(server: ThreadingHTTPServer) -> None:
    own = kpi(rate=asks("orders_total", url(server)), bound={"at_least": "1/s"})
    clock = WallClock()
    with open_sources({"it": own}, SourceContext(clock, no_aws)) as source:
        series = source.read({"it": own}, clock.now() - 1000, clock.now()).samples["it"]
    assert len(series) >= 98
    assert {(sample.total, sample.length) for sample in series} == {(50, 10)}
    path, params, credentials = server.seen[0]  # type: ignore[attr-defined]
    assert path == "/prometheus/api/v1/query_range"
    assert params["query"] == "last_over_time(orders_total[10000ms])"
    assert (params["step"], params["lookback_delta"], params["timeout"]) == ("10", "10", "5000ms")
    assert credentials == f"Basic {b64encode(b'ana:pa@ss').decode()}"
    assert not [thread for thread in threading.enumerate() if thread.name == "prometheus-it"]


@pytest.mark.parametrize(
    ("query", "timeout", "reason"),
    [
        ("slow", "50ms", "no answer in 50ms"),
        ("drip", "50ms", "no answer in 50ms"),
        ("wrong", "5m", "it says: unknown function"),
        ("proxy", "5m", "it answers with status 502"),
    ],
)
def test_error_of_prometheus_is_in_the_remark(
    server: ThreadingHTTPServer, query: str, timeout: str, reason: str
) -> None:
    spec = {"prometheus": {"url": url(server), "query": query, "timeout": timeout}, "period": "10s"}
    own = kpi(rate=spec, bound={"at_least": "1/s"})
    source = PrometheusSource({"it": own}, WallClock(), PrometheusServer())
    source.look("it", 1000, 100)
    remarks = source.read({"it": own}, 0, 1000).remarks
    assert len(remarks) == 1
    assert remarks[0].startswith("it has a gap: http://***@127.0.0.1:")
    assert remarks[0].endswith(reason)


def test_endless_answer_is_cut_with_a_remark(server: ThreadingHTTPServer) -> None:
    own = kpi(rate=asks("huge", url(server)), bound={"at_least": "1/s"})
    source = PrometheusSource({"it": own}, WallClock(), PrometheusServer())
    source.look("it", 1000, 100)
    remarks = source.read({"it": own}, 0, 1000).remarks
    assert remarks[0].endswith("its answer is longer than 32 MiB: select fewer series")


def test_open_with_impossible_query_raises_unfit(server: ThreadingHTTPServer) -> None:
    own = kpi(latency=asks("job:orders:sum", url(server)), bound={"p95": "300ms"})
    with (
        pytest.raises(Unfit, match="it: its series have no `le`"),
        open_sources({"it": own}, SourceContext(WallClock(), no_aws)),
    ):
        pass
