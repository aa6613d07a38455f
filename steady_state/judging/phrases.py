"""Phrases for numbers: what was seen of a KPI, in plain words."""

from __future__ import annotations

from gameday.steady_state.judging.edges import events
from gameday.steady_state.judging.usual_traffic import Arrivals
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.kpi.units import show_duration, show_rate
from gameday.steady_state.samples import Series, Tally, tally

TOO_CLOSE = "too close to its bound to tell"

NEAR = 0.1
"""A sentence names the usual traffic if the traffic differs from it by more than this."""


def share_in_words(share: float, *unlike: float) -> str:
    """Write a share, such as `99.7%`, with enough digits to differ from 100%, 0% and `unlike` if it differs."""
    others = (0.0, 1.0, *unlike)
    for digits in range(1, 7):
        text = f"{share * 100:.{digits}f}"
        if not any(abs(float(text) - other * 100) < 1e-9 and abs(share - other) > 1e-12 for other in others):
            break
    return text.rstrip("0").rstrip(".") + "%"


def seen_in_words(kpi: Kpi, bound: Bound | None, series: Series) -> str:
    """Write what was seen of a KPI.

    Examples: `99.7% of 21,400`, `96.2% of 21,400 within 300ms`, `in range 98% of 420 readings`, `48.2/s`, `no data`.
    """
    if not series:
        return "no data"
    if kpi.kind == "rate":
        return _rate_in_words(kpi, series)
    seen = tally(series)
    return _share_seen(kpi, bound, seen) if seen.total else "no traffic"


def _rate_in_words(kpi: Kpi, series: Series) -> str:
    seen = tally(series)
    rate = show_rate(sum(events(kpi, sample) for sample in series) / seen.seconds)
    return f"{rate} of {show_rate(seen.total / seen.seconds)} offered" if kpi.per is not None else rate


def _share_seen(kpi: Kpi, bound: Bound | None, seen: Tally) -> str:
    good = 1 - seen.bad / seen.total
    limit = bound or kpi.bound
    if kpi.kind == "gauge":
        return f"in range {share_in_words(good, limit.share_of_time)} of {seen.total:,.0f} readings"
    if limit.quantile:
        wanted, longest = limit.quantile
        return f"{share_in_words(good, wanted)} of {seen.total:,.0f} within {show_duration(longest)}"
    if limit.at_most is not None:
        return f"{share_in_words(1 - good, limit.at_most.value)} of {seen.total:,.0f} bad"
    return f"{share_in_words(good, limit.at_least.value if limit.at_least else 1.0)} of {seen.total:,.0f}"


def beside_usual(seen: str, came: Arrivals | None) -> str:
    """Add the usual traffic to what was seen where another number came: `99.9% of 5,987 (usually about 21,000)`."""
    if came is None or not came.came or abs(came.came - came.usual) <= NEAR * came.usual:
        return seen
    return f"{seen} (usually about {came.usual:,.0f})"


def lost_in_words(came: Arrivals) -> str:
    """Write which requests never came: `no request for 1m10s, in which about 3,500 usually come`."""
    if came.are_lost:
        share = f"{came.came / came.usual * 100:.0f}%"
        return f"only {share} of the usual requests came: at least {came.low - came.came:,.0f} never arrived"
    if not came.silent:
        return "no traffic"
    if not came.silence:
        return f"about {came.each * came.silent:,.0f} of the usual requests never arrived within a short time"
    return f"no request for {show_duration(came.silence)}, in which about {came.each * came.silence:,.0f} usually come"


def points_in_words(share: float) -> str:
    """Write a difference of two shares in percentage points: `1 point`, `0.42 points`."""
    number = _two_digits(share * 100)
    return f"{number} point" if number == "1" else f"{number} points"


def _two_digits(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 10 else f"{number:.2g}"


def percent_in_words(share: float) -> str:
    """Write a relative change: `3%`."""
    return f"{_two_digits(share * 100)}%"


def time_in_words(seconds: float) -> str:
    """Write a measured time with no more digits than its bins justify: `3m20s`, `8s`, `0.4s`."""
    return show_duration(round(seconds) if seconds >= 10 else round(seconds, 1))


def needs_in_words(seconds: float) -> str:
    """Write how much longer a phase must be."""
    if seconds > 3600:
        return TOO_CLOSE
    longer = show_duration(max(1, round(seconds))) if seconds < 90 else f"{round(seconds / 60)}m"
    return f"needs about {longer} more"
