"""KPIs as users write them: the measure, its source, and the bound that it must keep."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from gameday.steady_state.kpi.source import SOURCES, Kind, SourceSpec
from gameday.steady_state.kpi.units import BoundAmount, BoundExtent, Share, Wait, exact_duration, exact_share
from gameday.steady_state.kpi.written import Prose, Written
from pydantic import Field, model_validator


class Tier(StrEnum):
    """Whether a KPI shows what customers get (business), or explains and guards (technical)."""

    BUSINESS = "business"
    TECHNICAL = "technical"


class Ratio(Written):
    """Bad out of total: two counts of one period. Write a source that counts both under `total` alone."""

    bad: SourceSpec | None = None
    total: SourceSpec

    @model_validator(mode="after")
    def _two_counts(self) -> Ratio:
        source = self.total
        if source.counts_both and self.bad is not None:
            msg = f"{source.name} counts good and bad by itself, so write it under `total` alone"
            raise ValueError(msg)
        if _counts_one(source) and (self.bad is None or self.bad.name != source.name):
            msg = f"a ratio from {source.title} needs `bad` and `total`, both with {source.name}"
            raise ValueError(msg)
        if self.bad is not None:
            _same_period(self.bad, self.total, "bad", "total")
        return self


def _counts_one(source: SourceSpec | type[SourceSpec]) -> bool:
    """Tell whether the source counts one thing at a time, so that a ratio needs it twice."""
    return "ratio" in source.kinds and not source.counts_both


def _same_period(first: SourceSpec, second: SourceSpec, name: str, other_name: str) -> None:
    if first.interval != second.interval:
        periods = f"{exact_duration(first.interval)} and {exact_duration(second.interval)}"
        msg = f"`{name}` and `{other_name}` need the same period; found {periods}"
        raise ValueError(msg)


class Bound(Written):
    """What steady means for a KPI.

    Ratio: `at_least` (of good) or `at_most` (of bad). Latency: one of p50 … p99.9.
    Gauge: `at_least` or `at_most`, `for` a share of the time.
    Rate: `at_least` or `at_most` per second, or `within` a share `of: baseline`.
    """

    at_least: BoundAmount | None = Field(
        None, description="ratio: a share of good like 99%; rate: like 50/s; gauge: a number like 6"
    )
    at_most: BoundAmount | None = Field(
        None, description="ratio: a share of bad like 1%; rate: like 50/s; gauge: a number like 6"
    )
    p50: Wait | None = Field(None, gt=0, description="half of the requests take at most this time, like 300ms")
    p90: Wait | None = Field(None, gt=0, description="90% of the requests take at most this time, like 300ms")
    p95: Wait | None = Field(None, gt=0, description="95% of the requests take at most this time, like 300ms")
    p99: Wait | None = Field(None, gt=0, description="99% of the requests take at most this time, like 300ms")
    p999: Wait | None = Field(
        None, gt=0, alias="p99.9", description="99.9% of the requests take at most this time, like 300ms"
    )
    for_: BoundExtent | None = Field(
        None,
        alias="for",
        description="gauge: the share of readings that must be in range, default 95%; "
        "in a `guard`: the shortest breach that aborts, like 10s",
    )
    within: Share | None = Field(None, description="the largest change from the baseline, up or down, like 5%")
    of: Literal["baseline"] | None = None

    @property
    def quantile(self) -> tuple[float, float] | None:
        """(Share of requests that must be fast enough, limit in seconds): (0.95, 0.3) for `p95: 300ms`."""
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)):
            limit = getattr(self, name)
            if limit is not None:
                return share, limit
        return None

    @property
    def share_of_time(self) -> float:
        """Gauge: the share of readings that must be in range."""
        return self.for_.value if self.for_ is not None and self.for_.unit == "%" else 0.95

    @property
    def lasting(self) -> float:
        """Guard: the seconds that a breach must last before it aborts."""
        return self.for_.value if self.for_ is not None and self.for_.unit == "s" else 0.0

    def admits(self, value: float) -> bool:
        """Tell whether a gauge's reading is in range."""
        if self.at_least is not None:
            return value >= self.at_least.value
        return self.at_most is None or value <= self.at_most.value

    @property
    def words(self) -> str:
        """The bound in words: `at least 99%`, `p95 of at most 300ms`, `at least 6 for 95% of the time`."""
        return f"{self._limit} (aborts after {self.for_})" if self.lasting else self._limit

    @property
    def _limit(self) -> str:
        if self.quantile:
            share, limit = self.quantile
            return f"p{share * 100:g} of at most {exact_duration(limit)}"
        if self.within is not None:
            return f"within {exact_share(self.within)} of the baseline"
        words = f"at least {self.at_least}" if self.at_least is not None else f"at most {self.at_most}"
        amount = self.at_least or self.at_most
        gauge = amount is not None and amount.unit == ""
        return f"{words} for {exact_share(self.share_of_time)} of the time" if gauge else words


_BOUNDS: dict[str, tuple[set[str], ...]] = {
    "ratio": ({"at_least"}, {"at_most"}),
    "latency": ({"p50"}, {"p90"}, {"p95"}, {"p99"}, {"p999"}),
    "rate": ({"at_least"}, {"at_most"}, {"within", "of"}),
    "gauge": ({"at_least"}, {"at_most"}, {"at_least", "for_"}, {"at_most", "for_"}),
}
_UNITS = {"ratio": "a share like 99%", "rate": "a rate like 50/s", "gauge": "a plain number like 6"}


