from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from gameday.steady_state.judging.judge import judge
from gameday.steady_state.kpi.claim import Claim, PhaseJudgement, Verdict, worst
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series

from tests.steady_state.streams import (
    EFFECT,
    bound,
    counts,
    gauge,
    judged,
    kpi,
    latency,
    phases,
    rate,
    ratio,
    reading,
    readings,
    requests,
    steady,
    within,
)

HELD, UNKNOWN, BROKEN = Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN


def stream(during: float = 0.0, before: float = 0.0, after: float = 0.0, each: float = 50) -> Series:
    """5 minutes before, 7 during and 1 after, with so many of `each` bad in every second."""
    return counts([(each, before)] * 300 + [(each, during)] * 420 + [(each, after)] * 60)


def of_phase(series: Series, phase: str = "during", own: Kpi | None = None, **claim) -> PhaseJudgement:
    found = judged({"orders": series}, {"orders": own or ratio()}, **claim)
    return next(judgement for judgement in found.phases if judgement.phase == phase)


# Verdicts ----------------------------------------------------------------------------------------------------------


def test_a_workload_that_stays_healthy_holds_its_claim() -> None:
    found = judged({"orders": stream(during=0.1)})
    assert found.verdict is HELD
    assert found.sentence == (
        "Held: orders while the fault lasted: 99.8% of 21,000 (claimed: at least 99%). "
        "About 42 orders were lost (34 to 42)."
    )
    assert found.notes == ()


@pytest.mark.parametrize("phase", ["before", "during", "after"])
def test_a_breach_in_any_phase_breaks_the_claim(phase: str) -> None:
    found = judged({"orders": stream(**{phase: 5.0})})
    assert found.verdict is BROKEN
    assert {phase.phase for phase in found.phases if phase.verdict is BROKEN} == {phase}
    assert "orders" in found.sentence
    assert "90% of" in found.sentence
    assert "(claimed: at least 99%)" in found.sentence


def test_the_worst_verdict_wins() -> None:
    kpis = {"orders": ratio(), "browse": ratio(), "search": ratio()}
    found = judged({"orders": stream(), "browse": stream(during=5), "search": ()}, kpis)
    assert found.verdict is BROKEN
    assert judged({"orders": stream(), "search": ()}, {"orders": ratio(), "search": ratio()}).verdict is UNKNOWN
    assert worst([]) is UNKNOWN


def test_kpi_not_claimed_does_not_change_the_verdict() -> None:
    kpis = {"orders": ratio(), "browse": ratio()}
    found = judged({"orders": stream(), "browse": stream(during=25)}, kpis, claimed=("orders",))
    assert found.verdict is HELD
    assert [phase.verdict for phase in found.phases if phase.kpi == "browse"] == [HELD, BROKEN, HELD]


def test_during_has_its_own_bound() -> None:
    dip = counts([(50, 0)] * 300 + [(50, 25)] * 20 + [(50, 0)] * 460)
    assert of_phase(dip).verdict is BROKEN
    allowed = of_phase(dip, during={"orders": bound(at_least="95%")})
    assert (allowed.verdict, allowed.bound, allowed.seen) == (HELD, "at least 95%", "97.6% of 21,000")


def test_any_is_held_even_without_data() -> None:
    found = of_phase(steady(300), during={"orders": None})
    assert (found.verdict, found.bound, found.seen) == (HELD, "any", "no data")


# Too little to tell ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "seen"),
    [((), "no data"), (steady(300), "no data"), (counts([(50, 0)] * 300 + [(0, 0)] * 480), "no traffic")],
)
def test_phase_without_data_or_traffic_is_unknown(series: Series, seen: str) -> None:
    found = judged({"orders": series})
    assert found.verdict is UNKNOWN
    assert of_phase(series).seen.startswith(seen)
    assert seen in found.sentence
    assert "99%" in found.sentence


def test_phase_few_gaps_is_held_and_many_gaps_unknown() -> None:
    series = stream()
    assert of_phase(tuple(sample for sample in series if sample.start % 10 != 0)).verdict is HELD
    holey = of_phase(tuple(sample for sample in series if sample.start % 3 == 0))
    assert (holey.verdict, holey.seen) == (UNKNOWN, "100% of 7,000 (data for only 33% of the time)")


