from __future__ import annotations

import pytest
from gameday.steady_state.kpi.claim import RecoveryJudgement, Verdict
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series

from tests.steady_state.streams import (
    EFFECT,
    bound,
    counts,
    gauge,
    judged,
    latency,
    phases,
    rate,
    ratio,
    readings,
    requests,
    steady,
    within,
)

HELD, UNKNOWN, BROKEN = Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN


def recovery(
    series: Series, own: Kpi | None = None, seconds: float = 300, since: str = "impact", **more
) -> RecoveryJudgement:
    at = phases(**{name: more.pop(name) for name in tuple(more) if name in ("lasts", "after", "undo", "took_effect")})
    claim = within(seconds, since, more.pop("sustained", 60))
    (found,) = judged(
        {"orders": series}, {"orders": own or ratio()}, at, recovery=claim, during={"orders": None}
    ).recovery
    return found


def dip(begins: int, ends: int, depth: float = 0.5, seconds: int = 480) -> Series:
    """50 requests a second; `depth` of them fail between two seconds after the effect."""
    fault = counts([(50, 50 * depth if begins <= second < ends else 0) for second in range(seconds)], EFFECT)
    return steady(300) + fault


# Against a known truth ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "ends", "depth"),
    [(0, 60, 0.5), (5, 25, 0.5), (30, 33, 1.0), (0, 200, 0.05), (200, 210, 0.5), (1, 2, 1.0)],
)
def test_recovery_of_a_step_is_timed_to_the_bin(begins: int, ends: int, depth: float) -> None:
    found = recovery(dip(begins, ends, depth))
    assert found.verdict is HELD
    assert (found.impact, found.recovered, found.took) == (EFFECT + begins, EFFECT + ends, ends - begins)
    assert found.low <= found.took <= found.high


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("share_bad", "truth"),
    [
        (lambda second: 0.5 if 5 <= second < 65 else 0.002, 60),
        (lambda second: 0.05 if 20 <= second < 140 else 0.002, 120),
        (lambda second: max(0.002, 0.5 * (1 - second / 100)), 98),  # a ramp: within 1% from second 98
        (lambda second: 0.3 if second < 150 and second // 10 % 2 == 0 else 0.002, 150),  # flaps; the last may go unseen
        (lambda second: 1.0 if second < 60 else 0.0, 60),
    ],
)
def test_recovery_interval_covers_the_truth(seed: int, share_bad, truth: float) -> None:
    found = recovery(steady(300, 50, 0.1) + requests(seed, 480, share_bad, start=EFFECT))
    assert found.degraded
    assert found.low <= truth
    assert found.high is None or truth <= found.high
    if found.took is not None:
        assert abs(found.took - truth) <= 15


def falls(*spans: tuple[int, int], seconds: int = 480) -> Series:
    """50 requests a second; half of them fail in spans of seconds after the effect."""
    bad = (25 if any(first <= second < last for first, last in spans) else 0 for second in range(seconds))
    return steady(300) + counts(((50, count) for count in bad), EFFECT)


def test_recovery_is_the_first_instant_that_holds_as_claimed() -> None:
    found = recovery(falls((0, 30), (150, 158)))
    assert (found.verdict, found.took) == (HELD, 30)
    assert "it also fell 2m30s after impact, for 8s" in found.words


def test_recovery_of_flaps_counts_from_the_last() -> None:
    assert recovery(falls((0, 30), (80, 110), (150, 170))).took == 170


def test_a_later_fall_that_lasts_too_long_is_broken() -> None:
    found = recovery(falls((0, 2), (100, 300)), seconds=120)
    assert (found.verdict, found.took, found.impact) == (BROKEN, 200, EFFECT + 100)
    assert found.words.startswith("well until 1m40s after impact, then fell: back 3m20s after it fell")
    assert "it also fell at impact, for 2s" in found.words


def test_harm_after_the_undo_counts_from_its_own_impact() -> None:
    found = recovery(falls((300, 320), seconds=480), since="undo", seconds=60, lasts=120, after=360)
    assert (found.verdict, found.took, found.impact) == (HELD, 20, EFFECT + 300)
    assert found.words.startswith("well until 3m after undo, then fell: back 20s after it fell")


