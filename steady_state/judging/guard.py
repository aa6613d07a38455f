"""The guard: it aborts a run at once if a KPI leaves its bound, and almost never otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType

from gameday.steady_state.judging.baseline import Counts, caution, correlation_time, inflation, reach
from gameday.steady_state.judging.edges import Edge, count, edges_of, excess, scored
from gameday.steady_state.judging.evidence import SequentialTest, breach
from gameday.steady_state.judging.phases import counts_requests
from gameday.steady_state.judging.phrases import seen_in_words
from gameday.steady_state.judging.usual_traffic import Usual, usual_of
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import CLOSE, Sample, Series

SHORTEST_BLINDNESS = 15.0
"""Seconds. A request that hangs is counted when the customer gives up; until then a working source is silent."""

MOST_REACH = 0.9
"""Nine of ten requests failing is an outage, even in a bursty system."""


PARTS = 5
"""The parts of `for`, each beyond the bound: a breach of less than three fifths of `for` cannot touch all of them."""


@dataclass(frozen=True, slots=True)
class Fired:
    """The guard's reason to abort."""

    at: float  # seconds since the epoch: the end of the bin that decided, or now when blind
    kpi: str
    about: str  # "orders is at 12% of 240 in 5s; the guard's bound is at least 50%"


@dataclass
class _Guarded:
    kpi: Kpi
    bound: Bound
    before: Series
    planned: int  # bins to watch
    since: float  # the injection; bins that began before are left out
    seen_to: float  # the end of the newest bin
    heard_to: float  # the end of the newest bin with traffic
    usual: Usual | None  # the traffic of its baseline; None for a KPI that counts no requests
    bins: dict[float, Sample] = field(default_factory=dict)  # by their start
    watches: list[SequentialTest] = field(default_factory=list)
    evidence: float = 1.0
    recent: list[Sample] = field(default_factory=list)  # the bins since the evidence was last at most 1


