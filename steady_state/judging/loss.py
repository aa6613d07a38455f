"""The cost of a fault: requests that failed, or orders that were not made, beyond the usual, with an interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from math import inf, sqrt

from gameday.steady_state.judging.baseline import REACH, chi_square, sums_over
from gameday.steady_state.judging.edges import events, limit_of
from gameday.steady_state.judging.phases import LEAST_COVERAGE, counts_requests, coverage
from gameday.steady_state.judging.usual_traffic import arrivals, usual_of
from gameday.steady_state.kpi.claim import Claim, LossJudgement, Phases
from gameday.steady_state.kpi.kpi import Kpi, Tier
from gameday.steady_state.kpi.units import show_duration, show_share
from gameday.steady_state.samples import Sample, Series, inside, touching

Blocks = list[tuple[float, float]]
"""(counted, exposure) of stretches of one length."""

BLOCKS = (15.0, 30.0, 60.0, 120.0)
"""Lengths in seconds of the blocks in the search for bursts: short bursts show in short blocks, long ones in long."""

FEWEST_BLOCKS = 5
"""Fewer blocks of a length show nothing about bursts of that length."""

SURE = 0.01
"""The point of chi-square for the lower end of a loss: bursts that the baseline happens to miss must not count as a
loss. By simulation (`make calibrate`) it covers bursts of 20 s that come every 7 minutes."""

LESS_SURE = 0.1
"""The point of chi-square for the upper end of a loss: bursts add failures, so they hide little there."""

HIDDEN = 100.0
"""The most bursts that a short baseline may hide: they inflate the variance by 1 + this times the failures per second.

Tenfold failures for a twentieth of the time come to 70 if each burst lasts 20 s, and to 100 for 30 s."""


TOGETHER = 2
"""The most blocks in a row that failures which come together spread over."""

CHANCY = 10.0
"""The largest squared deviation, over its variance, that chance alone makes of a window's blocks."""


def judge_losses(claim: Claim, series: Mapping[str, Series], phases: Phases) -> tuple[LossJudgement, ...]:
    """Return the loss of every KPI that counts something (no gauges): claimed KPIs first, business before technical.

    The window is fixed before the run: from the injection to the end of the observation after the undo.
    """
    if phases.injected is None or phases.end is None:
        return ()
    window = (phases.injected, phases.end)
    counting = [name for name, kpi in claim.kpis.items() if kpi.kind != "gauge"]
    order = sorted(counting, key=lambda name: (name not in claim.claimed, claim.kpis[name].tier is not Tier.BUSINESS))

    def of(name: str) -> LossJudgement:
        bins = series.get(name, ())
        after = inside(touching(bins, *window), -inf, phases.end or 0.0)
        return judge_loss(name, claim.kpis[name], inside(bins, *phases.before), after, window, claim.false_verdict)

    return tuple(of(name) for name in order)


