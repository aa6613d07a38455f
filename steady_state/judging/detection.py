"""Detection claims: did the alarm fire in time, counted from the moment when customers began to suffer?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from gameday.steady_state.judging.edges import edges_of
from gameday.steady_state.judging.episode import find
from gameday.steady_state.judging.phrases import time_in_words
from gameday.steady_state.kpi.claim import Claim, Detection, DetectionJudgement, Phases, Verdict
from gameday.steady_state.kpi.kpi import Tier
from gameday.steady_state.kpi.units import exact_duration
from gameday.steady_state.samples import CLOSE, Series, inside, touching

SUSTAINED = 60.0
"""Seconds over which a gauge's share of time counts if no recovery is claimed (the default of `sustained`)."""


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a detection's time with its interval, in seconds since the epoch."""

    since: Literal["impact", "effect"]
    kpi: str | None  # the KPI that the impact is on
    point: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The start in words, for people."""
        return f"impact on {self.kpi}" if self.kpi else "the fault took effect"


def judge_detection(
    claim: Claim, detection: Detection, series: Mapping[str, Series], phases: Phases
) -> DetectionJudgement:
    """Judge whether the alarm fired within its time, in a run that injected and whose fault took effect.

    The time counts from the first impact on a claimed business KPI. If no impact is proven, it counts from the effect,
    which lies between the injection and the read that saw it.

    held: the whole interval around the time lies within the claim. broken: none of it does, or the alarm did not fire
    in the whole claimed time. Otherwise unknown.
    """
    start, within = _start(claim, series, phases), detection.within
    fired, read, injected = phases.fired, phases.alarm_read, phases.injected

    def judged(verdict: Verdict, words: str, took: float | None = None) -> DetectionJudgement:
        low, high = (None, None) if took is None or fired is None else _between(start, fired)
        return DetectionJudgement(detection.alarm, verdict, start.since, start.kpi, fired, took, low, high, words)

    if fired is None:
        if read is None:
            return judged(Verdict.UNKNOWN, "could not be read, so Gameday does not know whether it fired")
        watched = max(0.0, read - start.point)
        silent = (
            f"had not fired {time_in_words(watched)} after {start.words} (claimed: within {exact_duration(within)})"
        )
        if read >= start.high + within - CLOSE:
            return judged(Verdict.BROKEN, silent)
        return judged(Verdict.UNKNOWN, f"{silent}; Gameday did not watch it long enough, so let the fault last longer")
    if injected is not None and fired < injected - CLOSE:
        early = time_in_words(injected - fired)
        return judged(Verdict.UNKNOWN, f"fired {early} before the injection, so it says nothing about this fault")
    low, high = _between(start, fired)
    verdict = Verdict.HELD if high <= within + CLOSE else Verdict.BROKEN if low > within + CLOSE else Verdict.UNKNOWN
    return judged(verdict, _words(start, fired, within, verdict), fired - start.point)


def _start(claim: Claim, series: Mapping[str, Series], phases: Phases) -> Start:
    injected = phases.injected if phases.injected is not None else phases.before[1]
    took_effect = phases.took_effect if phases.took_effect is not None else injected
    stop = phases.undo if phases.undo is not None else phases.end
    stop = injected if stop is None else stop
    sustained = claim.recovery.sustained if claim.recovery else SUSTAINED
    starts = []
    for name in claim.claimed:
        kpi, bins = claim.kpis[name], series.get(name, ())
        before = inside(bins, *phases.before)
        bins = inside(touching(bins, injected, stop), -inf, stop)
        if kpi.tier is not Tier.BUSINESS or not bins or not edges_of(kpi, kpi.bound, before):
            continue
        if episode := find(kpi, bins, before, claim.false_verdict, sustained):
            impact = episode.impact
            # No fault hurts before its injection. An impact that the run did not confirm may be as late as its end.
            high = stop if impact.high is None else impact.high
            point, low = max(injected, impact.point), max(injected, impact.low)
            starts.append(Start("impact", name, point, low, max(point, high)))
    return min(starts, key=lambda start: start.point, default=Start("effect", None, took_effect, injected, took_effect))


def _between(start: Start, fired: float) -> tuple[float, float]:
    return max(0.0, fired - start.high), max(0.0, fired - start.low)


def _words(start: Start, fired: float, within: float, verdict: Verdict) -> str:
    low, high = _between(start, fired)
    took, claimed = fired - start.point, f"claimed: within {exact_duration(within)}"
    if took < 0:
        return f"fired {time_in_words(-took)} before {start.words} ({claimed})"
    known = f"between {time_in_words(low)} and {time_in_words(high)}; " if high - low >= 1 else ""
    close = ", too close to tell" if verdict is Verdict.UNKNOWN else ""
    return f"fired {time_in_words(took)} after {start.words} ({known}{claimed}{close})"