def test_phase_with_gaps_and_breach_is_broken() -> None:
    assert of_phase(tuple(sample for sample in stream(during=25) if sample.start % 3 == 0)).verdict is BROKEN


def test_phase_close_to_its_bound_is_unknown() -> None:
    found = of_phase(stream(during=0.48))
    assert found.verdict is UNKNOWN
    assert found.seen == "99.04% of 21,000 (too close to its bound to tell)"
    close = of_phase(stream(during=0.4))
    assert close.verdict is HELD
    few = of_phase(stream(during=0.0, each=0.4))
    assert few.seen == "100% of 168 (needs about 5m more)"


def test_phase_with_a_single_request_is_unknown() -> None:
    series = counts([(50, 0)] * 300 + [(0, 0)] * 200 + [(1, 1)] + [(0, 0)] * 219 + [(50, 0)] * 60)
    assert of_phase(series).verdict is UNKNOWN


@pytest.mark.parametrize("seed", range(30))
def test_a_truth_at_its_bound_is_not_called_held(seed: int) -> None:
    # Each is wrong with a chance of 5%, and the run's verdict needs all three phases: 1 in 8,000.
    assert judged({"orders": requests(seed, 780, 0.01)}).verdict is not HELD


def test_a_healthy_truth_is_held_or_unknown_but_never_broken() -> None:
    verdicts = [judged({"orders": requests(seed, 780, 0.005)}).verdict for seed in range(30)]
    assert BROKEN not in verdicts
    assert verdicts.count(HELD) > 20


# How a run may end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["guard", "alarm"])
def test_run_that_guard_or_alarm_ended_is_broken(why: str) -> None:
    found = judged({"orders": stream()}, at=phases(aborted=f"{why}: orders is at 12% of 240"))
    assert found.verdict is BROKEN
    what = "guard" if why == "guard" else "stop alarm"
    assert found.sentence == (
        f"Broken: the {what} ended the run (orders is at 12% of 240). Claim: orders at least 99%."
    )


@pytest.mark.parametrize("why", ["signal", "failed: ec2.StopInstances failed", "blind"])
def test_run_that_ended_early_otherwise_is_unknown(why: str) -> None:
    found = judged({"orders": stream(during=25)}, at=phases(aborted=why))
    assert found.verdict is UNKNOWN
    assert "ended the run early" in found.sentence
    assert "orders at least 99%" in found.sentence


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (phases(took_effect=None), "the fault had no effect, so the run tested nothing"),
        (phases(took_effect=None, injected=None), "the run injected nothing"),
        (
            phases(took_effect=None, undo=None, undone=None, end=None),
            "the fault had no effect, so the run tested nothing",
        ),
    ],
)
def test_run_without_effect_is_unknown(at, words: str) -> None:
    found = judged({"orders": stream()}, at=at, recovery=within(60), margin=0.01, contained=("shop",))
    assert found.verdict is UNKNOWN
    assert found.sentence == f"Unknown: {words}. Claim: orders at least 99%."


def test_run_without_verified_undo_is_unknown() -> None:
    found = judged({"orders": stream()}, at=phases(undone=None))
    assert found.verdict is UNKNOWN
    assert "the run did not get there" in found.sentence


def test_bins_around_effect_and_undo_belong_to_the_fault() -> None:
    minutes = Kpi.model_validate(
        ratio().model_dump(by_alias=True, mode="json")
        | {"ratio": {"bad": reading("F", missing="zero", period="1m"), "total": reading("T", period="1m")}}
    )
    hurt = (5, 11)  # the minutes in which the fault takes effect and is undone
    series = tuple(
        replace(minute, start=60 * minute.start, length=60.0)
        for minute in counts([(3000, 3000 if minute in hurt else 0) for minute in range(15)])
    )
    at = phases(injected=310.0, took_effect=320.0, undo=700.0, undone=700.0, end=900.0)
    found = judged({"orders": series}, {"orders": minutes}, at)
    assert [(phase.phase, phase.verdict) for phase in found.phases] == [
        ("before", HELD),
        ("during", BROKEN),
        ("after", HELD),
    ]