def judge_loss(
    name: str, kpi: Kpi, before: Series, bins: Series, window: tuple[float, float], alpha: float
) -> LossJudgement:
    """Count the loss in the window against the baseline; below zero the KPI did better than before.

    A ratio or a latency: bad requests beyond the baseline's share of bad, and the requests that never came where the
    traffic was lost. A rate: events that did not come, or with a bound of `at_most`, events that came beyond the usual.

    Only the counterfactual is uncertain: the count of the same minutes without the fault. `alpha`: the chance that the
    interval misses it.
    """
    what, weigh = noun_of(name, kpi), _weigher(kpi)
    counts = [(sample.start, *weigh(sample)) for sample in before]
    known, here = sum(exposure for _, _, exposure in counts), sum(weigh(sample)[1] for sample in bins)
    lengths = {max(kpi.interval, length) for length in BLOCKS}
    cuts = [blocks for length in lengths if len(blocks := _blocks(counts, length)) >= FEWEST_BLOCKS]
    never = _never_came(kpi, before, bins, window)
    if why := _obstacle(kpi, bins, window, known, here or never[0], cuts):
        return LossJudgement(name, None, None, None, f"the loss of {what} is unknown: {why}")
    came, was, times = sum(weigh(sample)[0] for sample in bins), sum(x for _, x, _ in counts), here / known
    sign = -1 if _is_missing(kpi) else 1
    hidden = 1 + HIDDEN * (was + 1) / sum(sample.length for sample in before)
    at_least, at_most = (max(1.0, *(_inflation(cut, sure, hidden) for cut in cuts)) for sure in (SURE, LESS_SURE))
    upper, lower = (max(at_least, _clump(kpi, bins, was / known)), at_most) if sign > 0 else (at_most, at_least)
    low, high = _bounds(was, times, lower, alpha / 2)[0], _bounds(was, times, upper, alpha / 2)[1]
    lost, ends = sign * (came - was * times), sorted((sign * (came - low), sign * (came - high)))
    lost, least, most = (part + more for part, more in zip((lost, *ends), never, strict=True))
    return LossJudgement(name, lost, least, most, _words(kpi, what, lost, least, most) + _of_them(*never))


def _never_came(kpi: Kpi, before: Series, bins: Series, window: tuple[float, float]) -> tuple[float, float, float]:
    """Return how many requests never came, and the ends of that number; zero where the traffic does not prove it.

    What usually comes in a time without bins may have come or not: it counts at the upper end alone.
    """
    usual = usual_of(before) if counts_requests(kpi) else None
    if usual is None:
        return 0.0, 0.0, 0.0
    came = arrivals(usual, bins, *window)
    unknown = came.each * min(came.blind, came.silent)
    if came.are_lost:
        return came.usual - came.came, came.low - came.came, came.high - came.came + unknown
    empty = max(0.0, came.silent - came.blind)
    error = usual.errors * sqrt(usual.noise * (empty + empty**2 / usual.seconds))
    return came.each * empty, max(0.0, came.each * empty - error), came.each * empty + error + unknown


def _of_them(never: float, least: float, _most: float) -> str:
    return f"; about {never:,.0f} of them never arrived" if least > 0 else ""


def _clump(kpi: Kpi, bins: Series, share: float) -> float:
    """Return the inflation by failures that come together in the window itself, as a reset pool's do.

    The pre-check lets quiet baselines in, so a baseline need not show what usually comes together. Blocks with far more
    failures than the bound's odds allow, and long runs of bad blocks, are the fault's own, and show nothing of that.
    """
    limit = limit_of(kpi, kpi.bound) if counts_requests(kpi) else None
    if limit is None or not 0 < limit < 1:
        return 1.0
    weigh, odds = _weigher(kpi), REACH * limit / (1 - limit)
    cut = _blocks([(sample.start, *weigh(sample)) for sample in bins], max(kpi.interval, BLOCKS[0]))

    def out_of_line(block: tuple[float, float]) -> float:
        more, mean = block[0] - share * block[1], share * block[1]
        return min(more, more * more / (mean + 1) / CHANCY) if more > 0 else 0.0

    runs = [list(run) for out, run in groupby(cut, key=lambda block: out_of_line(block) > 1) if out]
    short = [block for run in runs if len(run) <= TOGETHER for block in run if block[0] <= odds * (block[1] - block[0])]
    return max([1.0, *map(out_of_line, short)])


def noun_of(name: str, kpi: Kpi) -> str:
    """Name what a KPI counts; a business KPI whose name is a plural names it itself."""
    if kpi.tier is Tier.BUSINESS and name.isalpha() and name.endswith("s") and not name.endswith("ss"):
        return name
    return f"{'events' if _is_counted(kpi) else 'requests'} in {name}"


def _is_counted(kpi: Kpi) -> bool:
    return kpi.kind == "rate" and kpi.per is None


