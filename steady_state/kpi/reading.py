"""Where a KPI's numbers come from: CloudWatch, its alarms and logs, a probe of ours, Prometheus, a program."""

from __future__ import annotations

import re
from typing import Literal, get_args

from gameday.steady_state.kpi.masks import keeps_secrets, masked_url, masked_words
from gameday.steady_state.kpi.units import Duration, parse_duration
from pydantic import BaseModel, ConfigDict, Field, SerializationInfo, field_serializer, model_validator


class Written(BaseModel):
    """Something written in YAML: immutable, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


Origin = Literal["cloudwatch", "alarm", "logs", "http", "prometheus", "command"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
ON_THE_TWIN: tuple[Origin, ...] = ("cloudwatch", "alarm")
"""What a twin has, too: its CloudWatch."""
WITH_A_PAST: tuple[Origin, ...] = ("cloudwatch", "alarm", "prometheus")
"""What knows of the time before it was first asked."""
OF_AWS: tuple[Origin, ...] = ("cloudwatch", "alarm", "logs")
"""What is read through the account."""


class HttpSpec(Written):
    """A URL that is asked every so often; an answer of 400 and above, or none in time, is bad."""

    url: str = Field(pattern=r"^https?://", description="what to ask, with GET")
    every: Duration = Field(1.0, gt=0, description="how often")
    timeout: Duration = Field(1.0, gt=0, description="no answer for so long is bad, at that instant")

    @field_serializer("url")
    def _masked(self, url: str, info: SerializationInfo) -> str:
        return url if keeps_secrets(info) else masked_url(url)


class CommandSpec(Written):
    """A program that prints one number (gauge) or `good bad` counts (ratio) on its last line."""

    run: tuple[str, ...] = Field(min_length=1, description="the program and its arguments; no shell reads it")
    every: Duration = Field(10.0, gt=0)
    timeout: Duration = Field(10.0, gt=0)

    @field_serializer("run")
    def _masked(self, run: tuple[str, ...], info: SerializationInfo) -> tuple[str, ...]:
        return run if keeps_secrets(info) else masked_words(run)


class LogsSpec(Written):
    """A query of CloudWatch Logs Insights; its rows are bins with what the KPI needs: bad and total, or a value."""

    group: str = Field(pattern=r"^[a-zA-Z0-9_/.#-]{1,512}$", description="the log group")
    query: str = Field(
        min_length=1,
        description="ends in `| stats … by bin(1m)`, where 1m is the period; a ratio's stats are named by "
        "`as total` and `as bad`, a rate's by `as total`, a gauge's by `as value`",
    )
    late: Duration = Field(60.0, ge=0, description="how late lines may come: a bin is read when so long has passed")
    timeout: Duration = Field(30.0, gt=0, description="a query that takes longer is stopped, and a gap")

    @property
    def lag(self) -> float:
        """Seconds after its end until a bin is known."""
        return self.late + ANSWER

    def misfit(self, columns: tuple[str, ...], period: float) -> str | None:
        """Why its rows cannot be bins of the period with these columns; None: they may be."""
        binned = _BINNED.search(self.query)
        if not binned or parse_duration(binned[1] + binned[2]) != period:
            bins = f"{period:g}s" if period % 60 else f"{period / 60:g}m"
            return f"a query of logs ends in `stats … by bin({bins})`, as long as the period"
        missing = [name for name in columns if not re.search(rf"\bas\s+{name}\b", binned[0], re.IGNORECASE)]
        return f"the query names none of its stats `as {missing[0]}`" if missing else None


ANSWER = 10.0
"""Seconds that a query over a few minutes of lines is given to answer before its bins are waited for in vain."""
_BINNED = re.compile(r"(?i:\bstats\b[^|]*\bby\s+bin)\(\s*(\d+)\s*([smh])\s*\)\s*\Z")


class PrometheusSpec(Written):
    """A query to a Prometheus, or to what speaks its HTTP API; the answer is read in steps of the period."""

    url: str = Field(pattern=r"^https?://[^?#\s]+$", description="its address, without /api/v1")
    query: str = Field(
        min_length=1,
        description="counters (ratio, rate) or a classic histogram's buckets (latency), as they are: name{labels}, "
        "without rate() and sum(); a gauge: any expression with one answer",
    )
    timeout: Duration = Field(5.0, gt=0, description="no answer for so long is a gap")

    @field_serializer("url")
    def _masked(self, url: str, info: SerializationInfo) -> str:
        return url if keeps_secrets(info) else masked_url(url)

    @property
    def selects(self) -> bool:
        """Whether the query is a selector of series, not an expression over them."""
        return _SELECTOR.fullmatch(self.query) is not None

    @property
    def no_histogram(self) -> str | None:
        """Why a selector cannot be all buckets of a classic histogram, by its text alone; None: it may be."""
        equal = {label: text[1:-1] for label, operator, text in _MATCHER.findall(self.query) if operator == "="}
        name = self.query.partition("{")[0].strip() or equal.get("__name__", "")
        # A recording rule, with colons in its name, may be called anything.
        if name and ":" not in name and not name.endswith("_bucket"):
            base = re.sub("_(count|sum|total)$", "", name)
            return f"a latency is read from the buckets of a classic histogram, like {base}_bucket; found {name}"
        return 'a latency needs all buckets of its histogram: take le="…" out' if "le" in equal else None


_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
_LABELS = rf"""\{{(?:[^{{}}"'`]|{_TEXT})*\}}"""
_SELECTOR = re.compile(rf"\s*(?:[a-zA-Z_:][\w:]*\s*(?:{_LABELS})?|{_LABELS})\s*", re.DOTALL)
"""`name{label="value"}`, where either part may be left out (Prometheus, "Time series selectors")."""
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_TEXT})", re.DOTALL)


_READ_BY: dict[str, tuple[Origin, ...]] = {
    "dimensions": ("cloudwatch",),
    "statistic": ("cloudwatch",),
    "missing": ("cloudwatch", "prometheus"),
    "unit": ("cloudwatch", "prometheus"),
    "period": ("cloudwatch", "prometheus", "alarm", "logs"),
}
"""Keys that not every source has → those that have it."""


def _default(name: str) -> object:
    """A key's value where nobody wrote it, or a saved plan wrote it out."""
    return SourceSpec.model_fields[name].default


class SourceSpec(Written):
    """Where a number comes from: exactly one of `cloudwatch`, `alarm`, `logs`, `http`, `prometheus`, `command`."""

    cloudwatch: str | None = Field(
        None, pattern=r"^[^/].*/[^/]+$", description="Namespace/MetricName, like AWS/Lambda/Errors"
    )
    dimensions: dict[str, str] = Field(
        {}, description="CloudWatch dimensions: all of the metric's, or another metric is read"
    )
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"] = Field(
        "Sum", description="of each period"
    )
    period: Duration = Field(
        60.0,
        gt=0,
        description="CloudWatch: the metric's resolution, 1s, 5s, 10s, 30s or whole minutes; "
        "Prometheus: the step, at least twice the scrape interval; an alarm: how finely its state is told; "
        "logs: the query's bins",
    )
    missing: Literal["unknown", "zero"] = Field(
        "unknown",
        description="zero: for a metric published only when nonzero; counts only where the denominator reported",
    )
    unit: Literal["s", "ms"] = Field(
        "s", description="latency only: what the metric counts in (AWS/Lambda Duration: ms)"
    )
    alarm: str | None = Field(
        None,
        min_length=1,
        description="gauge only: the name of a CloudWatch alarm; 1 where it is in ALARM, 0 where it is OK",
    )
    logs: LogsSpec | None = None
    http: HttpSpec | None = None
    prometheus: PrometheusSpec | None = None
    command: CommandSpec | None = None

    @model_validator(mode="after")
    def _one_source(self) -> SourceSpec:
        named = [name for name in ORIGINS if getattr(self, name) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none"
            msg = f"a KPI reads from exactly one of {', '.join(ORIGINS)}; found {found}"
            raise ValueError(msg)
        idle = [name for name, by in _READ_BY.items() if named[0] not in by and getattr(self, name) != _default(name)]
        if idle:
            msg = f"`{named[0]}` does not read `{idle[0]}`: it is for {' and '.join(_READ_BY[idle[0]])}"
            raise ValueError(msg)
        if self.cloudwatch and self.period not in (1, 5, 10, 20, 30) and self.period % 60:
            msg = "CloudWatch has periods of 1s, 5s, 10s, 20s, 30s and whole minutes"
            raise ValueError(msg)
        if self.alarm and self.alarm.startswith("arn:"):
            msg = f"an alarm is read by its name, without the rest of the ARN: {self.alarm.rpartition(':')[2]}"
            raise ValueError(msg)
        return self

    @property
    def namespace(self) -> str:
        """The CloudWatch namespace; it may hold slashes itself (AWS/Lambda)."""
        return (self.cloudwatch or "").rpartition("/")[0]

    @property
    def metric(self) -> str:
        """The CloudWatch metric's name."""
        return (self.cloudwatch or "").rpartition("/")[2]

    @property
    def origin(self) -> Origin:
        """Which of the sources it names."""
        return next(name for name in ORIGINS if getattr(self, name) is not None)

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        source = self.http or self.command
        return source.every if source else self.period
