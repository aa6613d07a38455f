"""Gameday masks possible secrets of a workload file; only a saved plan, which must run, keeps them."""

from __future__ import annotations

import pytest
from gameday.steady_state.kpi.masks import (
    KEEP_SECRETS,
    masked_json,
    masked_output,
    masked_text,
    masked_url,
    masked_userinfo,
    masked_words,
)
from gameday.steady_state.sources.command import Program
from gameday.steady_state.sources.http import HttpProbe
from gameday.steady_state.sources.logs import LogsQuery
from gameday.steady_state.sources.prometheus import PrometheusQuery
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://shop.test/health", "https://shop.test/health"),
        ("https://ana:pa@ss@shop.test:8443/health", "https://***@shop.test:8443/health"),
        ("http://token@shop.test", "http://***@shop.test"),
        ("https://shop.test/?key=secret&deep", "https://shop.test/?key=***&***"),
        ("https://shop.test/a@b?u=x@y#secret", "https://shop.test/a@b?u=***#***"),
        ("https://shop.test/#secret", "https://shop.test/#***"),
    ],
)
def test_masked_url_hides_possible_secrets(url: str, masked: str) -> None:
    assert masked_url(url) == masked
    assert HttpProbe(url=url).model_dump(mode="json")["url"] == masked
    assert HttpProbe(url=url).url == url


def test_prometheus_url_in_json_hides_the_password() -> None:
    own = PrometheusQuery(url="https://ana:secret@prometheus.test/tenant", query="up")
    assert own.model_dump(mode="json")["url"] == "https://***@prometheus.test/tenant"
    assert PrometheusQuery.model_validate_json(own.model_dump_json(context=KEEP_SECRETS)) == own


WORD = st.text("abcXYZ019-._~%!$'()*+,;:@", min_size=1)


@given(user=WORD, value=WORD, path=st.text("abc/@:", max_size=8))
def test_masked_url_hides_all_and_is_idempotent(user: str, value: str, path: str) -> None:
    url = f"https://Q{user}Q@shop.test/{path}?k=Q{value}Q"
    masked = masked_url(url)
    assert "Q" not in masked
    assert masked_url(masked) == masked


def test_command_in_json_hides_its_arguments() -> None:
    command = Program(run=("curl", "-H", "Authorization: Bearer secret"))
    assert command.model_dump()["run"] == ("curl", "***")
    assert Program(run=("orders",)).model_dump()["run"] == ("orders",)


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (("env TOKEN=hush count",), ("env", "***")),
        (("TOKEN=hush", "count"), ("TOKEN=***", "***")),
        (("./count",), ("./count",)),
        (("",), ("",)),
    ],
)
def test_masked_words_of_any_command_hide_its_arguments(words: tuple[str, ...], masked: tuple[str, ...]) -> None:
    assert masked_words(words) == masked
    assert masked_words(masked) == masked


@pytest.mark.parametrize(
    "command",
    [("count", "hush-1"), ("env A=hush-1 count",), ("count", "--key=hush-1"), ("curl", "-H", "X: Basic hush-1")],
)
def test_masked_output_hides_the_arguments_of_its_command(command: tuple[str, ...]) -> None:
    assert masked_output("no queue hush-1", command) == "no queue ***"


def test_queries_in_json_hide_secrets() -> None:
    query = PrometheusQuery(url="https://prometheus.test", query='up{token="hush"}')
    logs = LogsQuery(group="/shop/web", query='filter token = "hush" | stats count(*) as value by bin(1m)')
    assert query.model_dump()["query"] == 'up{token="***"}'
    assert "hush" not in logs.model_dump_json()
    assert LogsQuery.model_validate_json(logs.model_dump_json(context=KEEP_SECRETS)) == logs


def test_saved_plan_keeps_secrets() -> None:
    command = Program(run=("curl", "-H", "Authorization: Bearer secret"))
    assert Program.model_validate_json(command.model_dump_json(context=KEEP_SECRETS)) == command


def test_masked_userinfo_hides_the_password_of_an_endpoint() -> None:
    said = 'Could not connect to the endpoint URL: "http://ana:secret@127.0.0.1:9/"'
    assert masked_userinfo(said) == 'Could not connect to the endpoint URL: "http://***@127.0.0.1:9/"'


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ec2.describe_vpcs us-east-1 12 ms 200", "ec2.describe_vpcs us-east-1 12 ms 200"),
        ("GET https://ana:hush@shop.test/a?key=hush failed", "GET https://***@shop.test/a?key=*** failed"),
        ("password=hush and more", "password=*** and more"),
        ('{"ApiKey": "hush", "Id": 1}', '{"ApiKey": "***", "Id": 1}'),
        ("Authorization: Bearer hush", "Authorization: ***"),
        ('up{token="two hush",job="shop"}', 'up{token="***",job="shop"}'),
        ('up{api_key=~"hush.*",secret!=\'hu\\"sh\'}', "up{api_key=~\"***\",secret!='***'}"),
        (r'"up{token=\"hush\",job=\"shop\"}"', r'"up{token=\"***\",job=\"shop\"}"'),
        ("curl --auth-token hush -v", "curl --auth-token *** -v"),
        ("X-Auth: hush", "X-Auth: ***"),
        ("author: ana", "author: ana"),
        ("sent Bearer hush.hush", "sent Bearer ***"),
        ("https://shop.test/?a='hush|hush", "https://shop.test/?a=***"),
        ("used AKIAIOSFODNN7EXAMPLE", "used ***"),
    ],
)
def test_masked_text_hides_secrets(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_masked_json_hides_secrets() -> None:
    raw = {
        "Name": "payments",
        "Environment": {"Variables": {"DSN": "hush", "LEVEL": 3}},
        "MasterUserPassword": "hush",
        "secrets": ["hush"],
        "urls": ["http://ana:hush@shop.test"],
        "ClientToken": None,
        "run": ["env TOKEN=hush count", "hush"],
    }
    assert masked_json(raw) == {
        "Name": "payments",
        "Environment": {"Variables": {"DSN": "***", "LEVEL": "***"}},
        "MasterUserPassword": "***",
        "secrets": "***",
        "urls": ["http://***@shop.test"],
        "ClientToken": None,
        "run": ["env", "***"],
    }


def test_masked_text_of_long_word_takes_linear_time() -> None:
    assert masked_text("a" * 1_000_000) == "a" * 1_000_000
