"""Quantities with their units in the text: `99%`, `400ms`, `5m`, `50/s`; and the types of fields, with their limits.

Every number that a file may hold has one of the types below, so that no value is infinite, negative or beyond use.
`exact_…` writes a value so that `parse_…` reads the same value; `show_…` rounds, for what was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,20})?"
_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_DURATION = rf"(?:{_NUMBER}(?:ms|s|m|h|d) *){{1,8}}"
_SHARE = rf"{_NUMBER} *%"
_RATE = rf"{_NUMBER} */ *[smh]"
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}

_GRID = 9
"""Decimals that are kept of a duration in seconds, and of a percentage: what is beyond is below any use."""
_RATE_DIGITS = Context(prec=12)
"""Digits that are kept of a rate: the division by 60 or 3600 is then undone without loss."""


def parse_duration(text: object) -> float:
    """Return the seconds in `400ms`, `30s`, `5m`, `1h30m`, `7d`; a duration is a whole number of nanoseconds.

    Raises ValueError for any other text, and for a bare number, since it has no unit.
    """
    if isinstance(text, str) and re.fullmatch(_DURATION, text):
        seconds = sum((Decimal(number) * _SECONDS[unit] for number, unit in _PART.findall(text)), Decimal(0))
        return float(round(seconds, _GRID))
    msg = f"a duration needs a number and a unit, like 400ms, 30s, 5m or 1h30m; found {_found(text)}"
    raise ValueError(msg)


def parse_share(text: object) -> float:
    """Return the share in `99.5%`, between 0 and 1. Raises ValueError for any other text, and above 100%."""
    if isinstance(text, str) and re.fullmatch(_SHARE, text):
        percent = round(Decimal(text.rstrip("% ")), _GRID)
        if percent <= 100:
            return float(percent / 100)
    msg = f"a share is a number from 0% to 100% with its percent sign, like 99.5%; found {_found(text)}"
    raise ValueError(msg)


def parse_rate(text: object) -> float:
    """Return the events per second in `50/s`, `600/m`, `10/h`. Raises ValueError for any other text."""
    if isinstance(text, str) and re.fullmatch(_RATE, text):
        number, _, unit = text.partition("/")
        return float(_RATE_DIGITS.create_decimal(number.strip())) / float(_SECONDS[unit.strip()])
    msg = f"a rate needs a number and a unit of time, like 50/s or 600/m; found {_found(text)}"
    raise ValueError(msg)


def _found(raw: object) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}…"


def show_duration(seconds: float) -> str:
    """Write a measured duration as people do, rounded: `400ms`, `7.5s`, `5m`, `1h30m`."""
    if seconds < 1:
        return f"{seconds * 1000:.3g}ms" if seconds else "0s"
    if seconds < 60:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    parts = ((whole // 86400, "d"), (whole % 86400 // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def show_share(share: float) -> str:
    """Write a measured share as people do, rounded: `99.5%`."""
    return f"{share * 100:.6g}%"


def show_rate(per_second: float) -> str:
    """Write a measured rate as people do, rounded: `50/s`."""
    return f"{per_second:.4g}/s"


def exact_duration(seconds: float) -> str:
    """Write a duration from a file as people do; `parse_duration` reads the same value: `7.5s`, `1m30.5s`."""
    left = Decimal(repr(seconds))
    if left < 1:
        return f"{_plain(left * 1000)}ms" if left else "0s"
    text = ""
    for unit in ("d", "h", "m"):
        count, left = divmod(left, _SECONDS[unit])
        text += f"{count:f}{unit}" if count else ""
    return text + (f"{_plain(left)}s" if left else "")


def exact_share(share: float) -> str:
    """Write a share from a file; `parse_share` reads the same value: `99.5%`."""
    return f"{_plain(Decimal(repr(share)) * 100)}%"


def exact_rate(per_second: float) -> str:
    """Write a rate from a file; `parse_rate` reads the same value, in the first unit in which that is possible."""
    value = Decimal(repr(per_second))
    texts = [f"{_plain(_RATE_DIGITS.multiply(value, _SECONDS[unit]))}/{unit}" for unit in ("s", "m", "h")]
    return next((text for text in texts if parse_rate(text) == per_second), texts[0])


def exact_number(value: float) -> str:
    """Write a plain number; as YAML it is the same number: `6`, `0.5`, `1e-07`."""
    return repr(int(value)) if value.is_integer() else repr(value)


def _plain(number: Decimal) -> str:
    """Write a number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- the types of fields --------------------------------------------------------------------------------------------

