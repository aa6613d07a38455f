"""Quantities with their units in the text: `99%`, `400ms`, `5m`, `50/s`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)\s*")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")


def parse_duration(text: object) -> float:
    """Return the seconds in `400ms`, `30s`, `5m`, `1h30m`, `7d`.

    Raises ValueError for any other text, and for a bare number, since it has no unit.
    """
    if isinstance(text, str) and _DURATION.fullmatch(text.strip()):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    msg = f"a duration needs a number and a unit, like 400ms, 30s, 5m or 1h30m; found {text!r}"
    raise ValueError(msg)


def parse_share(text: object) -> float:
    """Return the share in `99.5%`, between 0 and 1. Raises ValueError for any other text, and above 100%."""
    if isinstance(text, str) and (match := _SHARE.fullmatch(text.strip())) and float(match[1]) <= 100:
        return float(match[1]) / 100
    msg = f"a share is a number from 0% to 100% with its percent sign, like 99.5%; found {text!r}"
    raise ValueError(msg)


def parse_rate(text: object) -> float:
    """Return the events per second in `50/s`, `600/m`, `10/h`. Raises ValueError for any other text."""
    if isinstance(text, str) and (match := _RATE.fullmatch(text.strip())):
        return float(match[1]) / _SECONDS[match[2]]
    msg = f"a rate needs a number and a unit of time, like 50/s or 600/m; found {text!r}"
    raise ValueError(msg)


def show_duration(seconds: float) -> str:
    """Write a duration as people do: `400ms`, `7.5s`, `5m`, `1h30m`."""
    if seconds < 1:
        return f"{seconds * 1000:.3g}ms" if seconds else "0s"
    if seconds < 60:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    parts = ((whole // 86400, "d"), (whole % 86400 // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def show_share(share: float) -> str:
    """Write a share as people do: `99.5%`."""
    return f"{share * 100:.6g}%"


def show_rate(per_second: float) -> str:
    """Write a rate as people do: `50/s`."""
    return f"{per_second:.4g}/s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(lambda seconds: f"{seconds!r}s", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d)\s*)+$", "examples": ["400ms", "5m"]}),
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    PlainSerializer(lambda share: f"{share * 100:.12g}%", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$", "examples": ["99.5%"]}),
]
Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    PlainSerializer(lambda rate: f"{rate:.12g}/s", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*/\s*(s|m|h)$", "examples": ["50/s"]}),
]


@dataclass(frozen=True, slots=True)
class Amount:
    """A bound's number and its unit: `%` (the value is a share), `/s` (events per second), or none."""

    value: float
    unit: Literal["%", "/s", ""]

    def __str__(self) -> str:
        if self.unit == "%":
            return show_share(self.value)
        return show_rate(self.value) if self.unit == "/s" else f"{self.value:g}"


def parse_amount(raw: object) -> Amount:
    """Read an `Amount` from `99%`, `50/s` or a bare number. Raises ValueError for anything else."""
    if isinstance(raw, Amount):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return Amount(float(raw), "")
    if isinstance(raw, str) and _SHARE.fullmatch(raw.strip()):
        return Amount(parse_share(raw), "%")
    if isinstance(raw, str) and _RATE.fullmatch(raw.strip()):
        return Amount(parse_rate(raw), "/s")
    msg = f"a bound is a share like 99%, a rate like 50/s or a number; found {raw!r}"
    raise ValueError(msg)


def _write_amount(amount: Amount) -> str | float:
    if amount.unit == "":
        return amount.value
    return f"{amount.value * 100:.12g}%" if amount.unit == "%" else f"{amount.value:.12g}/s"


BoundAmount = Annotated[
    Amount,
    PlainValidator(parse_amount),
    PlainSerializer(_write_amount, when_used="json"),
    WithJsonSchema({"type": ["string", "number"], "examples": ["99%", "50/s", 6]}),
]
