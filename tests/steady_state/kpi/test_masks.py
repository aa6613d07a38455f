"""What may be a secret in a workload file is written down masked; only a saved plan, which must run, keeps it."""

from __future__ import annotations

import pytest
from gameday.steady_state.kpi.masks import KEEP_SECRETS, masked_url, masked_userinfo
from gameday.steady_state.kpi.reading import CommandSpec, HttpSpec, PrometheusSpec
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
def test_a_url_is_written_down_without_what_may_be_a_secret(url: str, masked: str) -> None:
    assert masked_url(url) == masked
    assert HttpSpec(url=url).model_dump(mode="json")["url"] == masked
    assert HttpSpec(url=url).url == url


def test_a_prometheus_is_written_down_without_name_and_password() -> None:
    own = PrometheusSpec(url="https://ana:secret@prometheus.test/tenant", query="up")
    assert own.model_dump(mode="json")["url"] == "https://***@prometheus.test/tenant"
    assert PrometheusSpec.model_validate_json(own.model_dump_json(context=KEEP_SECRETS)) == own


WORD = st.text("abcXYZ019-._~%!$'()*+,;:@", min_size=1)


@given(user=WORD, value=WORD, path=st.text("abc/@:", max_size=8))
def test_no_name_password_or_value_survives_and_masking_twice_changes_nothing(user: str, value: str, path: str) -> None:
    url = f"https://Q{user}Q@shop.test/{path}?k=Q{value}Q"
    masked = masked_url(url)
    assert "Q" not in masked
    assert masked_url(masked) == masked


def test_of_a_command_the_program_stands_there_without_its_arguments() -> None:
    command = CommandSpec(run=("curl", "-H", "Authorization: Bearer secret"))
    assert command.model_dump()["run"] == ("curl", "***")
    assert CommandSpec(run=("orders",)).model_dump()["run"] == ("orders",)


def test_a_saved_plan_keeps_them_since_it_must_run() -> None:
    command = CommandSpec(run=("curl", "-H", "Authorization: Bearer secret"))
    assert CommandSpec.model_validate_json(command.model_dump_json(context=KEEP_SECRETS)) == command


def test_an_endpoint_that_does_not_answer_is_named_without_its_password() -> None:
    said = 'Could not connect to the endpoint URL: "http://ana:secret@127.0.0.1:9/"'
    assert masked_userinfo(said) == 'Could not connect to the endpoint URL: "http://***@127.0.0.1:9/"'
