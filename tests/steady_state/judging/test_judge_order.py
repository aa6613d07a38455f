"""Faults in order: the interval of each counts, and only data without our own undo prove a recovery."""

from __future__ import annotations

from dataclasses import replace

from gameday.steady_state.judging.recovery import stretches
from gameday.steady_state.kpi.claim import FaultInterval, Phases, TrafficProof, Verdict
from gameday.steady_state.samples import Series

from tests.steady_state.streams import EFFECT, bound, counts, judged, phases, ratio, steady, within

HELD, UNKNOWN, BROKEN = Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN


def interval(fault: str, begin: float, end: float) -> FaultInterval:
    return FaultInterval(fault, EFFECT + begin, EFFECT + begin, EFFECT + end, EFFECT + end)


def in_order(*intervals: FaultInterval, **other: float) -> Phases:
    return replace(phases(**other), faults=intervals)


def dips(*falls: tuple[int, int], seconds: int = 480, depth: float = 0.5) -> Series:
    """50 requests a second; `depth` of them fail in each fall."""
    bad = [any(begin <= second < end for begin, end in falls) for second in range(seconds)]
    return steady(300) + counts([(50, 50 * depth if is_bad else 0) for is_bad in bad], EFFECT)


def test_harm_of_one_fault_is_not_diluted_by_the_whole_time() -> None:
    series, during = {"orders": dips((200, 230), depth=0.2)}, {"orders": bound(at_least="97%")}
    whole = judged(series, at=phases(), during=during)
    assert whole.verdict is HELD
    apart = judged(series, at=in_order(interval("a", 0, 420), interval("b", 200, 230)), during=during)
    assert apart.verdict is BROKEN


def test_fault_without_effect_is_unknown_and_named() -> None:
    idle = replace(interval("throttle", 60, 420), took_effect=None)
    found = judged({"orders": steady(800)}, at=replace(in_order(interval("a", 0, 420), idle), took_effect=None))
    assert found.verdict is UNKNOWN
    assert "throttle" in found.sentence


def test_stretches_end_at_the_next_change_of_ours() -> None:
    at = in_order(interval("a", 0, 100), interval("b", 30, 420))
    found = [
        (each.start - EFFECT, each.end - EFFECT, each.ends_in_undo) for each in stretches(at, EFFECT, EFFECT + 420)
    ]
    assert found == [(0, 30, False), (30, 100, True)]


def test_recovery_after_an_own_undo_proves_nothing() -> None:
    """The system is back only since Gameday undid the first fault."""
    series = {"orders": dips((0, 100))}
    at = in_order(interval("a", 0, 100), interval("b", 30, 420))
    found = judged(series, at=at, recovery=within(150, sustained=30), during={"orders": None})
    assert found.recovery[0].verdict is not HELD
    alone = judged(series, at=phases(), recovery=within(150, sustained=30), during={"orders": None})
    assert alone.recovery[0].verdict is HELD


def test_recovery_counts_anew_from_each_injection() -> None:
    at = in_order(interval("a", 0, 420), interval("b", 200, 420))
    series = {"orders": dips((0, 50), (200, 250))}
    found = judged(series, at=at, recovery=within(80), during={"orders": None})
    assert found.recovery[0].verdict is HELD
    late = judged({"orders": dips((0, 130), (200, 250))}, at=at, recovery=within(80), during={"orders": None})
    assert late.recovery[0].verdict is BROKEN


def test_recovery_that_the_next_fault_cuts_short_proves_nothing() -> None:
    at = in_order(interval("a", 0, 420), interval("b", 40, 420))
    found = judged({"orders": dips((0, 90))}, at=at, recovery=within(80), during={"orders": None})
    assert found.recovery[0].verdict is HELD  # 50 s after the second injection
    found = judged({"orders": dips((0, 170))}, at=at, recovery=within(80), during={"orders": None})
    assert found.recovery[0].verdict is BROKEN


def test_traffic_shows_a_fault_only_in_its_own_time() -> None:
    """The first fault hurts; the second one, which no read can prove, does nothing."""
    at = in_order(interval("a", 0, 100), interval("isolate", 150, 420))
    proof = TrafficProof(("orders",), "pooled connections", (1,))
    series = {"orders": dips((0, 100))}
    found = judged(series, at=at, during={"orders": None}, traffic=proof)
    assert found.verdict is UNKNOWN
    hurt = judged({"orders": dips((0, 100), (150, 420))}, at=at, during={"orders": None}, traffic=proof)
    assert hurt.verdict is HELD


def test_first_undo_after_an_impact_ends_what_proves_recovery() -> None:
    at = in_order(interval("a", 0, 100), interval("b", 30, 420))
    assert at.undo_after(EFFECT + 10) == EFFECT + 100
    assert at.undo_after(EFFECT + 200) == EFFECT + 420
    assert phases().undo_after(EFFECT + 10) == EFFECT + 420


def test_faults_that_begin_and_end_together_have_no_intervals() -> None:
    assert stretches(phases(), EFFECT, EFFECT + 420)[0].ends_in_undo
    assert judged({"orders": steady(800)}, {"orders": ratio()}).verdict is HELD


def test_run_halted_at_the_moment_of_its_effect_is_unknown() -> None:
    at = replace(phases(), injected=EFFECT, took_effect=EFFECT, undo=EFFECT, aborted="halt: a person")
    found = judged({"orders": steady(800)}, {"orders": ratio()}, at=at)
    assert found.verdict is UNKNOWN
