from __future__ import annotations

from typing import Any

import pytest
from gameday.steady_state.kpi.kpi import Kpi, watched
from gameday.steady_state.kpi.source import SourceSpec
from gameday.steady_state.sources.prometheus import PrometheusQuery
from pydantic import ValidationError

from tests.steady_state.streams import bound, gauge, kpi, latency, rate, ratio, reading


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ({"bound": {"at_least": 1}}, "exactly one of ratio, latency, rate, gauge; found none"),
        ({"gauge": reading("A"), "rate": reading("B"), "bound": {"at_least": 1}}, "found rate and gauge"),
        ({"gauge": reading("A"), "bound": {"p95": "1s"}}, "the bound of a gauge must be one of"),
        ({"gauge": reading("A"), "bound": {"at_least": "99%"}}, "a plain number like 6; found 99%"),
        ({"latency": reading("A"), "bound": {"at_least": "99%"}}, "the bound of a latency must be one of: p50 · p90"),
        ({"latency": reading("A", statistic="Average"), "bound": {"p95": "1s"}}, "latency takes no statistic"),
        ({"gauge": reading("A"), "per": reading("B"), "bound": {"at_least": 1}}, "`per` goes with a rate"),
        ({"gauge": reading("A", missing="zero"), "bound": {"at_least": 1}}, "needs a denominator"),
        ({"gauge": reading("A"), "limits": ["1s"], "bound": {"at_least": 1}}, "`limits` goes with a latency"),
        ({"gauge": {"http": {"url": "http://a"}}, "bound": {"at_least": 1}}, "http serves a ratio or latency"),
        ({"latency": {"command": {"run": ["a"]}}, "bound": {"p95": "1s"}}, "command serves a ratio or gauge"),
        (
            {"ratio": {"total": {"prometheus": {"url": "http://p", "query": "a"}}}, "bound": {"at_least": "9%"}},
            "a ratio from Prometheus needs `bad` and `total`, both with prometheus",
        ),
        (
            {"rate": {"prometheus": {"url": "http://p", "query": "rate(a[1m])"}}, "bound": {"at_least": "9/s"}},
            "a query of counters must be a selector",
        ),
        ({"ratio": {"total": reading("A")}, "bound": {"at_least": "9%"}}, "needs `bad` and `total`"),
        (
            {"ratio": {"bad": reading("A"), "total": {"http": {"url": "http://a"}}}, "bound": {"at_least": "9%"}},
            "write it under `total` alone",
        ),
        (
            {
                "ratio": {"bad": reading("A"), "total": {"cloudwatch": "A/B", "period": "1m"}},
                "bound": {"at_least": "9%"},
            },
            "need the same period; found 1s and 1m",
        ),
        ({"gauge": {"cloudwatch": "A/B", "period": "7s"}, "bound": {"at_least": 1}}, "CloudWatch has periods"),
        ({"gauge": {"cloudwatch": "A/B", "command": {"run": ["a"]}}, "bound": {"at_least": 1}}, "exactly one of"),
    ],
)
def test_kpi_inconsistent_is_refused_with_a_reason(written: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        kpi(**written)


def of_prometheus(query: str) -> Kpi:
    return kpi(latency={"prometheus": {"url": "http://p", "query": query}}, bound={"p95": "300ms"})


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ("http_seconds_count", "like http_seconds_bucket; the query names http_seconds_count"),
        ('up{job="web"}', "like up_bucket; the query names up"),
        ('{job="web", __name__ = "http_seconds_sum"}', "like http_seconds_bucket; the query names http_seconds_sum"),
        ('http_seconds_bucket{job="web",le="0.3"}', 'needs all buckets of its histogram: remove le="…"'),
    ],
)
def test_latency_query_of_no_histogram_is_refused(query: str, mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        of_prometheus(query)


@pytest.mark.parametrize(
    "query",
    [
        "http_seconds_bucket",
        'http_seconds_bucket{handle="x", le=~"0.3|[+]Inf"}',
        "job:http_seconds:sum",
        '{__name__=~".+_bucket"}',
        '{job="web", handle="a,le=\'1\'"}',
    ],
)
def test_latency_query_of_possible_histogram_is_accepted(query: str) -> None:
    assert of_prometheus(query).kind == "latency"


@pytest.mark.parametrize("own", [ratio(), gauge(), latency(), rate(), latency(bound={"p99.9": "1s"}, limits=["2s"])])
def test_a_kpi_survives_its_json(own: Kpi) -> None:
    assert Kpi.model_validate_json(own.model_dump_json(by_alias=True)) == own


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"at_least": "99%"}, "at least 99%"),
        ({"at_most": "0.5%"}, "at most 0.5%"),
        ({"p95": "300ms"}, "p95 of at most 300ms"),
        ({"p99.9": "2s"}, "p99.9 of at most 2s"),
        ({"at_least": 6, "for": "90%"}, "at least 6 for 90% of the time"),
        ({"at_most": 1000}, "at most 1000 for 95% of the time"),
        ({"at_least": "50/s"}, "at least 50/s"),
        ({"within": "5%", "of": "baseline"}, "within 5% of the baseline"),
    ],
)
def test_bound_words_match_what_was_written(written: dict[str, Any], words: str) -> None:
    assert bound(**written).words == words


def test_misfit_of_bound_of_another_kind() -> None:
    assert ratio().misfit(bound(at_least="50%")) is None
    assert "the bound of a ratio must be one of" in (ratio().misfit(bound(p95="1s")) or "")
    assert "found 50/s" in (ratio().misfit(bound(at_least="50/s")) or "")


def test_watched_adds_the_limits_of_other_bounds() -> None:
    kpis = {"slow": latency(), "orders": ratio()}
    read = watched(kpis, {"slow": bound(p99="2s")}, {"slow": bound(p95="500ms"), "orders": None})
    assert read["slow"].other_limits == (0.5, 2.0)
    assert read["orders"] is kpis["orders"]
    assert watched(kpis, {"slow": bound(p50="300ms")})["slow"].other_limits == ()


@pytest.mark.parametrize(
    ("query", "selects"),
    [
        ("up", True),
        ("job:errors:total", True),
        (' http_total{code=~"5..", path="/{id}", le!="}"} ', True),
        ('{__name__="a b"}', True),
        ("sum(http_total)", False),
        ("http_total[5m]", False),
        ("http_total offset 5m", False),
        ('a{b="c"} + d{e="f"}', False),
        ("1", False),
    ],
)
def test_selects_is_true_only_for_a_selector(query: str, selects: bool) -> None:
    assert PrometheusQuery(url="http://p", query=query).selects is selects


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"alarm": "low"}, {"statistic": "Maximum"}),
        ({"prometheus": {"url": "http://prometheus:9090", "query": "up"}}, {"dimensions": {"a": "b"}}),
        ({"command": {"run": ["count"], "every": "10s"}}, {"period": "10s"}),
    ],
)
def test_a_key_that_a_source_does_not_read_is_refused(source: dict[str, object], key: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(source))}` does not read `{next(iter(key))}`"):
        SourceSpec.model_validate({**source, **key})
    written = SourceSpec.model_validate(source)
    assert SourceSpec.model_validate(written.model_dump(mode="json")) == written
