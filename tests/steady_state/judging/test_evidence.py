from __future__ import annotations

from itertools import product
from math import comb, exp, prod

import numpy as np
import pytest
from gameday.steady_state.judging.baseline import blocks, caution, inflation
from gameday.steady_state.judging.compare import Spread, interval, rate_tails, rates_tails, score, share_tails
from gameday.steady_state.judging.edges import Edge, count, edges_of
from gameday.steady_state.judging.evidence import SequentialTest, Weights, breach, health
from gameday.steady_state.samples import Tally

from tests.steady_state.streams import bound, counts, kpi, latency, rate, ratio, reading, requests

REQUESTS = 12
STREAMS = list(product((0, 1), repeat=REQUESTS))


def evidence(weights: Weights, bins: list[tuple[float, float]]) -> float:
    return sum(exp(sum(logs)) for logs in zip(*(weights.logs(*pair) for pair in bins), strict=True)) / len(
        weights.pairs
    )


@pytest.mark.parametrize("edge", [0.01, 0.05, 0.5, 0.97])
@pytest.mark.parametrize("weighing", [breach, health])
def test_evidence_at_the_edge_has_mean_one(edge: float, weighing) -> None:
    weights = weighing(Edge("share", edge))
    mean = sum(
        prod(edge if bad else 1 - edge for bad in stream) * evidence(weights, [(bad, 1 - bad) for bad in stream])
        for stream in STREAMS
    )
    assert mean == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("edge", [0.01, 0.05, 0.5])
def test_sequential_test_at_the_edge_keeps_mean_one(edge: float) -> None:
    streams = np.array(STREAMS).T
    chance = np.where(streams, edge, 1 - edge).prod(axis=0)
    evidence = SequentialTest(breach(Edge("share", edge)), REQUESTS).add(streams, 1 - streams)
    assert list(evidence @ chance) == pytest.approx([1.0] * REQUESTS, abs=1e-12)


def test_sequential_test_streams_do_not_influence_each_other() -> None:
    streams = np.array(STREAMS[::97]).T
    weights = breach(Edge("share", 0.05))
    together = SequentialTest(weights, REQUESTS).add(streams, 1 - streams)
    for number, stream in enumerate(streams.T):
        alone = SequentialTest(weights, REQUESTS)
        one_by_one = [float(alone.add([bad], [1 - bad])[0]) for bad in stream]
        assert list(together[:, number]) == pytest.approx(one_by_one, rel=1e-12)


@pytest.mark.parametrize(("truth", "side"), [(0.005, breach), (0.02, health)])
def test_evidence_on_the_wrong_side_has_mean_below_one(truth: float, side) -> None:
    weights = side(Edge("share", 0.01))
    mean = sum(
        comb(REQUESTS, bad) * truth**bad * (1 - truth) ** (REQUESTS - bad) * evidence(weights, [(bad, REQUESTS - bad)])
        for bad in range(REQUESTS + 1)
    )
    assert mean < 1


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("weighing", [breach, health])
def test_evidence_of_a_rate_at_the_edge_has_mean_one(above: bool, weighing) -> None:
    weights, mean, chance = weighing(Edge("rate", 2.0, above=above)), 0.0, exp(-6.0)
    for events in range(220):  # Poisson of 2/s over 3 s
        mean += chance * evidence(weights, [(events, 3.0)])
        chance *= 6.0 / (events + 1)
    assert mean == pytest.approx(1, abs=1e-9)


def test_evidence_per_request_equals_evidence_per_bin() -> None:
    weights = breach(Edge("share", 0.05))
    one_by_one = evidence(weights, [(1, 0)] * 3 + [(0, 1)] * 9)
    assert evidence(weights, [(3, 9)]) == pytest.approx(one_by_one, rel=1e-12)


def test_evidence_of_huge_counts_stays_finite() -> None:
    watch = SequentialTest(breach(Edge("share", 0.01)), 10)
    for _ in range(10):
        assert 1e4 < watch.add([1e6], [0])[0] < float("inf")
    assert watch.add([0], [1e6])[0] < float("inf")


