"""Isolation: did the modules that must not suffer stay as they were, to within a margin?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from gameday.steady_state.judging.baseline import Counts, blocks, inflation
from gameday.steady_state.judging.compare import POWER_80, Spread, beyond, interval, rates_tails, score
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.phases import LEAST_COVERAGE, LEAST_READINGS, PhaseBins, coverage
from gameday.steady_state.judging.phrases import percent_in_words, points_in_words
from gameday.steady_state.kpi.claim import Claim, ModuleJudgement, Verdict, worst
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series, tally


@dataclass(frozen=True, slots=True)
class KpiChange:
    """How one KPI of a module changed from the baseline to the fault; a change for the worse is positive.

    Shares of bad: in points; a rate: relative. None where that cannot be told.
    """

    kpi: str
    change: float | None = None
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    worse: float = 1.0  # chance to see so much if the change were exactly the margin
    within: float = 1.0  # chance to see so little if it were
    relative: bool = False
    why: str = ""  # why it cannot be told


def judge_modules(claim: Claim, seen: tuple[PhaseBins, ...], *, cut_short: bool) -> tuple[ModuleJudgement, ...]:
    """Every contained module against the margin; a run that was cut short proves nothing about isolation.

    contained: each of its KPIs is proven to have worsened by less than the margin (non-inferiority, each at the budget
    of false verdicts: all must pass, so no correction is due). spread: one is proven to have worsened by more, with
    Holm's correction over all of them. A module without KPI is said to be unknown, and leaves the run's verdict alone.
    """
    if claim.margin is None:
        return ()
    during = [one for one in seen if one.phase == "during"]
    bursts = _bursts(during)
    of_module = {
        module: [_change(one, claim.margin, claim.false_verdict, bursts) for one in during if one.kpi.module == module]
        for module in claim.contained
    }
    spread = _holm(
        {(module, one.kpi): one.worse for module, found in of_module.items() for one in found}, claim.false_verdict
    )
    return tuple(
        _untold(module, f"{module}: the run was cut short")
        if cut_short and found
        else _judge(module, found, claim, spread)
        for module, found in of_module.items()
    )


def _judge(module: str, changes: list[KpiChange], claim: Claim, spread: frozenset[tuple[str, str]]) -> ModuleJudgement:
    if not changes:
        return _untold(module, f"{module} cannot be judged: it has no KPI", judged=False)
    verdicts = {one.kpi: _verdict(module, one, claim.false_verdict, spread) for one in changes}
    verdict = worst(list(verdicts.values()))
    one = max((one for one in changes if verdicts[one.kpi] is verdict), key=lambda one: one.change or 0.0)
    words = f"{module}: {one.kpi} {_words(one, verdict, claim.margin or 0.0)}"
    return ModuleJudgement(module, verdict, one.kpi, one.change, one.low, one.high, one.detectable, words)


def _untold(module: str, words: str, *, judged: bool = True) -> ModuleJudgement:
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


def _verdict(module: str, one: KpiChange, alpha: float, spread: frozenset[tuple[str, str]]) -> Verdict:
    if (module, one.kpi) in spread:
        return Verdict.BROKEN
    return Verdict.HELD if one.within <= alpha else Verdict.UNKNOWN


def _words(one: KpiChange, verdict: Verdict, margin: float) -> str:
    tell = percent_in_words if one.relative else points_in_words
    if one.change is None:
        return f"cannot be told: {one.why}"
    seen = (
        f"got {'worse' if one.change > 0 else 'better'} by {tell(abs(one.change))}"
        if one.change
        else "stayed as it was"
    )
    if one.low is not None and one.high is not None and one.high > one.low:
        seen += f" (at most {tell(one.high)} worse)" if one.high > 0 else ""
    seen += f"; {tell(margin)} was allowed"
    if verdict is Verdict.UNKNOWN and one.detectable is not None:
        seen += f", and {tell(one.detectable)} is the least that this run could have called spread"
    return seen


def _change(seen: PhaseBins, margin: float, alpha: float, bursts: float) -> KpiChange:
    kpi = seen.kpi
    if seen.span is None or not seen.bins or not seen.before:
        return KpiChange(seen.name, why="no data")
    if coverage(kpi, seen.bins, *seen.span) < LEAST_COVERAGE:
        return KpiChange(seen.name, why="too many gaps")
    if not tally(seen.before).total or (kpi.kind != "rate" and not tally(seen.bins).total):
        return KpiChange(seen.name, why="no traffic")
    if kpi.kind == "gauge":
        return _of_readings(seen, margin)
    return _of_rates(seen, margin, alpha) if _is_rate(kpi) else _of_shares(seen, margin, alpha, bursts)


def _is_rate(kpi: Kpi) -> bool:
    return kpi.kind == "rate" and kpi.per is None


def _of_readings(seen: PhaseBins, margin: float) -> KpiChange:
    """A gauge is read, not sampled: its share of readings out of range is compared as it is."""
    now, before = tally(seen.bins), tally(seen.before)
    if min(now.bins, before.bins) < LEAST_READINGS:
        return KpiChange(seen.name, why="too few readings")
    change = now.bad / now.total - before.bad / before.total
    fits = change <= margin + 1e-9
    certain = (1.0, 0.0) if fits else (0.0, 1.0)
    return KpiChange(seen.name, change, change, change, margin, worse=certain[0], within=certain[1])


def _of_shares(seen: PhaseBins, margin: float, alpha: float, bursts: float) -> KpiChange:
    now, before = tally(seen.bins), tally(seen.before)
    if not now.total:
        return KpiChange(seen.name, why="no traffic")
    spread = Spread(bursts, before.total / max(1, len(blocks(_shares(seen.before)))))
    errors, point = score(now, before, margin, spread), NormalDist().inv_cdf(1 - alpha)
    change = now.bad / now.total - before.bad / before.total
    low, high = interval(now, before, point, spread)
    error = abs((change - margin) / errors) if errors else 0.0
    return KpiChange(
        seen.name,
        change,
        low,
        high,
        detectable=margin + (point + POWER_80) * error,
        worse=beyond(errors),
        within=beyond(-errors),
    )


def _of_rates(seen: PhaseBins, margin: float, alpha: float) -> KpiChange:
    """A rate without a denominator: its fall, or its rise where the bound is `at_most`, relative to the baseline."""
    now, before = tally(seen.bins), tally(seen.before)
    sign = 1 if seen.kpi.bound.at_most is not None else -1
    usual = before.total / before.seconds
    counts = tuple((one.start, one.total, one.length) for one in seen.before)
    noise = inflation(Edge("rate", usual), counts)
    tails = rates_tails(1 + sign * margin, now, before, noise)
    point = NormalDist().inv_cdf(1 - alpha)
    error = sqrt(noise * (1 / max(1.0, now.total) + 1 / before.total))
    change = sign * (now.total / now.seconds / usual - 1)
    return KpiChange(
        seen.name,
        change,
        change - point * error,
        change + point * error,
        detectable=margin + (point + POWER_80) * error,
        worse=tails.at_least if sign > 0 else tails.at_most,
        within=tails.at_most if sign > 0 else tails.at_least,
        relative=True,
    )


def _shares(bins: Series) -> Counts:
    return tuple((one.start, min(one.bad, one.total), one.total - min(one.bad, one.total)) for one in bins)


def _bursts(seen: list[PhaseBins]) -> float:
    """The relative variance of the blocks' shares of bad beyond chance, pooled over the baselines of all KPIs.

    By moments, blocks weighted by their size: one failure in a last, short block says next to nothing of bursts.
    """
    excess = expected = 0.0
    for one in seen:
        sums = [] if one.kpi.kind == "gauge" or _is_rate(one.kpi) else blocks(_shares(one.before))
        bad, total = sum(pair[0] for pair in sums), sum(map(sum, sums))
        if len(sums) < 2 or not 0 < bad < total:
            continue
        share, squares = bad / total, sum((x + y) ** 2 for x, y in sums)
        chance = share * (1 - share) * (total - squares / total)  # the share being the blocks' own
        scale = share * (1 - share) * squares / total
        excess += (sum((x - share * (x + y)) ** 2 for x, y in sums) - chance) / scale
        expected += share**2 * (squares - total) / scale
    return max(0.0, excess / expected) if expected else 0.0


def _holm(chances: Mapping[tuple[str, str], float], alpha: float) -> frozenset[tuple[str, str]]:
    """What is proven with a chance of at most `alpha` for any mistake among all (Holm, 1979: smallest first)."""
    proven: set[tuple[str, str]] = set()
    for left, (name, chance) in zip(
        range(len(chances), 0, -1), sorted(chances.items(), key=lambda item: item[1]), strict=True
    ):
        if chance > alpha / left:
            break
        proven.add(name)
    return frozenset(proven)