def test_a_fall_before_the_undo_counts_from_the_undo() -> None:
    found = recovery(falls((60, 150), seconds=480), since="undo", seconds=60, lasts=120, after=360)
    assert (found.verdict, found.took) == (HELD, 30)


def test_recovery_interval_narrows_with_traffic() -> None:
    def width(each: int) -> float:
        found = recovery(
            requests(1, 300, 0.002, each) + requests(2, 480, lambda s: 0.5 if s < 60 else 0.002, each, EFFECT)
        )
        return (found.high or 1e9) - (found.low or 0)

    assert width(200) < width(20)


# The claim ---------------------------------------------------------------------------------------------------------


def test_a_kpi_that_never_suffered_has_recovered() -> None:
    found = recovery(steady(780, 50, 0.1))
    assert (found.verdict, found.degraded, found.took, found.words) == (HELD, False, None, "did not suffer")


def test_recovery_too_late_is_broken() -> None:
    found = recovery(dip(0, 200), seconds=60)
    assert found.verdict is BROKEN
    assert found.words.startswith("back 3m20s after impact (between 3m18s and 3m")
    assert found.words.endswith("; claimed: 1m)")


def test_recovery_only_after_undo_is_broken_from_impact() -> None:
    found = recovery(dip(0, 425))
    assert (found.verdict, found.censored, found.took, found.high) == (BROKEN, True, None, None)
    assert found.words == "not back 7m after impact (claimed: 5m)"


def test_recovery_with_undo_before_claimed_time_is_unknown() -> None:
    found = recovery(dip(0, 425), seconds=600)
    assert (found.verdict, found.censored) == (UNKNOWN, True)
    assert found.words == "not proven to be back 7m after impact (claimed: 10m)"


@pytest.mark.parametrize("seconds", [59, 61])
def test_recovery_interval_across_the_claim_is_unknown(seconds: float) -> None:
    found = recovery(dip(0, 60), seconds=seconds)
    assert found.verdict is UNKNOWN
    assert "back 1m after impact (between 58s and" in found.words


def test_recovery_shortly_before_undo_is_not_sustained() -> None:
    found = recovery(dip(0, 390, seconds=480), seconds=410, sustained=60)
    assert found.verdict is UNKNOWN
    assert "the run watched it for only 30s after that; 1m was claimed" in found.words


def test_recovery_from_undo_counts_from_the_undo() -> None:
    series = dip(0, 440)  # 20 s beyond the undo
    found = recovery(series, seconds=60, since="undo", sustained=30)
    assert (found.verdict, found.took) == (HELD, 20)
    assert "back 20s after undo" in found.words
    assert recovery(series, seconds=10, since="undo", sustained=30).verdict is BROKEN


def test_recovery_before_undo_takes_no_time_from_undo() -> None:
    found = recovery(dip(0, 60), seconds=30, since="undo", sustained=30)
    assert (found.verdict, found.took, found.low, found.high) == (HELD, 0, 0, 0)


def test_after_phase_begins_at_the_recovery_from_undo() -> None:
    series = dip(0, 440)
    found = judged({"orders": series}, recovery=within(60, "undo", 30), during={"orders": None})
    assert found.verdict is HELD
    (after,) = [phase for phase in found.phases if phase.phase == "after"]
    assert after.total == 40 * 50
    assert "orders was back 20s after undo" in found.sentence


def test_sentence_of_broken_recovery_has_claim_and_number() -> None:
    found = judged({"orders": dip(0, 425)}, recovery=within(300), during={"orders": None})
    assert found.verdict is BROKEN
    assert "orders was not back 7m after impact (claimed: 5m)" in found.sentence