class Guard:
    """Watch KPIs from injection on, bin by bin.

    Each KPI keeps an e-process (`evidence.SequentialTest`), tempered by the bursts of its baseline. The guard fires if
    their average reaches 1 / `false_abort`. While no KPI's true share leaves its bound, the guard aborts with a chance
    of at most `false_abort` in the whole experiment, for any number of evaluations (Ville's inequality; an average of
    e-processes is an e-process). A missing bin is no evidence, and neither is a bin without traffic.

    Raises ValueError for a bound that does not fit its KPI (see `Kpi.misfit`).
    """

    def __init__(
        self,
        bounds: Mapping[str, Bound],
        kpis: Mapping[str, Kpi],
        before: Mapping[str, Series],
        false_abort: float,
        start: float,
        lasts: float,
        blind_after: float | None = None,
        lags: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Arm the guard.

        `start`: the injection, in seconds since the epoch. `lasts`: the planned time to watch. `lags`: how many seconds
        after its end a KPI's bin is settled. `blind_after` None: two bins, at least 15 s, and the lag (the newest
        settled bin may be that old).
        """
        self._threshold = 1 / false_abort
        self._blind_after = blind_after
        self._lags = lags
        self._planned = lasts
        self._false_abort = false_abort
        self._guarded: dict[str, _Guarded] = {}
        for name, bound in bounds.items():
            kpi = kpis[name]
            if mistake := kpi.misfit(bound, guards=True):
                raise ValueError(f"{name}: {mistake}")
            planned, known = ceil(lasts / kpi.interval), before.get(name, ())
            usual = usual_of(known) if counts_requests(kpi) else None
            guarded = _Guarded(kpi, bound, known, planned, start, start, start, usual)
            guarded.watches = watches(kpi, bound, known, planned)
            self._guarded[name] = guarded

    def feed(self, kpi: str, samples: Iterable[Sample]) -> Fired | None:
        """Add bins of a KPI; bins begun before the injection, or already seen with the same counts, are left out.

        Where a bin was corrected, or came after a later one, all bins are scored again: the evidence is then that of
        the corrected bins alone.
        """
        guarded = self._guarded.get(kpi)
        if guarded is None:
            return None
        fresh = _take(guarded, scored(guarded.kpi, guarded.bound, tuple(samples)))
        if not fresh or not guarded.watches:
            return None
        others = sum(guarded_kpi.evidence for guarded_kpi in self._guarded.values()) - guarded.evidence
        enough = self._threshold * len(self._guarded)
        for sample, evidence in zip(fresh, _after_each(guarded, fresh), strict=True):
            guarded.evidence = evidence
            if evidence <= 1:
                guarded.recent.clear()
            else:
                guarded.recent.append(sample)
            if others + evidence >= enough and self._lasts(sample.end):
                return self._fired(sample.end)
        return None

    def blind(self, now: float) -> Fired | None:
        """Fire if a guarded KPI has sent no data for too long, or counts no request for unusually long.

        The first is a plain rule without statistics. The second aborts usual traffic with a chance of `false_abort`.
        """
        for name, guarded in self._guarded.items():
            longest = self._blind_after
            if longest is None:
                longest = max(2 * guarded.kpi.interval, SHORTEST_BLINDNESS) + self._lags.get(name, 0.0)
            silent = now - guarded.seen_to
            if silent > longest + CLOSE:
                allowed = f"the longest gap allowed is {show_duration(longest)}"
                about = f"{name} has sent no data for {show_duration(silent)}; {allowed}"
                return Fired(now, name, about)
            quiet, usual = guarded.seen_to - guarded.heard_to, guarded.usual
            if usual and quiet > longest + CLOSE and usual.is_unusual(quiet, self._planned, self._false_abort):
                about = f"{name} has had no request for {show_duration(quiet)}"
                return Fired(now, name, f"{about}, in which about {usual.rate * quiet:,.0f} usually come")
        return None

    def _lasts(self, now: float) -> bool:
        worst = self._worst()[1]
        if not worst.bound.lasting:
            return True
        bins = tuple(worst.bins[start] for start in sorted(worst.bins))
        return lasts(worst.kpi, worst.bound, bins, worst.before, now)

    def _worst(self) -> tuple[str, _Guarded]:
        return max(self._guarded.items(), key=lambda item: item[1].evidence)

    def _fired(self, at: float) -> Fired:
        name, worst = self._worst()
        seen = seen_in_words(worst.kpi, worst.bound, tuple(worst.recent))
        lately = show_duration(worst.recent[-1].end - worst.recent[0].start)
        return Fired(at, name, f"{name} is at {seen} in {lately}; the guard's bound is {worst.bound.words}")


def _take(guarded: _Guarded, bins: Iterable[Sample]) -> list[Sample]:
    """Return the bins to score: the new ones, or all from the injection on, with new tests, where one was corrected."""
    new = [
        sample for sample in bins if sample.start >= guarded.since - CLOSE and guarded.bins.get(sample.start) != sample
    ]
    newest = max(guarded.bins, default=guarded.since - 1)
    guarded.bins |= {sample.start: sample for sample in new}
    guarded.seen_to = max([guarded.seen_to, *(sample.end for sample in new)])
    guarded.heard_to = max([guarded.heard_to, *(sample.end for sample in new if sample.total)])
    if all(sample.start > newest for sample in new):
        return sorted(new, key=lambda sample: sample.start)
    guarded.watches = watches(guarded.kpi, guarded.bound, guarded.before, guarded.planned)
    guarded.evidence = 1.0
    guarded.recent.clear()
    return [guarded.bins[start] for start in sorted(guarded.bins)]


def lasts(kpi: Kpi, bound: Bound, bins: Series, before: Series, now: float) -> bool:
    """Tell whether a KPI was beyond its bound in each part of the time that a breach must last, up to `now`."""
    since = now - bound.lasting
    if not bound.lasting:
        return True
    late = [sample for sample in bins if since - CLOSE <= sample.start < now - CLOSE]
    if not late or late[0].start - since >= kpi.interval - CLOSE:
        return False
    size = ceil(len(late) / PARTS)
    parts = [late[first : first + size] for first in range(0, len(late), size)]
    sums = [[sum(side) for side in zip(*(count(kpi, bound, sample) for sample in part), strict=True)] for part in parts]
    return any(all(excess(edge, x, y) > 0 for x, y in sums) for edge in edges_of(kpi, bound, before))


def _after_each(guarded: _Guarded, fresh: list[Sample]) -> list[float]:
    x, y = zip(*(count(guarded.kpi, guarded.bound, sample) for sample in fresh), strict=True)
    evidence = [watch.add(x, y) for watch in guarded.watches]
    return [sum(each) / len(evidence) for each in zip(*(values.tolist() for values in evidence), strict=True)]


def watches(kpi: Kpi, bound: Bound, before: Series, planned: int, *, tempered: bool = True) -> list[SequentialTest]:
    """Make the tests that keep evidence against each edge of a bound; untempered ones judge a baseline itself.

    Two tests watch a share that may come in bursts. One looks for any breach, with its evidence divided by the
    inflation. The other looks for a breach beyond the bursts' reach, undivided, so that an outage does not pass for a
    burst.
    """
    bins = scored(kpi, bound, before)
    known: Counts = tuple((sample.start, *count(kpi, bound, sample)) for sample in bins)
    tests = []
    for edge in edges_of(kpi, bound, before):
        by = _noise(kpi, edge, bins, known) if tempered else 1.0
        tests.append(SequentialTest(breach(edge).tempered(by), planned))
        if by > 1 and edge.kind == "share" and edge.above and kpi.kind != "gauge" and edge.at < (far := reach(known)):
            tests.append(SequentialTest(breach(Edge("share", min(far, MOST_REACH))), planned))
    return tests


def _noise(kpi: Kpi, edge: Edge, before: Series, known: Counts) -> float:
    if edge.kind == "rate":
        return inflation(edge, known)
    if kpi.kind == "gauge":
        values = [sample.value for sample in before if sample.value is not None]
        return max(inflation(edge, known), correlation_time(values))
    return caution(edge, known)