def _is_missing(kpi: Kpi) -> bool:
    """Tell whether a loss means events that did not come, rather than bad events that came."""
    return _is_counted(kpi) and kpi.bound.at_most is None


def _weigher(kpi: Kpi) -> Callable[[Sample], tuple[float, float]]:
    """Return a function that weighs a bin as (counted, exposure): bad of requests, or events of seconds."""
    if _is_counted(kpi):
        return lambda sample: (events(kpi, sample), sample.length)
    return lambda sample: (min(max(sample.bad, 0.0), sample.total), sample.total)


def _obstacle(
    kpi: Kpi, bins: Series, window: tuple[float, float], known: float, here: float, cuts: list[Blocks]
) -> str | None:
    if not bins:
        return "no data"
    if coverage(kpi, bins, *window) < LEAST_COVERAGE:
        return f"data for less than {show_share(LEAST_COVERAGE)} of the time"
    if not known or not here:
        return "the baseline has no traffic" if here else "no traffic"
    shortest = show_duration(max(kpi.interval, BLOCKS[0]))
    return None if cuts else f"the baseline has fewer than {FEWEST_BLOCKS} blocks of {shortest} with traffic"


def _inflation(blocks: Blocks, caution: float, hidden: float) -> float:
    """Return the inflation of a count's variance by bursts: Pearson's X² of blocks over a low point of chi-square.

    McCullagh and Nelder, Generalized Linear Models, 1989, section 4.5. A sum over minutes varies, relative to its size,
    at least as much as the blocks in it, so the largest over the lengths of blocks counts. `hidden` limits how far
    caution may go beyond the estimate.
    """
    share = sum(x for x, _ in blocks) / sum(exposure for _, exposure in blocks)
    spread = sum((x - share * exposure) ** 2 / (share * exposure) for x, exposure in blocks) if share else 0.0
    cautious = spread / chi_square(len(blocks) - 1, caution)
    return max(spread / (len(blocks) - 1), min(cautious, hidden))


def _blocks(counts: list[tuple[float, float, float]], length: float) -> Blocks:
    return [block for block in sums_over(counts, length) if block[1]]


def _bounds(seen: float, times: float, inflation: float, error: float) -> tuple[float, float]:
    """Return the ends of the next count, after a count of `seen` in a stretch; the next stretch is `times` as long.

    Given the sum of both counts, each count is binomial, and at the ends its tail falls to `error` (Nelson, Applied
    Life Data Analysis, 1982, 6.3; the test is Przyborowski and Wilenski's). The inflation by bursts divides all counts.
    """
    from scipy.special import betainc

    was, later = seen / inflation, times / (1 + times)
    high = _root(lambda y: float(betainc(y, was + 1, later)) > error, (was + 10) * times * 20 + 100)
    low = _root(lambda y: float(betainc(was, y + 1, 1 - later)) <= error, was * times) if was else 0.0
    return low * inflation, high * inflation


def _root(below: Callable[[float], bool], most: float) -> float:
    low, high = 0.0, most
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high


def _words(kpi: Kpi, what: str, lost: float, low: float, high: float) -> str:
    """Write a loss: `about 312 orders were lost (250 to 380)`; without a proof, say so and give the interval."""
    verb = {"ratio": "failed", "latency": "took too long"}.get(kpi.kind, "were lost")
    if _is_counted(kpi) and not _is_missing(kpi):
        verb = "came"
    if kpi.tier is Tier.BUSINESS and kpi.kind == "ratio":
        verb = "were lost"
    if low > 0:
        usual = "" if verb == "were lost" else "more "
        than = " than usual" if usual else ""
        return f"about {lost:,.0f} {usual}{what}{than} {verb} ({low:,.0f} to {high:,.0f})"
    if high < 0:
        return f"about {-lost:,.0f} fewer {what} than usual {verb} ({-high:,.0f} to {-low:,.0f})"
    return f"no loss of {what} is proven (at most {max(0.0, high):,.0f})"