@pytest.mark.parametrize(("bad", "total", "share"), [(0, 60, 0.01), (3, 60, 0.01), (60, 60, 0.99), (7, 20, 0.5)])
def test_binomial_tails_are_exact(bad: int, total: int, share: float) -> None:
    chance = [comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
    tails = share_tails(share, bad, total)
    assert tails.at_most == pytest.approx(sum(chance[: bad + 1]))
    assert tails.at_least == pytest.approx(sum(chance[bad:]))


def test_share_tails_at_edge_0_or_1_follow_the_counts() -> None:
    assert share_tails(0, 0, 50).at_most == 0
    assert share_tails(0, 1, 50).at_least == 0
    assert share_tails(1, 50, 50).at_most == 0


def test_poisson_tails_are_exact() -> None:
    chance, chances = exp(-6.0), []
    for events in range(60):
        chances.append(chance)
        chance *= 6.0 / (events + 1)
    tails = rate_tails(2.0, 4, 3.0, 1.0)
    assert tails.at_most == pytest.approx(sum(chances[:5]))
    assert tails.at_least == pytest.approx(sum(chances[4:]))


def tallied(total: float, bad: float, seconds: float = 1.0) -> Tally:
    return Tally(total, bad, seconds, 1)


# Newcombe, Statistics in Medicine 17, 1998, 873-890, table II, the Miettinen-Nurminen rows.
@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [((70, 56), (80, 48), 0.0528, 0.3382), ((10, 9), (10, 3), 0.1700, 0.8406)],
)
def test_interval_of_a_change_equals_the_published_values(now, before, low: float, high: float) -> None:
    found = interval(tallied(*now), tallied(*before), 1.959964, Spread())
    assert found == pytest.approx((low, high), abs=5e-5)


def test_score_without_failures_is_zero() -> None:
    assert score(tallied(50, 0), tallied(50, 0), 0.0) == 0
    assert score(tallied(5000, 0), tallied(5000, 0), 0.01) < -5


def test_bursts_widen_the_interval_of_a_change() -> None:
    now, before = tallied(3000, 30), tallied(3000, 30)
    low, high = interval(now, before, 1.96, Spread(relative=0.5, each=300))
    even_low, even_high = interval(now, before, 1.96, Spread())
    assert low < even_low < even_high < high


def test_rates_tails_compare_two_rates_given_both_counts() -> None:
    now, before = tallied(50, 0, seconds=10), tallied(1000, 0, seconds=100)
    tails = rates_tails(1.0, now, before, 1.0)
    assert tails.at_most < 1e-4  # half of what it was
    assert rates_tails(0.5, now, before, 1.0).at_most == pytest.approx(0.53, abs=0.05)
    assert rates_tails(1.0, now, before, 10.0).at_most > tails.at_most


# The baseline's bursts ---------------------------------------------------------------------------------------------


def known(series, own) -> tuple[tuple[float, float, float], ...]:
    return tuple((sample.start, *count(own, own.bound, sample)) for sample in series)


def test_inflation_of_bursty_baseline_is_large() -> None:
    even = requests(1, 600, 0.005)
    bursts = requests(1, 600, lambda second: 0.04 if second % 120 < 15 else 0.0)
    edge = Edge("share", 0.01)
    assert inflation(edge, known(bursts, ratio())) > 3 > inflation(edge, known(even, ratio())) >= 1


def test_inflation_at_edge_beyond_the_bursts_is_one() -> None:
    bursts = known(requests(1, 600, lambda second: 0.04 if second % 120 < 15 else 0.0), ratio())
    assert inflation(Edge("share", 0.5), bursts) == 1


@pytest.mark.parametrize("series", [(), counts([(50, 0)] * 300), counts([(50, 0)] * 299 + [(50, 2)]), counts([(1, 1)])])
def test_inflation_of_baseline_without_bursts_is_one(series) -> None:
    assert inflation(Edge("share", 0.01), known(series, ratio())) == 1


