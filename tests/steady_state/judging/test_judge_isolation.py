from __future__ import annotations

import pytest
from gameday.steady_state.kpi.claim import Judgement, ModuleJudgement, Verdict
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series

from tests.steady_state.streams import (
    EFFECT,
    counts,
    gauge,
    judged,
    kpi,
    phases,
    rate,
    ratio,
    reading,
    readings,
    requests,
    steady,
)

HELD, UNKNOWN, BROKEN = Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN


def stream(before: float, during: float, each: float = 50, seconds: int = 480) -> Series:
    return steady(300, each, before) + steady(seconds, each, during, start=EFFECT)


def isolation(series: dict[str, Series], kpis: dict[str, Kpi], contained: tuple[str, ...], **more) -> Judgement:
    whole = {"orders": stream(0, 0), **series}
    known = {"orders": ratio(module="hit"), **kpis}
    return judged(whole, known, claimed=("orders",), margin=0.01, contained=contained, **more)


def of_catalog(series: Series, own: Kpi | None = None, **more) -> ModuleJudgement:
    found = isolation({"catalog": series}, {"catalog": own or ratio(module="catalog")}, ("catalog",), **more)
    (module,) = found.modules
    assert found.verdict is module.verdict
    return module


def test_a_module_that_stays_as_it_was_is_contained() -> None:
    found = of_catalog(stream(0.1, 0.2))
    assert (found.verdict, found.worst_kpi) == (HELD, "catalog")
    assert found.change == pytest.approx(0.002)
    assert found.low < 0.002 < found.high < 0.01
    assert found.words == "catalog: catalog got worse by 0.2 points (at most 0.29 points worse); 1 point was allowed"


def test_module_worse_by_more_than_the_margin_is_spread() -> None:
    found = isolation({"catalog": stream(0.1, 2.5)}, {"catalog": ratio(module="catalog")}, ("catalog",))
    assert found.verdict is BROKEN
    assert found.sentence.startswith("Broken: catalog: got worse by 4.8 points (at least 4.")
    assert found.sentence.endswith("1 point was allowed.")


def test_module_changed_by_the_margin_is_unknown() -> None:
    found = of_catalog(stream(0.1, 0.6))
    assert found.verdict is UNKNOWN
    assert 0.01 < found.detectable < 0.02
    assert "the smallest change that this run can detect is " in found.words


def test_module_with_little_traffic_is_unknown() -> None:
    found = of_catalog(stream(0, 0, each=0.2))
    assert found.verdict is UNKNOWN
    assert found.detectable > 0.02


def test_module_changed_within_the_margin_is_contained() -> None:
    assert of_catalog(stream(0, 20, each=5000)).verdict is HELD


def test_module_that_gets_better_is_contained() -> None:
    found = of_catalog(stream(2, 0))
    assert found.verdict is HELD
    assert found.words == "catalog: catalog got better by 4 points; 1 point was allowed"


@pytest.mark.parametrize(
    ("series", "why"),
    [
        (steady(300), "no data"),
        (steady(480, start=EFFECT), "no data"),
        (stream(0, 0)[:400], "too many gaps"),
        (steady(300) + steady(480, 0, start=EFFECT), "no traffic"),
        (steady(300, 0) + steady(480, start=EFFECT), "no traffic"),
    ],
)
def test_module_without_data_or_traffic_is_unknown(series: Series, why: str) -> None:
    found = of_catalog(series)
    assert (found.verdict, found.change) == (UNKNOWN, None)
    assert found.words == f"catalog: catalog cannot be judged: {why}"


def test_module_without_kpi_has_a_note_and_no_verdict() -> None:
    found = isolation({"catalog": stream(0, 0)}, {"catalog": ratio(module="catalog")}, ("catalog", "search"))
    assert found.verdict is HELD
    assert [(module.module, module.verdict, module.judged) for module in found.modules] == [
        ("catalog", HELD, True),
        ("search", UNKNOWN, False),
    ]
    assert found.notes == ("search cannot be judged: it has no KPI",)
    assert found.sentence.endswith("module catalog stayed within the margin of 1 point.")


def test_isolation_without_any_kpi_is_unknown() -> None:
    found = isolation({}, {}, ("catalog", "search"))
    assert found.verdict is UNKNOWN
    assert found.sentence == "Unknown: no contained module has a KPI, so nothing can judge the margin of 1 point."


def test_isolation_without_contained_module_has_a_note() -> None:
    found = isolation({}, {}, ())
    assert found.verdict is HELD
    note = "the experiment claims isolation, but every module may suffer, so there is nothing to judge"
    assert found.notes == (note,)


def test_without_a_claim_of_isolation_no_module_is_judged() -> None:
    assert judged({"orders": stream(0, 0)}, margin=None, contained=("shop",)).modules == ()


