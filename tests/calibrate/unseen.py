"""Whole runs of streams on which nothing was tuned, each with the share of runs refused and of unknown verdicts.

A rate of false verdicts is that of the runs that were let in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from gameday.steady_state.judging.judge import judge
from gameday.steady_state.judging.precheck import refusals
from gameday.steady_state.kpi.claim import Claim, Judgement, Phases, Verdict
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Sample, Series, reading_of, share_of

from tests.calibrate import unseen_streams as streams
from tests.calibrate.row import Job, Row, lower, upper
from tests.calibrate.unseen_streams import BEFORE, DURING, WHOLE, Counts, Values
from tests.steady_state.streams import kpi, reading, within

PHASES = Phases((0.0, BEFORE), BEFORE, BEFORE, BEFORE + DURING, BEFORE + DURING, WHOLE)
Kpis = Mapping[str, Kpi]
Sees = Callable[[Judgement], bool]


@dataclass(frozen=True)
class Setting:
    """What a row claims: KPIs, recovery, isolation."""

    kpis: Kpis
    margin: float | None = None
    recovery: float | None = 240.0
    anything: bool = False  # no bound while the fault lasts

    @property
    def claim(self) -> Claim:
        """The claim on all of these KPIs."""
        modules = tuple(self.kpis) if self.margin is not None else ()
        claimed = () if modules else tuple(self.kpis)
        recovery = within(self.recovery) if self.recovery and not modules else None
        during = dict.fromkeys(claimed) if self.anything else {}
        return Claim(dict(self.kpis), claimed, during, recovery, self.margin, modules)


@dataclass
class Seen:
    """What came of the runs of a row."""

    let_in: int = 0
    refused: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    hits: int = 0

    @property
    def words(self) -> str:
        """The shares, in words."""
        runs = self.let_in + self.refused
        parts = ", ".join(f"{verdict.value} {self.verdicts[verdict] / max(1, self.let_in):.3f}" for verdict in Verdict)
        return f"{parts}; refused {self.refused / runs:.2f} of {runs:,}"


def ratio_of(period: int, bound: str = "99%") -> Kpi:
    """Make a ratio with bins of so many seconds."""
    every = f"{period}s"
    return kpi(
        ratio={"bad": reading("Failed", period=every, missing="zero"), "total": reading("Tried", period=every)},
        bound={"at_least": bound},
    )


def rate_of(period: int) -> Kpi:
    """Make a rate of at least 40 a second, with bins of so many seconds."""
    return kpi(rate=reading("Orders", period=f"{period}s"), bound={"at_least": "40/s"})


def gauge_of(period: int, **bound: object) -> Kpi:
    """Make a gauge that is read every so many seconds."""
    return kpi(gauge=reading("Level", period=f"{period}s"), bound=bound)


def binned(counts: Counts, period: int) -> Series:
    """Sum seconds up to bins."""
    total, bad = (part.reshape(-1, period).sum(axis=1).tolist() for part in counts)
    return tuple(
        share_of(index * period, period, size, failed)
        for index, (size, failed) in enumerate(zip(total, bad, strict=True))
    )


def counted(events: Values, period: int) -> Series:
    """Sum events up to bins of a rate."""
    sums = events.reshape(-1, period).sum(axis=1).tolist()
    return tuple(Sample(index * period, period, count, 0.0, count / period) for index, count in enumerate(sums))


def read(values: Values, own: Kpi, period: int) -> Series:
    """Read a gauge at the end of each period."""
    every = enumerate(values[period - 1 :: period].tolist())
    return tuple(reading_of(index * period, period, value, own.bound.admits(value)) for index, value in every)


def played(
    setting: Setting, draw: Callable[[np.random.Generator], dict[str, Series]], sees: Sees, seed: int, runs: int
) -> Seen:
    """Play runs: check the baseline, then judge those that are let in; count what `sees` sees."""
    claim, seen = setting.claim, Seen()
    for run in range(runs):
        series = draw(np.random.default_rng([1500, seed, run]))
        if refusals(dict(setting.kpis), series, PHASES.before):
            seen.refused += 1
            continue
        seen.let_in += 1
        judged = judge(claim, series, PHASES)
        seen.verdicts[judged.verdict] += 1
        seen.hits += sees(judged)
    return seen


def is_(verdict: Verdict) -> Sees:
    """See whether a run has this verdict."""
    return lambda judged: judged.verdict is verdict


def during_is(verdict: Verdict) -> Sees:
    """See whether some KPI has this verdict while the fault lasts."""
    return lambda judged: any(phase.verdict is verdict for phase in judged.phases if phase.phase == "during")


def loss_misses(truth: float) -> Sees:
    """See whether the interval of the loss misses its truth."""
    return lambda judged: (
        not any(
            loss.low is not None and loss.high is not None and round(loss.low) <= truth <= round(loss.high)
            for loss in judged.losses
        )
    )


@dataclass(frozen=True)
class Case:
    """A row: what may be seen in at most `most` of the runs let in."""

    name: str
    setting: Setting
    draw: Callable[[np.random.Generator], dict[str, Series]]
    sees: Sees
    what: str
    most: float | None = 0.05
    runs: int = 500

    def fill(self, share: float) -> list[Row]:
        """Play the row's runs."""
        runs = max(20, int(self.runs * share))
        seed = sum(ord(letter) * (index + 1) for index, letter in enumerate(self.name))
        seen = played(self.setting, self.draw, self.sees, seed, runs)
        found = (
            f"{seen.hits} of {seen.let_in:,} let in ({upper(seen.hits, max(1, seen.let_in)):.1e} at most); {seen.words}"
        )
        if self.most is None:
            return [Row(f"unseen: {self.name}: {self.what}", "", found)]
        passed = not seen.hits if not self.most else lower(seen.hits, max(1, seen.let_in)) <= self.most
        return [Row(f"unseen: {self.name}: {self.what}", f"at most {self.most:g}", found, passed)]