def test_inflation_of_bursty_rate_is_large() -> None:
    own = rate()
    even, bursts = counts([(50, 0)] * 600), counts([(150 if second % 90 < 30 else 0, 0) for second in range(600)])
    assert inflation(Edge("rate", 40, above=False), known(even, own)) == 1
    assert inflation(Edge("rate", 40, above=False), known(bursts, own)) > 5


def test_blocks_of_short_baseline_are_shorter() -> None:
    assert len(blocks(known(counts([(50, 1)] * 600), ratio()))) == 20
    assert len(blocks(known(counts([(50, 1)] * 60), ratio()))) == 10


@pytest.mark.parametrize("seconds", [60, 299, 300, 301, 315, 329, 330, 600, 3601])
def test_blocks_have_equal_length(seconds: int) -> None:
    sizes = [sum(pair) for pair in blocks(known(counts([(50, 1)] * seconds), ratio()))]
    assert sum(sizes) == 50 * seconds
    assert max(sizes) - min(sizes) <= 50


@pytest.mark.parametrize("last", [(1, 1), (20, 1)])
def test_inflation_ignores_a_failure_in_the_last_second(last: tuple[int, int]) -> None:
    even = counts([(20, int(second % 15 == 7)) for second in range(300)])
    one_more = counts([(20, int(second % 15 == 7)) for second in range(300)] + [last])
    edge = Edge("share", 0.1)
    assert inflation(Edge("share", 0.01), known(one_more, ratio())) == 1
    for limit in (edge, Edge("share", 0.01)):
        assert caution(limit, known(one_more, ratio())) == pytest.approx(caution(limit, known(even, ratio())), rel=0.05)


# Bounds as edges ---------------------------------------------------------------------------------------------------


def test_every_bound_becomes_its_edges() -> None:
    assert edges_of(ratio("99%"), bound(at_least="99%"), ()) == (Edge("share", pytest.approx(0.01)),)
    assert edges_of(ratio(), bound(at_most="2%"), ()) == (Edge("share", 0.02),)
    assert edges_of(latency(), bound(p95="300ms"), ()) == (Edge("share", pytest.approx(0.05)),)
    assert edges_of(rate(), bound(at_least="40/s"), ()) == (Edge("rate", 40, above=False),)
    assert edges_of(rate(), bound(at_most="60/s"), ()) == (Edge("rate", 60),)


def test_a_bound_around_the_baseline_allows_for_its_uncertainty() -> None:
    of_baseline = bound(within="5%", of="baseline")
    low, high = edges_of(rate(bound={"within": "5%", "of": "baseline"}), of_baseline, counts([(50, 0)] * 100))
    assert (low.above, high.above) == (False, True)
    assert 46 < low.at < 47.5 < 52.5 < high.at < 54
    assert edges_of(rate(), of_baseline, ()) == ()


def test_a_rate_per_offered_load_is_a_share() -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    (edge,) = edges_of(own, own.bound, counts([(50, 0)] * 600))
    assert edge == Edge("share", pytest.approx(0.05))
    worse, better = edges_of(own, own.bound, counts([(50, 10)] * 100))
    assert 1 - 0.8 * 0.95 < worse.at < 0.255
    assert 0.145 < better.at < 1 - 0.8 * 1.05
    assert count(own, own.bound, counts([(50, 8)])[0]) == (8, 42)
    absolute = own.model_copy(update={"bound": bound(at_least="40/s")})
    assert count(absolute, absolute.bound, counts([(50, 8)])[0]) == (42, 1)


@pytest.mark.parametrize("q", [0.0, 0.005, 0.3, 1.0])
def test_sequential_test_batch_equals_bin_by_bin(q: float) -> None:
    bad = np.random.default_rng(3).random(400) < q
    together, each = (SequentialTest(breach(Edge("share", 0.01)), 600) for _ in range(2))
    one_by_one = np.concatenate([each.add([failed], [1 - failed]) for failed in bad.astype(float)])
    enough = 1e30  # beyond what decides anything it need not be the same
    assert np.minimum(together.add(bad, ~bad), enough) == pytest.approx(np.minimum(one_by_one, enough), rel=1e-9)
