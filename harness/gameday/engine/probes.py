"""Probes: reads with a yes-or-no answer. They show whether a fault took effect, and whether the system has healed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from pydantic import TypeAdapter

from gameday.aws.account import Account
from gameday.change import Bindings, Excess, Json, Probe
from gameday.change.placeholders import bind, search, search_list
from gameday.errors import AwsError
from gameday.steady_state.judging.excess import shows


def answers(probes: Sequence[tuple[Probe, str, Bindings]], account: Account) -> list[Json | AwsError]:
    """Return what many probes read, in parallel, each in its region with its bindings (since, now, run, made)."""
    return account.call_all([(bind(probe.call, bindings), region) for probe, region, bindings in probes], paged=True)


def exceeds(excess: Excess, answer: Json, since: float, chance: float) -> bool:
    """Return whether an answer's counts since the injection are clearly above those before.

    `chance` is the probability of a false yes. CloudWatch stamps a period by its start, so the period of the injection
    also holds some time before it. That period counts as time since, in full, like the period that is not over yet.
    Both can only hide an excess.
    """
    if excess.whole and search(excess.whole, answer) is not True:
        return False
    counts, known = (_by_time(search_list(path, answer)) for path in (excess.counted, excess.known))
    # A period that is over may still be unknown: metrics arrive minutes late, but in order.
    first, last = since // excess.period * excess.period, max(counts, default=since)
    before = [counts.get(at, 0.0) for at in sorted(counts.keys() | known.keys()) if at < first]
    periods = round((last - first) / excess.period) + 1
    return shows(before, [counts.get(first + number * excess.period, 0.0) for number in range(periods)], chance)


def _by_time(series: list[Json]) -> dict[float, float]:
    """Counts by time, summed over all series; an answer of another shape shows nothing."""
    summed: dict[float, float] = {}
    try:
        for times, counts in _series().validate_python(series):
            for at, count in zip(times, counts, strict=True):
                summed[at] = summed.get(at, 0.0) + count
    except ValueError:
        return {}
    return summed


@cache
def _series() -> TypeAdapter[list[tuple[list[float], list[float]]]]:
    return TypeAdapter(list[tuple[list[float], list[float]]])