# Too little to tell ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ((), "no data to judge recovery"),
        (steady(300) + counts([(0, 0)] * 480, EFFECT), "no traffic to judge recovery"),
        (steady(300) + tuple(sample for sample in steady(480, start=EFFECT) if sample.start % 3 == 0), "too many gaps"),
        (steady(300) + steady(480, 0.1, start=EFFECT), "too little traffic"),
        (steady(300) + counts([(1, 1)] + [(0, 0)] * 479, EFFECT), "too little traffic"),
    ],
)
def test_recovery_without_enough_data_is_unknown(series: Series, words: str) -> None:
    found = recovery(series)
    assert found.verdict is UNKNOWN
    assert found.words.startswith(words)


def test_recovery_in_run_without_end_is_unknown() -> None:
    at = phases(undo=None, undone=None, end=None)
    (found,) = judged({"orders": dip(0, 60)}, at=at, recovery=within(300)).recovery
    assert (found.verdict, found.words) == (UNKNOWN, "the run did not get there")


def test_recovery_of_rate_without_baseline_is_unknown() -> None:
    own = rate(bound={"within": "10%", "of": "baseline"})
    assert recovery(steady(480, start=EFFECT), own).words == "no baseline to compare with"


# Other kinds -------------------------------------------------------------------------------------------------------


def capacity(*stretches: tuple[int, float]) -> Series:
    values = [6.0] * 300 + [value for seconds, value in stretches for _ in range(seconds)]
    return readings(values, gauge())


def test_recovery_of_gauge_is_timed_to_the_reading() -> None:
    found = recovery(capacity((10, 6), (110, 4), (360, 6)), gauge())
    assert (found.verdict, found.impact, found.took, found.low, found.high) == (HELD, EFFECT + 10, 110, 108, 112)


def test_gauge_with_a_short_dip_did_not_suffer() -> None:
    assert recovery(capacity((100, 6), (2, 4), (378, 6)), gauge()).words == "did not suffer"


def test_a_gauge_that_falls_again_has_a_second_episode() -> None:
    found = recovery(capacity((30, 4), (100, 6), (40, 4), (310, 6)), gauge())
    assert (found.verdict, found.took, found.impact) == (HELD, 40, EFFECT + 130)
    assert recovery(capacity((30, 4), (40, 6), (40, 4), (370, 6)), gauge()).took == 110


def test_a_gauge_that_stays_out_of_range_is_not_back() -> None:
    found = recovery(capacity((480, 4)), gauge())
    assert (found.verdict, found.censored) == (BROKEN, True)


def test_the_claim_of_the_design_holds_for_a_zone_that_heals() -> None:
    kpis = {"orders": ratio(), "checkout-capacity": gauge(tier="technical")}
    found = judged(
        {"orders": dip(0, 20), "checkout-capacity": capacity((120, 4), (360, 6))},
        kpis,
        recovery=within(300),
        during={"orders": bound(at_least="95%"), "checkout-capacity": None},
    )
    assert found.verdict is HELD
    assert found.sentence == (
        "Held: orders while the fault lasted: 97.6% of 21,000 (claimed: at least 95%); "
        "checkout-capacity was back 2m after impact (between 1m58s and 2m2s; claimed: 5m). "
        "About 500 orders were lost (492 to 500)."
    )


def test_latency_recovers_like_any_share() -> None:
    slow = counts([(50, 45 if second < 40 else 1) for second in range(480)], EFFECT)
    assert recovery(steady(300, 50, 1) + slow, latency()).took == 40


@pytest.mark.parametrize("during", [0, 20, 120])
def test_a_rate_recovers_from_either_side(during: float) -> None:
    own = rate(bound={"within": "20%", "of": "baseline"})
    falls = counts([(during if second < 90 else 50, 0) for second in range(480)], EFFECT)
    found = recovery(steady(300) + falls, own)
    assert (found.verdict, found.took) == (HELD, 90)


def test_recovery_interval_widens_by_a_gap() -> None:
    series = tuple(sample for sample in dip(0, 60) if not EFFECT + 50 <= sample.start < EFFECT + 70)
    found = recovery(series)
    assert found.low is not None
    assert found.low <= 50
    assert found.high is not None
    assert found.high >= 70