def test_harm_before_or_long_after_the_effect_is_broken() -> None:
    hurt_at_once = counts([(50, 0)] * 300 + [(50, 25)] * 30 + [(50, 0)] * 450)
    hurt_late = counts([(50, 0)] * 600 + [(50, 3)] * 120 + [(50, 0)] * 60)
    for series, took_effect in ((hurt_at_once, EFFECT + 60), (hurt_late, EFFECT + 300)):
        found = judged({"orders": series}, at=phases(took_effect=took_effect))
        assert found.verdict is BROKEN
    falls = counts([(50, 0)] * 300 + [(0, 0)] * 60 + [(50, 0)] * 420)
    assert (
        judged({"orders": falls}, {"orders": rate(bound={"at_least": "48/s"})}, phases(took_effect=EFFECT + 60)).verdict
        is BROKEN
    )


# Kinds of KPI ------------------------------------------------------------------------------------------------------


def test_latency_is_judged_by_its_share_of_slow_requests() -> None:
    assert of_phase(stream(during=2), own=latency()).seen == "96% of 21,000 within 300ms"
    assert of_phase(stream(during=2), own=latency()).verdict is HELD
    assert of_phase(stream(during=3), own=latency()).verdict is BROKEN


def test_latency_is_judged_over_another_limit_during_the_fault() -> None:
    own, other = latency(limits=["500ms"]), {"orders": bound(p95="500ms")}
    slow = tuple(replace(sample, over=((0.5, 1.0),)) for sample in stream(during=25))
    found = of_phase(slow, own=own, during=other)
    assert (found.verdict, found.seen) == (HELD, "98% of 21,000 within 500ms")
    assert of_phase(stream(during=25), own=own, during=other).verdict is UNKNOWN


def test_a_gauge_is_judged_by_its_share_of_readings() -> None:
    own = gauge()
    mostly = readings([6] * 300 + [5] * 20 + [6] * 460, own)
    found = of_phase(mostly, own=own)
    assert (found.verdict, found.seen) == (UNKNOWN, "in range 95.2% of 420 readings (too close to its bound to tell)")
    assert of_phase(readings([6] * 300 + [5] * 8 + [6] * 472, own), own=own).verdict is HELD
    assert of_phase(readings([6] * 300 + [5] * 60 + [6] * 420, own), own=own).verdict is BROKEN
    assert of_phase(mostly, own=own, during={"orders": bound(at_least=6, **{"for": "100%"})}).verdict is BROKEN
    assert of_phase(readings([6] * 300 + [5] * 480, own), own=own, during={"orders": bound(at_least=4)}).verdict is HELD
    assert of_phase(readings([6] * 2, own, EFFECT), own=own, at=phases(lasts=2)).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("written", "during", "verdict"),
    [
        ({"at_least": "40/s"}, 50, HELD),
        ({"at_least": "40/s"}, 30, BROKEN),
        ({"at_least": "40/s"}, 0, BROKEN),
        ({"at_least": "40/s"}, 40, UNKNOWN),
        ({"at_most": "60/s"}, 50, HELD),
        ({"at_most": "60/s"}, 70, BROKEN),
        ({"within": "5%", "of": "baseline"}, 50, HELD),
        ({"within": "5%", "of": "baseline"}, 45, BROKEN),
        ({"within": "5%", "of": "baseline"}, 55, BROKEN),
        ({"within": "5%", "of": "baseline"}, 47.5, UNKNOWN),
    ],
)
def test_rate_is_judged_on_the_side_of_its_bound(written, during: float, verdict: Verdict) -> None:
    series = counts([(50, 0)] * 300 + [(during, 0)] * 420 + [(50, 0)] * 60)
    found = of_phase(series, own=rate(bound=written))
    assert (found.verdict, found.seen.split()[0]) == (verdict, f"{during:g}/s")


def test_rate_of_baseline_without_baseline_says_so() -> None:
    own = rate(bound={"within": "5%", "of": "baseline"})
    assert of_phase(steady(480, start=EFFECT), own=own).seen == "50/s (the baseline has no data)"
    assert of_phase(stream(), "before", own=own).seen == "50/s (the baseline itself)"


