from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from gameday.faults import CATALOGUE
from gameday.files.schema import MODELS
from gameday.sdk.rule import Rule
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import SOURCES
from gameday.steady_state.kpi.units import (
    LARGEST,
    MOST,
    WEEK,
    Amount,
    BoundAmount,
    Duration,
    Period,
    Rate,
    Share,
    Wait,
    exact_duration,
    exact_number,
    exact_rate,
    exact_share,
    parse_amount,
    parse_duration,
    parse_rate,
    parse_share,
    show_duration,
    show_rate,
    show_share,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError


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


NUMBER = st.from_regex(r"\A[0-9]{1,12}(\.[0-9]{1,20})?\Z")
DURATIONS = st.lists(st.tuples(NUMBER, st.sampled_from(["ms", "s", "m", "h", "d"])), min_size=1, max_size=8).map(
    lambda parts: "".join(f"{number}{unit}" for number, unit in parts)
)
TYPES = {"duration": Duration, "wait": Wait, "period": Period, "share": Share, "rate": Rate, "bound": BoundAmount}
TEXTS = DURATIONS | NUMBER.map(lambda number: f"{number}%") | st.tuples(NUMBER, st.sampled_from("smh")).map("/".join)


@given(DURATIONS)
def test_exact_duration_reads_back(text: str) -> None:
    seconds = parse_duration(text)
    if seconds <= WEEK:
        assert parse_duration(exact_duration(seconds)) == seconds


@given(NUMBER.map(lambda number: f"{float(number) % 100:.9f}%"))
def test_exact_share_reads_back(text: str) -> None:
    share = parse_share(text)
    assert parse_share(exact_share(share)) == share


@given(st.tuples(NUMBER, st.sampled_from("smh")).map("/".join))
def test_exact_rate_reads_back(text: str) -> None:
    rate = parse_rate(text)
    if rate <= MOST:
        assert parse_rate(exact_rate(rate)) == rate


@given(st.floats(-LARGEST, LARGEST))
def test_exact_number_reads_back(number: float) -> None:
    assert float(exact_number(number)) == number


@settings(max_examples=300)
@given(st.sampled_from([*TYPES]), TEXTS)
def test_field_takes_only_values_that_are_written_and_read_again(name: str, text: str) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(TYPES[name])
    try:
        value = adapter.validate_python(text)
    except ValidationError:
        return
    number = value.value if isinstance(value, Amount) else value
    assert isinstance(number, float)
    assert math.isfinite(number)
    assert adapter.validate_json(adapter.dump_json(value)) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("duration", f"{'9' * 310}d"),
        ("duration", "8d"),
        ("duration", "\N{ARABIC-INDIC DIGIT FOUR}\N{ARABIC-INDIC DIGIT ZERO}s"),
        ("duration", "1m" * 9),
        ("wait", "61m"),
        ("period", "25h"),
        ("share", "\N{FULLWIDTH DIGIT FIVE}%"),
        ("share", f"{'9' * 310}%"),
        ("rate", f"{'9' * 310}/s"),
        ("rate", "1000001/s"),
        ("bound", "1000001/s"),
        ("bound", 1e16),
        ("bound", float("inf")),
        ("bound", float("nan")),
        ("bound", 10**400),
    ],
)
def test_field_refuses_what_is_beyond_its_limit(name: str, text: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TYPES[name]).validate_python(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.4, "400ms"), (7.5, "7.5s"), (90.5, "1m30.5s"), (5e-9, "0.000005ms"), (604800.0, "7d")],
)
def test_exact_duration_is_as_people_write_it(seconds: float, text: str) -> None:
    assert exact_duration(seconds) == text


def _unlimited(schema: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(schema, list):
        for number, below in enumerate(schema):
            yield from _unlimited(below, f"{path}/{number}")
    if not isinstance(schema, dict):
        return
    type_ = schema.get("type")
    if type_ in ("integer", "number") and "const" not in schema and "enum" not in schema and "maximum" not in schema:
        yield path, str(schema)
    if type_ == "string" and "[smh]" in str(schema.get("pattern")) and "le" not in schema:
        yield path, str(schema)
    for key, below in schema.items():
        yield from _unlimited(below, f"{path}/{key}")


def test_no_number_of_a_file_is_without_a_limit() -> None:
    models: list[type[BaseModel]] = [*MODELS.values(), *CATALOGUE.values(), *SOURCES.values(), Kpi, Rule]
    assert [found for model in models for found in _unlimited(model.model_json_schema(), model.__name__)] == []