class Kpi(Written):
    """One key performance indicator of a workload: its kind is the key `ratio`, `latency`, `rate` or `gauge`."""

    tier: Tier = Field(description="business: what customers get; technical: what explains and guards")
    module: str | None = Field(None, description="the module that it measures; Gameday judges isolation by it")
    about: Prose = Field("", description="a sentence for people who read the report")
    ratio: Ratio | None = None
    latency: SourceSpec | None = None
    rate: SourceSpec | None = None
    per: SourceSpec | None = Field(None, description="rate only: the offered load, which makes it a ratio")
    gauge: SourceSpec | None = None
    bound: Bound
    limits: tuple[Wait, ...] = Field(
        (), description="latency only: Gameday also counts the requests over each of these"
    )

    @property
    def kind(self) -> Kind:
        """The kind of this KPI."""
        if self.ratio:
            return "ratio"
        if self.latency:
            return "latency"
        return "rate" if self.rate else "gauge"

    @model_validator(mode="after")
    def _bound_fits(self) -> Kpi:
        kinds = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            msg = f"a KPI is exactly one of ratio, latency, rate, gauge; found {' and '.join(kinds) or 'none'}"
            raise ValueError(msg)
        if mistake := self.misfit(self.bound):
            raise ValueError(mistake)
        if self.limits and self.latency is None:
            msg = f"`limits` goes with a latency; this KPI is a {self.kind}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _source_fits(self) -> Kpi:
        if self.per is not None:
            if self.rate is None:
                msg = f"`per` goes with a rate; this KPI is a {self.kind}"
                raise ValueError(msg)
            if not _counts_one(self.per) or self.rate.name != self.per.name:
                titles = " or ".join(spec.title for spec in SOURCES.known if _counts_one(spec))
                msg = f"`rate` and `per` must both read from the same source: {titles}"
                raise ValueError(msg)
            _same_period(self.rate, self.per, "rate", "per")
        source = self.source
        if self.kind not in source.kinds:
            msg = f"{source.name} serves a {' or '.join(source.kinds)}, not a {self.kind}"
            raise ValueError(msg)
        for read in (self.ratio.bad if self.ratio else None, self.rate, source):
            if read is not None and (why := read.misfit(self.kind)):
                raise ValueError(why)
        if source.zero_if_missing:
            msg = "`missing: zero` needs a denominator: write it at `ratio.bad`, or at a `rate` that has `per`"
            raise ValueError(msg)
        return self

    @property
    def source(self) -> SourceSpec:
        """The source that shows whether there is data at all: the denominator, if the KPI has one."""
        source = (self.ratio.total if self.ratio else None) or self.per or self.latency or self.rate or self.gauge
        assert source is not None, "a KPI has exactly one kind"  # noqa: S101
        return source

    @property
    def sources(self) -> dict[tuple[str, ...], SourceSpec]:
        """All sources that it reads, by where the file writes them."""
        written = {
            ("ratio", "bad"): self.ratio.bad if self.ratio else None,
            ("ratio", "total"): self.ratio.total if self.ratio else None,
            ("latency",): self.latency,
            ("rate",): self.rate,
            ("per",): self.per,
            ("gauge",): self.gauge,
        }
        return {place: source for place, source in written.items() if source is not None}

    @property
    def other_limits(self) -> tuple[float, ...]:
        """Latency: the other limits, besides the bound's, over which Gameday counts requests."""
        own = self.bound.quantile
        return tuple(limit for limit in self.limits if own and limit != own[1])

    @property
    def interval(self) -> float:
        """The length of its bins in seconds."""
        return self.source.interval

    def misfit(self, bound: Bound, *, guards: bool = False) -> str | None:
        """Return why `bound` (its own, or another of `during` or `guard`) does not fit this KPI; None: it fits."""
        if bound.lasting and not guards:
            return f"`for: {bound.for_}` goes with a bound of `guard`; elsewhere `for` is a share of the time, like 95%"
        written = {name for name in type(bound).model_fields if getattr(bound, name) is not None}
        written -= {"for_"} if bound.lasting else set()
        allowed = _BOUNDS[self.kind]
        if written not in allowed:
            ways = " · ".join(" + ".join(sorted(_written(name) for name in way)) for way in allowed)
            return f"the bound of a {self.kind} must be one of: {ways}"
        unit = {"ratio": "%", "rate": "/s", "gauge": ""}.get(self.kind)
        for amount in (bound.at_least, bound.at_most):
            if amount is not None and amount.unit != unit:
                return f"the bound of a {self.kind} must be {_UNITS[self.kind]}; found {amount}"
        return None


def watched(kpis: Mapping[str, Kpi], *others: Mapping[str, Bound | None]) -> dict[str, Kpi]:
    """Return the KPIs with the limits of other bounds added, so that requests are also counted over those."""

    def with_limits(name: str, kpi: Kpi) -> Kpi:
        bounds = (bounds.get(name) for bounds in others)
        more = {bound.quantile[1] for bound in bounds if bound is not None and bound.quantile}
        return kpi.model_copy(update={"limits": tuple(sorted({*kpi.limits, *more}))}) if more else kpi

    return {name: with_limits(name, kpi) for name, kpi in kpis.items()}


def _written(name: str) -> str:
    return {"for_": "for", "p999": "p99.9"}.get(name, name)