@pytest.mark.parametrize(("missing", "verdict"), [(1.0, HELD), (2.5, UNKNOWN), (5.0, BROKEN)])
def test_a_rate_per_offered_load_is_a_ratio_against_its_baseline(missing: float, verdict: Verdict) -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    found = of_phase(stream(during=missing), own=own)
    assert found.verdict is verdict
    assert found.seen.startswith(f"{50 - missing:g}/s of 50/s offered")


def test_at_most_bound_shows_the_share_of_bad() -> None:
    found = of_phase(stream(during=0.2), own=kpi(ratio=ratio().ratio, bound={"at_most": "1%"}))
    assert (found.verdict, found.seen) == (HELD, "0.4% of 21,000 bad")


def test_no_share_is_rounded_into_its_bound() -> None:
    assert of_phase(stream(during=0.5001)).seen.startswith("98.9998% of 21,000")
    assert of_phase(counts([(50, 0)] * 779 + [(50, 1)]), "after").seen.startswith("99.97%")


def test_bound_of_100_percent_without_failures_is_held() -> None:
    assert judged({"orders": stream()}, {"orders": ratio("100%")}).verdict is HELD
    assert (
        judged({"orders": counts([(50, 0)] * 500 + [(50, 1)] * 1 + [(50, 0)] * 279)}, {"orders": ratio("100%")}).verdict
        is BROKEN
    )


# Sentences and notes -------------------------------------------------------------------------------------------------


def test_claim_without_business_kpi_has_a_note() -> None:
    found = judged({"orders": stream()}, {"orders": ratio(tier="technical")})
    assert found.notes == ("the experiment claims no business KPI, so it says nothing about what customers get",)


def test_sentence_names_two_findings_and_counts_the_others() -> None:
    names = ("one", "two", "three", "four")
    found = judged({name: stream(during=25) for name in names}, {name: ratio() for name in names})
    assert found.sentence == (
        "Broken: one while the fault lasted: 50% of 21,000 (claimed: at least 99%); "
        "two while the fault lasted: 50% of 21,000 (claimed: at least 99%), and 2 more (three, four). "
        "About 10,500 requests in one were lost (10,492 to 10,500); "
        "about 10,500 requests in two were lost (10,492 to 10,500), and 2 more."
    )


@pytest.mark.parametrize("jargon", ["p-value", "e-value", "alpha", "α", "φ", "sigma", "KL"])
def test_sentence_is_free_of_jargon(jargon: str) -> None:
    series = stream(during=5)
    for aborted in (None, "guard", "signal"):
        found = judged(
            {"orders": series}, at=phases(aborted=aborted), recovery=within(60), margin=0.01, contained=("shop",)
        )
        texts = " ".join(
            (found.sentence, *(module.words for module in (*found.recovery, *found.modules)), *found.notes)
        )
        assert jargon not in texts


def test_judging_twice_gives_the_same() -> None:
    claim = Claim({"orders": ratio()}, ("orders",), recovery=within(60), margin=0.01, contained=("shop",))
    series = {"orders": requests(1, 780, 0.02)}
    assert judge(claim, series, phases()) == judge(claim, series, phases())


def test_import_of_judging_loads_no_numpy() -> None:
    names = ("judging.judge", "judging.guard", "judging.precheck", "sources", "kpi.kpi")
    modules = ", ".join(f"gameday.steady_state.{name}" for name in names)
    heavy = "{'numpy', 'scipy', 'boto3', 'urllib3'}"
    script = f"import sys, {modules}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_long_period_has_a_note_on_its_delay() -> None:
    minutes = ratio()
    assert minutes.ratio is not None
    counts_a_minute = {
        name: source.model_copy(update={"period": 60.0})
        for name, source in (("bad", minutes.ratio.bad), ("total", minutes.ratio.total))
        if source is not None
    }
    own = minutes.model_copy(update={"ratio": minutes.ratio.model_copy(update=counts_a_minute)})
    assert judged({}, {"orders": own}).notes == (
        "orders has a sample every 1m, so Gameday sees an event 30s late on average, plus the source's delay",
    )
    assert judged({}).notes == ()
