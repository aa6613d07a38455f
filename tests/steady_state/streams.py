"""KPIs and streams of samples that tests of judging share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from gameday.steady_state.judging.judge import judge
from gameday.steady_state.kpi.claim import Claim, Judgement, Phases, Recovery
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Sample, Series

EFFECT = 300.0
"""Streams begin at 0; the fault is injected and takes effect here."""


def reading(metric: str, **more: Any) -> dict[str, Any]:
    return {"cloudwatch": f"Shop/{metric}", "period": "1s", **more}


def ratio(bound: str = "99%", **more: Any) -> Kpi:
    counts = {"bad": reading("Failed", missing="zero"), "total": reading("Tried")}
    return kpi(ratio=counts, **{"bound": {"at_least": bound}, **more})


def gauge(**more: Any) -> Kpi:
    return kpi(gauge=reading("Healthy", statistic="Minimum"), **{"bound": {"at_least": 6}, **more})


def latency(**more: Any) -> Kpi:
    return kpi(latency=reading("Seconds"), **{"bound": {"p95": "300ms"}, **more})


def rate(**more: Any) -> Kpi:
    return kpi(rate=reading("Orders"), **{"bound": {"at_least": "40/s"}, **more})


def kpi(**written: Any) -> Kpi:
    return Kpi.model_validate({"tier": "business", "module": "shop", **written})


def bound(**written: Any) -> Bound:
    return Bound.model_validate(written)


def counts(pairs: Iterable[tuple[float, float]], start: float = 0.0) -> Series:
    """Make a bin a second from pairs of (total, bad)."""
    return tuple(
        Sample(start + second, 1.0, total, bad, 1 - bad / total if total else None)
        for second, (total, bad) in enumerate(pairs)
    )


def steady(seconds: int, total: float = 50, bad: float = 0, start: float = 0.0) -> Series:
    return counts([(total, bad)] * seconds, start)


def requests(
    seed: int, seconds: int, share_bad: Callable[[int], float] | float, each: int = 50, start: float = 0.0
) -> Series:
    """Draw independent requests, `each` a second; `share_bad` is a share, or a function of the second since `start`."""
    draw = random.Random(seed)
    q = share_bad if callable(share_bad) else lambda _: share_bad
    bad = (sum(draw.random() < q(second) for _ in range(each)) for second in range(seconds))
    return counts(((float(each), float(failed)) for failed in bad), start)


def readings(values: Iterable[float], of: Kpi, start: float = 0.0) -> Series:
    return tuple(
        Sample(start + second, 1.0, 1.0, 0.0 if of.bound.admits(value) else 1.0, value)
        for second, value in enumerate(values)
    )


def phases(lasts: float = 420, after: float = 60, **other: Any) -> Phases:
    times: dict[str, Any] = {
        "before": (0.0, EFFECT),
        "injected": EFFECT,
        "took_effect": EFFECT,
        "undo": EFFECT + lasts,
        "undone": EFFECT + lasts,
        "end": EFFECT + lasts + after,
    }
    return Phases(**{**times, **other})


def judged(
    series: dict[str, Series], kpis: dict[str, Kpi] | None = None, at: Phases | None = None, **claim: Any
) -> Judgement:
    """Judge a claim about `orders`, unless `kpis` says otherwise."""
    own = kpis or {"orders": ratio()}
    return judge(Claim(**{"kpis": own, "claimed": tuple(own), **claim}), series, at or phases())


def within(seconds: float, since: str = "impact", sustained: float = 60) -> Recovery:
    return Recovery(seconds, since, sustained)