WEEK, DAY, HOUR = 604800.0, 86400.0, 3600.0
"""Seconds."""
MOST = 1_000_000
"""The largest count, and the most events per second."""
LARGEST = 1e15
"""The largest plain number: a float holds every whole number up to it."""
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Text:
    """The JSON Schema of a quantity: its form, an example, and its limits under pydantic's names (gt, ge, lt, le).

    No keyword of JSON Schema states the limits of what a text means; `files/schema.py` writes them in words.
    """

    form: str
    example: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, JsonValue]:
        number = schema["schema"] if schema["type"] == "function-before" else schema
        limits = {key: value for key, value in number.items() if key in ("gt", "ge", "lt", "le")}
        # Without `(?:`: all dialects of regular expressions know plain groups.
        pattern = f"^{self.form.replace('(?:', '(')}$"
        return {"type": "string", "pattern": pattern, "examples": [self.example], **limits}


_FROM_DURATION = BeforeValidator(parse_duration)
_TO_DURATION = PlainSerializer(lambda seconds: f"{Decimal(repr(seconds)):f}s", when_used="json")

Duration = Annotated[float, Field(le=WEEK), _FROM_DURATION, _TO_DURATION, _Text(_DURATION, "5m")]
"""How long a part of a run lasts, in seconds: a week at most."""
Period = Annotated[float, Field(le=DAY), _FROM_DURATION, _TO_DURATION, _Text(_DURATION, "1m")]
"""The length of one bin of a metric, in seconds: a day at most (CloudWatch API Reference, PutMetricAlarm, Period)."""
Wait = Annotated[float, Field(le=HOUR), _FROM_DURATION, _TO_DURATION, _Text(_DURATION, "400ms")]
"""How long one request, check or launch takes, in seconds: an hour at most."""
Share = Annotated[
    float,
    Field(le=1.0),
    BeforeValidator(parse_share),
    PlainSerializer(exact_share, when_used="json"),
    _Text(_SHARE, "99.5%"),
]
"""A share, between 0 and 1."""
Rate = Annotated[
    float,
    Field(le=float(MOST)),
    BeforeValidator(parse_rate),
    PlainSerializer(exact_rate, when_used="json"),
    _Text(_RATE, "50/s"),
]
"""Events per second: a million at most."""
Count = Annotated[int, Field(le=MOST)]
"""How many: a million at most."""
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
"""A plain number."""
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
"""What a choice by chance begins with."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A bound's number and its unit: `%` (the value is a share), `/s` (events per second), or none."""

    value: float
    unit: Literal["%", "/s", ""]

    def __str__(self) -> str:
        if self.unit == "%":
            return exact_share(self.value)
        return exact_rate(self.value) if self.unit == "/s" else exact_number(self.value)


def parse_amount(raw: object) -> Amount:
    """Read an `Amount` from `99%`, `50/s` or a bare number. Raises ValueError for anything else."""
    if isinstance(raw, Amount):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) <= LARGEST:
        return Amount(float(raw), "")
    if isinstance(raw, str) and re.fullmatch(_SHARE, raw):
        return Amount(parse_share(raw), "%")
    if isinstance(raw, str) and re.fullmatch(_RATE, raw) and (rate := parse_rate(raw)) <= MOST:
        return Amount(rate, "/s")
    msg = f"a bound is a share like 99%, a rate like 50/s or a number; found {_found(raw)}"
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        msg = f"a bound is a number from -1e15 to 1e15; found {_found(raw)}"
    elif isinstance(raw, str) and re.fullmatch(_RATE, raw):
        msg = f"a rate is at most {MOST}/s; found {_found(raw)}"
    raise ValueError(msg)


def _write_amount(amount: Amount) -> str | float:
    return amount.value if amount.unit == "" else str(amount)


BoundAmount = Annotated[
    Amount,
    PlainValidator(parse_amount),
    PlainSerializer(_write_amount, when_used="json"),
    WithJsonSchema(
        {"type": ["string", "number"], "minimum": -LARGEST, "maximum": LARGEST, "examples": ["99%", "50/s", 6]}
    ),
]
"""The number of a bound, with its unit."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of the time: a share of it, or seconds in a row."""

    value: float
    unit: Literal["%", "s"]

    def __str__(self) -> str:
        return exact_share(self.value) if self.unit == "%" else exact_duration(self.value)


def parse_extent(raw: object) -> Extent:
    """Read an `Extent` from `95%` or `10s`. Raises ValueError for anything else, and above an hour."""
    if isinstance(raw, Extent):
        return raw
    if isinstance(raw, str) and re.fullmatch(_SHARE, raw):
        return Extent(parse_share(raw), "%")
    if isinstance(raw, str) and re.fullmatch(_DURATION, raw) and 0 < (seconds := parse_duration(raw)) <= HOUR:
        return Extent(seconds, "s")
    msg = f"`for` is a share of the time like 95%, or a time like 10s, at most 1h; found {_found(raw)}"
    raise ValueError(msg)


BoundExtent = Annotated[
    Extent,
    PlainValidator(parse_extent),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["95%", "10s"]}),
]
"""The `for` of a bound."""