def test_a_module_is_as_bad_as_its_worst_kpi() -> None:
    kpis = {"fine": ratio(module="catalog"), "hurt": ratio(module="catalog", tier="technical")}
    found = isolation({"fine": stream(0, 0), "hurt": stream(0, 5)}, kpis, ("catalog",))
    assert [(module.verdict, module.worst_kpi) for module in found.modules] == [(BROKEN, "hurt")]


def test_module_in_run_that_ended_early_is_unknown() -> None:
    found = isolation(
        {"catalog": stream(0, 5)}, {"catalog": ratio(module="catalog")}, ("catalog",), at=phases(aborted="signal")
    )
    assert [(module.verdict, module.words) for module in found.modules] == [(UNKNOWN, "catalog: the run ended early")]


def test_module_gauge_counts_readings_out_of_range() -> None:
    own = gauge(module="catalog", tier="technical")
    assert of_catalog(readings([6] * 780, own), own).verdict is HELD
    assert of_catalog(readings([6] * 300 + [5] * 2 + [6] * 478, own), own).verdict is UNKNOWN
    assert of_catalog(readings([6] * 300 + [5] * 20 + [6] * 460, own), own).verdict is BROKEN
    assert of_catalog(readings([6] * 2, own, 298) + readings([6] * 480, own, EFFECT), own).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("written", "during", "verdict"),
    [
        ({"at_least": "40/s"}, 5000, HELD),
        ({"at_least": "40/s"}, 4900, BROKEN),
        ({"at_least": "40/s"}, 5500, HELD),
        ({"at_most": "60/s"}, 5100, BROKEN),
        ({"at_most": "60/s"}, 4500, HELD),
        ({"at_least": "40/s"}, 4950, UNKNOWN),
    ],
)
def test_module_rate_change_is_relative_to_its_baseline(written, during: float, verdict: Verdict) -> None:
    own = rate(module="catalog", bound=written)
    assert of_catalog(steady(300, 5000) + steady(480, during, start=EFFECT), own).verdict is verdict


def test_module_rate_with_little_traffic_is_unknown() -> None:
    own = rate(module="catalog")
    found = of_catalog(stream(0, 0), own)
    assert found.verdict is UNKNOWN
    assert found.words == (
        "catalog: catalog may have got worse by up to 1.8%; 1% was allowed, "
        "and the smallest change that this run can detect is 3.7%"
    )


def test_a_rate_per_offered_load_is_compared_as_a_share() -> None:
    written = {"within": "5%", "of": "baseline"}
    own = kpi(module="catalog", rate=reading("Orders"), per=reading("Tried"), bound=written)
    assert of_catalog(stream(1, 1), own).verdict is HELD
    assert of_catalog(stream(1, 3), own).verdict is BROKEN


def test_many_healthy_modules_are_not_called_spread() -> None:
    names = [f"m{number}" for number in range(20)]
    wrong = 0
    for seed in range(5):
        series = {name: requests(seed * 100 + index, 780, 0.01, each=20) for index, name in enumerate(names)}
        found = isolation(series, {name: ratio(module=name) for name in names}, tuple(names))
        wrong += any(module.verdict is BROKEN for module in found.modules)
        assert sum(module.verdict is HELD for module in found.modules) >= 18
    assert wrong == 0


def test_many_modules_at_the_margin_are_not_called_spread() -> None:
    names = [f"m{number}" for number in range(20)]
    series = {
        name: requests(index, 300, 0.01, each=20) + requests(-1 - index, 480, 0.02, each=20, start=EFFECT)
        for index, name in enumerate(names)
    }
    found = isolation(series, {name: ratio(module=name) for name in names}, tuple(names))
    assert not [module.module for module in found.modules if module.verdict is BROKEN]


def test_hurt_module_among_many_is_found() -> None:
    names = [f"m{number}" for number in range(20)]
    series = {name: requests(index, 780, 0.005, each=20) for index, name in enumerate(names)}
    series["m7"] = series["m7"][:300] + requests(7, 480, 0.03, each=20, start=EFFECT)
    found = isolation(series, {name: ratio(module=name) for name in names}, tuple(names))
    assert [module.module for module in found.modules if module.verdict is BROKEN] == ["m7"]


def test_bursts_that_all_modules_share_are_not_called_spread() -> None:
    def bursts(second: int) -> float:
        return 0.05 if second % 90 < 15 else 0.002

    names = [f"m{number}" for number in range(6)]
    for seed in range(5):
        # The fault's minutes hold one burst more than the baseline's would: a plain test would call that a change.
        series = {name: counts_of(seed * 10 + index, bursts) for index, name in enumerate(names)}
        found = isolation(series, {name: ratio("90%", module=name) for name in names}, tuple(names))
        assert BROKEN not in {module.verdict for module in found.modules}


def counts_of(seed: int, share_bad) -> Series:
    return requests(seed, 300, share_bad) + requests(seed + 5, 480, share_bad, start=EFFECT)


def test_module_without_any_failures_is_contained() -> None:
    found = of_catalog(counts([(50, 0)] * 780))
    assert (found.verdict, found.change) == (HELD, 0)
    assert "stayed as it was" in found.words
