"""Isolation: did the modules that must not suffer stay within a margin of their baseline?"""

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


def judge_modules(claim: Claim, seen: tuple[PhaseBins, ...], *, cut_short: bool) -> tuple[ModuleJudgement, ...]:
    """Judge every contained module against the margin; a run that ended early proves nothing about isolation.

    contained: the data prove that each of its KPIs worsened by less than the margin. This is a test of non-inferiority,
    each at the budget of false verdicts; all must pass, so no correction is due.
    spread: the data prove that one of its KPIs worsened by more, with Holm's correction over all of them.
    A module without a KPI is unknown, and does not change the run's verdict.
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
    spread = _holm(
        {(module, change.kpi): change.worse for module, changes in changes_of.items() for change in changes},
        claim.false_verdict,
    )
    return tuple(
        _unknown(module, f"{module}: the run ended early")
        if cut_short and changes
        else _judge(module, changes, claim, spread)
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
    in_words = percent_in_words if seen.relative else points_in_words
    if seen.change is None:
        return f"cannot be judged: {seen.why}"
    text = (
        f"got {'worse' if seen.change > 0 else 'better'} by {in_words(abs(seen.change))}"
        if seen.change
        else "stayed as it was"
    )
    if seen.low is not None and seen.high is not None and seen.high > seen.low:
        text += f" (at most {in_words(seen.high)} worse)" if seen.high > 0 else ""
    text += f"; {in_words(margin)} was allowed"
    if verdict is Verdict.UNKNOWN and seen.detectable is not None:
        text += f", and the smallest change that this run can detect is {in_words(seen.detectable)}"
    return text


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
    """Compare a gauge's share of readings out of range as it is: a gauge is read, not sampled."""
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
    """Compare a rate without a denominator to its baseline: its fall, or its rise if the bound is `at_most`."""
    now, before = tally(seen.bins), tally(seen.before)
    sign = 1 if seen.kpi.bound.at_most is not None else -1
    usual = before.total / before.seconds
    counts = tuple((sample.start, sample.total, sample.length) for sample in seen.before)
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
