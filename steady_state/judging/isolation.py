"""Isolation: did the modules that must not suffer stay within a margin of their baseline?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

from gameday.steady_state.judging.baseline import Counts, blocks, inflation
from gameday.steady_state.judging.compare import POWER_80, Spread, beyond, interval, rates_tails, score
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.phases import LEAST_COVERAGE, PhaseBins, arrivals_of, coverage
from gameday.steady_state.judging.phrases import lost_in_words, percent_in_words, points_in_words
from gameday.steady_state.judging.readings import LEAST_READINGS, alike, keeps_clear, worth
from gameday.steady_state.judging.tails import weight
from gameday.steady_state.kpi.claim import Claim, ModuleJudgement, Verdict, worst
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series, tally


@dataclass(frozen=True, slots=True)
class KpiChange:
    """The change of a module's KPI from the baseline to the fault; a change for the worse is positive.

    Shares of bad: in points. A rate: relative. None: unknown.
    """

    kpi: str
    change: float | None = None
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    worse: float = 1.0  # the chance to see so much if the change were exactly the margin
    within: float = 1.0  # the chance to see so little if it were
    relative: bool = False
    why: str = ""  # why it is unknown


def judge_modules(
    claim: Claim, seen: tuple[PhaseBins, ...], *, cut_short: bool, spread: float | None = None
) -> tuple[ModuleJudgement, ...]:
    """Judge every contained module against the margin; a run that ended early proves nothing about isolation.

    contained: the data prove that each of its KPIs worsened by less than the margin. This is a test of non-inferiority,
    each at the budget of false verdicts; all must pass, so no correction is due.
    spread: the data prove that one of its KPIs worsened by more, with Holm's correction over all of them.
    A module without a KPI is unknown, and does not change the run's verdict.

    `spread`: the chance that any module is called spread by mistake, if not `claim.false_verdict`.
    """
    if claim.margin is None:
        return ()
    during = [bins for bins in seen if bins.phase == "during"]
    bursts = _bursts(during)
    changes_of = {
        module: [
            _change(bins, claim.margin, claim.false_verdict, bursts) for bins in during if bins.kpi.module == module
        ]
        for module in claim.contained
    }
    proven = _holm(
        {(module, change.kpi): change.worse for module, changes in changes_of.items() for change in changes},
        claim.false_verdict if spread is None else spread,
    )
    return tuple(
        _unknown(module, f"{module}: the run ended early")
        if cut_short and changes
        else _judge(module, changes, claim, proven)
        for module, changes in changes_of.items()
    )


def _judge(module: str, changes: list[KpiChange], claim: Claim, spread: frozenset[tuple[str, str]]) -> ModuleJudgement:
    if not changes:
        return _unknown(module, f"{module} cannot be judged: it has no KPI", judged=False)
    verdicts = {change.kpi: _verdict(module, change, claim.false_verdict, spread) for change in changes}
    verdict = worst(list(verdicts.values()))
    deciding = (change for change in changes if verdicts[change.kpi] is verdict)
    most = max(deciding, key=lambda change: change.change or 0.0)
    words = f"{module}: {most.kpi} {_words(most, verdict, claim.margin or 0.0)}"
    return ModuleJudgement(module, verdict, most.kpi, most.change, most.low, most.high, most.detectable, words)


def _unknown(module: str, words: str, *, judged: bool = True) -> ModuleJudgement:
    return ModuleJudgement(
        module,
        Verdict.UNKNOWN,
        worst_kpi=None,
        change=None,
        low=None,
        high=None,
        detectable=None,
        words=words,
        judged=judged,
    )


def _verdict(module: str, change: KpiChange, alpha: float, spread: frozenset[tuple[str, str]]) -> Verdict:
    if (module, change.kpi) in spread:
        return Verdict.BROKEN
    return Verdict.HELD if change.within <= alpha else Verdict.UNKNOWN


def _words(seen: KpiChange, verdict: Verdict, margin: float) -> str:
    """Write a change: what proves it spread is the least, what proves it contained is the most."""
    in_words = percent_in_words if seen.relative else points_in_words
    if seen.change is None or (seen.why and verdict is Verdict.UNKNOWN):
        return f"cannot be judged: {seen.why}"
    allowed = f"{in_words(margin)} was allowed"
    if verdict is Verdict.UNKNOWN and seen.high is not None and seen.detectable is not None:
        least = f"the smallest change that this run can detect is {in_words(seen.detectable)}"
        return f"may have got worse by up to {in_words(max(0.0, seen.high))}; {allowed}, and {least}"
    text = (
        f"got {'worse' if seen.change > 0 else 'better'} by {in_words(abs(seen.change))}"
        if seen.change
        else "stayed as it was"
    )
    if seen.low is not None and seen.high is not None and seen.high > seen.low:
        if verdict is Verdict.BROKEN:
            text += f" (at least {in_words(max(0.0, seen.low))})"
        elif seen.high > 0:
            text += f" (at most {in_words(seen.high)} worse)"
    return f"{text}; {allowed}"


def _change(seen: PhaseBins, margin: float, alpha: float, bursts: float) -> KpiChange:
    kpi = seen.kpi
    if seen.span is None or not seen.bins or not seen.before:
        return KpiChange(seen.name, why="no data")
    if coverage(kpi, seen.bins, *seen.span) < LEAST_COVERAGE:
        return KpiChange(seen.name, why="too many gaps")
    if not tally(seen.before).total or (kpi.kind != "rate" and not tally(seen.bins).total):
        return KpiChange(seen.name, why="no traffic")
    if kpi.kind == "gauge":
        return _of_readings(seen, margin, alpha)
    return (
        _of_rates(seen, margin, alpha)
        if _is_rate(kpi)
        else _unless_lost(seen, _of_shares(seen, margin, alpha, bursts), margin)
    )


def _unless_lost(seen: PhaseBins, change: KpiChange, margin: float) -> KpiChange:
    """Leave a change unproven where requests were lost on their way, since nothing shows what they would have met."""
    came = arrivals_of(seen)
    span = seen.span or (0.0, 0.0)
    if came is None or not (came.are_lost or came.silent > margin * (span[1] - span[0])):
        return change
    return replace(change, within=1.0, why=lost_in_words(came))


def _detectable(margin: float, alpha: float, change: float, low: float, high: float) -> float:
    """Return the smallest change called spread, four times out of five, by the wider side of the interval."""
    point = NormalDist().inv_cdf(1 - alpha)
    return margin + max(change - low, high - change) * (1 + POWER_80 / point)


def _is_rate(kpi: Kpi) -> bool:
    return kpi.kind == "rate" and kpi.per is None


def _of_readings(seen: PhaseBins, margin: float, alpha: float) -> KpiChange:
    """Compare a gauge's share of readings out of range; readings that are alike count as fewer.

    A gauge that was never out of range and keeps clear of its limit is contained, however few readings it has.
    """
    if min(len(seen.bins), len(seen.before)) < LEAST_READINGS:
        return KpiChange(seen.name, why="too few readings")
    now, before = tally(seen.bins), tally(seen.before)
    usual = alike(seen.before)
    pooled = alike(seen.before, seen.bins)
    errors, careful = (score(worth(seen.bins, by), worth(seen.before, by), margin) for by in (usual, pooled))
    change = now.bad / now.total - before.bad / before.total
    clear = not before.bad and keeps_clear(seen.kpi.bound, seen.bins, seen.before)
    if clear:
        return KpiChange(seen.name, change, change, change, margin, worse=1.0, within=0.0)
    point = NormalDist().inv_cdf(1 - alpha)
    low, high = interval(worth(seen.bins, pooled), worth(seen.before, pooled), point, Spread())
    detectable = min(1.0, _detectable(margin, alpha, change, low, high))
    return KpiChange(seen.name, change, low, high, detectable, worse=beyond(errors), within=beyond(-careful))


def _of_shares(seen: PhaseBins, margin: float, alpha: float, bursts: float) -> KpiChange:
    now, before = tally(seen.bins), tally(seen.before)
    if not now.total:
        return KpiChange(seen.name, why="no traffic")
    spread = Spread(bursts, before.total / max(1, len(blocks(_shares(seen.before)))))
    errors, point = score(now, before, margin, spread), NormalDist().inv_cdf(1 - alpha)
    change = now.bad / now.total - before.bad / before.total
    low, high = interval(now, before, point, spread)
    detectable = min(1.0, _detectable(margin, alpha, change, low, high))
    return KpiChange(seen.name, change, low, high, detectable, worse=beyond(errors), within=beyond(-errors))


def _of_rates(seen: PhaseBins, margin: float, alpha: float) -> KpiChange:
    """Compare a rate without a denominator to its baseline: its fall, or its rise if the bound is `at_most`."""
    now, before = tally(seen.bins), tally(seen.before)
    sign = 1 if seen.kpi.bound.at_most is not None else -1
    usual = before.total / before.seconds
    counts = tuple((sample.start, sample.total, sample.length) for sample in seen.before)
    cautious, noise = inflation(Edge("rate", usual), counts), weight(seen.kpi, seen.kpi.bound, seen.before, seen.bins)
    bad, good = (rates_tails(1 + sign * margin, now, before, by) for by in (cautious, noise))
    point = NormalDist().inv_cdf(1 - alpha)
    error = sqrt(noise * (1 / max(1.0, now.total) + 1 / before.total))
    change = sign * (now.total / now.seconds / usual - 1)
    return KpiChange(
        seen.name,
        change,
        change - point * error,
        change + point * error,
        detectable=margin + (point + POWER_80) * error,
        worse=bad.at_least if sign > 0 else bad.at_most,
        within=good.at_most if sign > 0 else good.at_least,
        relative=True,
    )


def _shares(bins: Series) -> Counts:
    return tuple(
        (sample.start, min(sample.bad, sample.total), sample.total - min(sample.bad, sample.total)) for sample in bins
    )


def _bursts(seen: list[PhaseBins]) -> float:
    """Estimate the relative variance of blocks' shares of bad beyond chance, pooled over the baselines of all KPIs.

    The estimate is by moments and weights blocks by their size, since a failure in a short last block shows no burst.
    """
    excess = expected = 0.0
    for kpi_bins in seen:
        kpi = kpi_bins.kpi
        sums = [] if kpi.kind == "gauge" or _is_rate(kpi) else blocks(_shares(kpi_bins.before))
        bad, total = sum(pair[0] for pair in sums), sum(map(sum, sums))
        if len(sums) < 2 or not 0 < bad < total:
            continue
        share, squares = bad / total, sum((x + y) ** 2 for x, y in sums)
        chance = share * (1 - share) * (total - squares / total)  # the share is the blocks' own
        scale = share * (1 - share) * squares / total
        excess += (sum((x - share * (x + y)) ** 2 for x, y in sums) - chance) / scale
        expected += share**2 * (squares - total) / scale
    return max(0.0, excess / expected) if expected else 0.0


def _holm(chances: Mapping[tuple[str, str], float], alpha: float) -> frozenset[tuple[str, str]]:
    """Return what is proven with a chance of at most `alpha` for any mistake at all (Holm, 1979: smallest first)."""
    proven: set[tuple[str, str]] = set()
    for left, (name, chance) in zip(
        range(len(chances), 0, -1), sorted(chances.items(), key=lambda item: item[1]), strict=True
    ):
        if chance > alpha / left:
            break
        proven.add(name)
    return frozenset(proven)