def _shares(
    period: int, stream: Callable[[np.random.Generator], Counts]
) -> tuple[Setting, Callable[[np.random.Generator], dict[str, Series]]]:
    return Setting({"orders": ratio_of(period)}), lambda rng: {"orders": binned(stream(rng), period)}


def _rates(
    period: int, stream: Callable[[np.random.Generator], Values], bound: Kpi | None = None
) -> tuple[Setting, Callable[[np.random.Generator], dict[str, Series]]]:
    return Setting({"orders": bound or rate_of(period)}), lambda rng: {"orders": counted(stream(rng), period)}


def _gauges(
    own: Kpi, period: int, stream: Callable[[np.random.Generator], Values], many: int = 10
) -> tuple[Setting, Callable[[np.random.Generator], dict[str, Series]]]:
    kpis = {f"m{index}": own.model_copy(update={"module": f"m{index}"}) for index in range(many)}
    setting = Setting(kpis, margin=0.01) if many > 1 else Setting(kpis, recovery=None)
    return setting, lambda rng: {name: read(stream(rng), own, period) for name in kpis}


def silent(rng: np.random.Generator, period: int, lasts: int) -> dict[str, Series]:
    """Publish nothing for a part of the fault: its bins are missing."""
    bins = binned(streams.independent(rng, 0.0005), period)
    first = BEFORE // period + int(rng.integers(0, (DURING - lasts) // period + 1))
    return {"orders": bins[:first] + bins[first + lasts // period :]}


def uneven_modules(
    stream: Callable[[np.random.Generator], Values], period: int
) -> tuple[Setting, Callable[[np.random.Generator], dict[str, Series]]]:
    """Make five modules with a rate each, which must stay within 10% of their baselines."""
    own = rate_of(period)
    kpis = {f"m{index}": own.model_copy(update={"module": f"m{index}"}) for index in range(5)}
    return Setting(kpis, margin=0.1), lambda rng: {name: counted(stream(rng), period) for name in kpis}


BROKEN, HELD, UNKNOWN = Verdict.BROKEN, Verdict.HELD, Verdict.UNKNOWN
LEFT = {"80% never arrive": (0.2, 420), "none arrives for 300s of 420s": (0.0, 300), "none arrives for 70s": (0.0, 70)}

CASES = (
    *(
        Case(
            f"{name}, {period}s bins",
            *_shares(period, partial(streams.lost, left=left, lasts=lasts)),
            is_(HELD),
            "held",
            0.0,
            size,
        )
        for name, (left, lasts) in LEFT.items()
        for period, size in ((10, 2500), (60, 1000))
    ),
    Case(
        "silent for 70s, 10s bins",
        Setting({"orders": ratio_of(10)}),
        partial(silent, period=10, lasts=70),
        is_(HELD),
        "held",
        0.0,
        2500,
    ),
    Case(
        "silent for 120s, 60s bins",
        Setting({"orders": ratio_of(60)}),
        partial(silent, period=60, lasts=120),
        is_(HELD),
        "held",
        0.0,
    ),
    Case("wandering traffic, 10s bins", *_shares(10, streams.wandering_traffic), is_(UNKNOWN), "unknown", 0.2),
    *(
        Case(f"{name}, {period}s bins", *_shares(period, stream), sees, what)
        for name, stream in (
            ("independent", streams.independent),
            ("power-law bursts", streams.power_law),
            ("few clusters", streams.few_clusters),
        )
        for period in (10, 60)
        for sees, what in ((is_(BROKEN), "broken"), (loss_misses(0), "the loss misses 0"))
    ),
    Case("clusters beyond the bound, 10s bins", *_shares(10, streams.clusters_beyond), during_is(HELD), "held during"),
    Case("clusters beyond the bound, 60s bins", *_shares(60, streams.clusters_beyond), during_is(HELD), "held during"),
    Case(
        "clusters that begin with the fault, 10s bins",
        *_shares(10, streams.clusters_begin),
        during_is(HELD),
        "held during",
    ),
    Case(
        "clusters that begin with the fault, 60s bins",
        *_shares(60, streams.clusters_begin),
        during_is(HELD),
        "held during",
    ),
    Case(
        "outage of 100s, back in time, 60s bins",
        replace(_shares(60, streams.outage)[0], anything=True),
        _shares(60, streams.outage)[1],
        is_(BROKEN),
        "broken",
    ),
    Case("batches of 60, rate, 10s bins", *_rates(10, streams.batches), is_(BROKEN), "broken"),
    Case("batches of 15, rate, 10s bins", *_rates(10, partial(streams.batches, size=15)), is_(BROKEN), "broken"),
    Case(
        "wandering rates, 5 modules, 10s bins",
        *uneven_modules(streams.wandering_rate, 10),
        is_(BROKEN),
        "a false spread",
        0.05,
        300,
    ),
    Case(
        "gauges out in 2% of readings, 10 modules",
        *_gauges(gauge_of(10, at_least=5), 10, streams.noise_gauge),
        is_(BROKEN),
        "a false spread",
        0.05,
        300,
    ),
    Case(
        "gauges that wander, out for 2%, 10 modules, 1s",
        *_gauges(gauge_of(1, at_most=0), 1, partial(streams.wandering_gauge, out=0.02)),
        is_(BROKEN),
        "a false spread",
        0.05,
        100,
    ),
    Case(
        "capacity with replacements, 10 modules",
        *_gauges(gauge_of(10, at_least=6), 10, streams.capacity),
        is_(BROKEN),
        "a false spread",
        0.05,
        300,
    ),
    Case(
        "a gauge that wanders, out for 2%, 10s",
        *_gauges(gauge_of(10, at_most=0), 10, partial(streams.wandering_gauge, out=0.02), 1),
        during_is(BROKEN),
        "broken during",
    ),
    Case(
        "a gauge that wanders, out for 8%, 10s",
        *_gauges(gauge_of(10, at_most=0), 10, partial(streams.wandering_gauge, out=0.08), 1),
        during_is(HELD),
        "held during",
    ),
    Case(
        "a gauge that wanders, out for 8%, 60s",
        *_gauges(gauge_of(60, at_most=0), 60, partial(streams.wandering_gauge, out=0.08), 1),
        during_is(HELD),
        "held during",
    ),
    Case(
        "a gauge, out in 8% of readings, 10s",
        *_gauges(gauge_of(10, at_most=0), 10, partial(streams.wandering_gauge, out=0.08, tau=0.1), 1),
        during_is(HELD),
        "held during",
    ),
    Case(
        "capacity with replacements, 60s",
        *_gauges(gauge_of(60, at_least=6), 60, streams.capacity, 1),
        is_(HELD),
        "held",
        None,
    ),
)
JOBS = tuple(Job(f"unseen, {case.name}, {case.what}", case.fill) for case in CASES)
