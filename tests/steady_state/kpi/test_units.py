from __future__ import annotations

import pytest
from gameday.steady_state.kpi.units import (
    Amount,
    parse_amount,
    parse_duration,
    parse_rate,
    parse_share,
    show_duration,
    show_rate,
    show_share,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("400ms", 0.4),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1m 30s", 90),
        ("0.5s", 0.5),
        ("1h1m1s", 3661),
    ],
)
def test_parse_duration_reads_number_and_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["5", "", "m", "5 minutes", "-5m", "5m5", "1h1x", 5, None, True])
def test_parse_duration_without_unit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="needs a number and a unit"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**7))
def test_show_duration_of_whole_seconds_reads_back(seconds: int) -> None:
    assert parse_duration(show_duration(seconds)) == seconds


@pytest.mark.parametrize(("text", "share"), [("99.5%", 0.995), ("0%", 0), ("100%", 1), ("1 %", 0.01)])
def test_parse_share_reads_a_percentage(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["101%", "0.99", 0.99, "-1%", "99 percent", None])
def test_parse_share_without_sign_or_above_100_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="0% to 100%"):
        parse_share(text)


@given(st.integers(min_value=0, max_value=10000))
def test_show_share_reads_back(hundredths: int) -> None:
    assert parse_share(show_share(hundredths / 10000)) == pytest.approx(hundredths / 10000)


@pytest.mark.parametrize(("text", "per_second"), [("50/s", 50), ("600/m", 10), ("36/h", 0.01), ("1.5 / s", 1.5)])
def test_parse_rate_reads_number_and_unit_of_time(text: str, per_second: float) -> None:
    assert parse_rate(text) == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["50", "50/day", "/s", 50])
def test_parse_rate_without_unit_of_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="unit of time"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("raw", "amount", "shown"),
    [
        ("99%", Amount(0.99, "%"), "99%"),
        ("50/s", Amount(50.0, "/s"), "50/s"),
        (6, Amount(6.0, ""), "6"),
        (Amount(6.0, ""), Amount(6.0, ""), "6"),
    ],
)
def test_parse_amount_keeps_the_unit(raw: object, amount: Amount, shown: str) -> None:
    assert parse_amount(raw) == amount
    assert str(amount) == shown


@pytest.mark.parametrize("raw", ["many", True, None, "400ms"])
def test_parse_amount_in_another_unit_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="a bound is"):
        parse_amount(raw)


def test_show_rate_is_per_second() -> None:
    assert show_rate(49.96) == "49.96/s"
