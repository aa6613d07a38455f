"""Phrases that the terminal, HTML, Markdown and JUnit reports share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from gameday.errors import reason_lines
from gameday.events import Called
from gameday.plan.plan import Plan
from gameday.records.record import Record, Rejudged
from gameday.records.suite import Refusal
from gameday.steady_state.judging.edges import scored
from gameday.steady_state.judging.judge import PhaseJudgement, RecoveryJudgement, Verdict
from gameday.steady_state.judging.phrases import seen_in_words
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.kpi.units import show_duration, show_share
from gameday.steady_state.samples import inside, touching

ModuleVerdict = Literal["hit", "may suffer", "spread", "unknown", "contained", "not judged"]

_ARN_ACCOUNT = re.compile(r"(arn:aws[\w-]*:[\w-]*:[\w-]*:)(\d{8})(\d{4})\b")


def label(outcome: str, place: str) -> str:
    """Label a verdict with its place, since a rehearsal on the twin is not a proof: `held (twin)`."""
    return outcome if outcome == "refused" else f"{outcome} ({place})"


def state_of(entry: Record | Refusal) -> str:
    """Return the outcome of an experiment; `interrupted` for a refusal by a signal."""
    return "interrupted" if isinstance(entry, Refusal) and entry.interrupted else entry.outcome


def refusal_lines(refusal: Refusal) -> tuple[str, ...]:
    """List why nothing was injected, and what to do, a line each."""
    head = "interrupted, nothing injected" if refusal.interrupted else "not injecting"
    lines = [line.strip() for line in reason_lines(refusal.reasons, head)] or [head]
    return (*lines, f"→ {refusal.remedy}") if refusal.remedy else tuple(lines)


def warnings(plan: Plan) -> tuple[str, ...]:
    """List the warnings of a plan, a line each."""
    return tuple(map(str, plan.warnings))


def duration(seconds: float) -> str:
    """Format a duration for people: whole seconds from 10 s up."""
    return show_duration(float(round(seconds)) if seconds >= 10 else seconds)


def offset(seconds: float) -> str:
    """Format a moment against the injection: `−5m`, `0s`, `+2m41s`."""
    whole = round(seconds)
    return f"{'−' if whole < 0 else '+'}{show_duration(abs(whole))}" if whole else "0s"


def moment(seconds: float) -> str:
    """Format the moment of a call against the injection, to a tenth of a second: `+0.2s`, `+7m02.4s`."""
    tenths = round(abs(seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    text = f"{minutes}m{rest / 10:04.1f}s" if minutes else f"{rest / 10:.1f}s"
    return f"{'−' if seconds < 0 and tenths else '+'}{text}"


def count(number: int, noun: str) -> str:
    """Format a count with its noun: `1 change`, `6 changes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def call_outcome(call: Called) -> str:
    """Describe the outcome of a call: `done`, or its error with the request id for AWS Support."""
    if call.error and call.request_id:
        return f"{call.error} (AWS request {call.request_id})"
    return call.error or "done"


def shorten(text: str, account: str) -> str:
    """Shorten account ids (the run's, and any in an ARN) to their last four digits."""
    return _ARN_ACCOUNT.sub(r"\1…\3", text.replace(account, f"…{account[-4:]}") if account else text)


def drawn(bound: Bound) -> str:
    """Phrase a bound in its chart's unit: a percentile becomes the share of requests within its limit."""
    if bound.quantile is None:
        return bound.words
    share, limit = bound.quantile
    return f"at least {show_share(share)} within {show_duration(limit)}"


def since_impact(row: RecoveryJudgement) -> str:
    """Phrase the time from a KPI's impact to its recovery."""
    if not row.degraded:
        return "not degraded"
    if row.recovered is None or row.impact is None:
        return "not back" if row.censored else "unknown"
    return duration(max(0.0, row.recovered - row.impact))


def since_undo(row: RecoveryJudgement, undo: float | None) -> str:
    """Phrase the time from the undo to a KPI's recovery."""
    if not row.degraded:
        return "not degraded"
    if row.recovered is None or undo is None:
        return "not back" if row.censored else "unknown"
    return "before the undo" if row.recovered <= undo else duration(row.recovered - undo)


def recovery_words(record: Record) -> str:
    """Phrase the slowest recovery against the claim."""
    rows = record.judged.judgement.recovery if record.judged else ()
    claim = record.plan.experiment.recovery
    if not rows:
        return "not claimed" if claim is None else "unknown"
    allowed = f" of {duration(claim.within)}" if claim else ""
    late = [row for row in rows if row.censored and row.degraded]
    if any(row.verdict is Verdict.BROKEN for row in late):
        return f"not within {duration(claim.within)}" if claim else "not back"
    if late:
        return f"unknown (not back by {duration(max(_watched(record, row) for row in late))})"
    back = [row for row in rows if row.degraded and row.took is not None]
    if back:
        slowest = f"{duration(max(row.took or 0.0 for row in back))}{allowed}"
        return f"unknown ({slowest})" if any(row.verdict is Verdict.UNKNOWN for row in back) else slowest
    return "unknown" if any(row.verdict is Verdict.UNKNOWN or row.degraded for row in rows) else "not degraded"


def _watched(record: Record, row: RecoveryJudgement) -> float:
    """Return the observed seconds of a recovery: from impact to the undo, or from the undo to the end."""
    assert record.judged, "a recovery was judged"  # noqa: S101
    phases, claim = record.judged.phases, record.plan.experiment.recovery
    from_undo = claim is not None and claim.from_ == "undo"
    start, stop = (phases.undo, phases.end) if from_undo else (row.impact, phases.undo_after(row.impact))
    return max(0.0, stop - start) if start is not None and stop is not None else 0.0


def seen(record: Record, row: PhaseJudgement) -> str:
    """Phrase what was seen of a KPI in a phase; for an aborted run, between injection and undo."""
    phases = record.judged.phases if record.judged else None
    if row.phase != "during" or phases is None or phases.aborted is None:
        return row.seen
    if phases.injected is None or phases.undo is None:
        return row.seen
    if phases.took_effect is not None:
        return f"{row.seen}, until the abort"
    kpi = record.plan.workload.kpis[row.kpi]
    during = record.plan.experiment.during.get(row.kpi, kpi.bound)
    bound = kpi.bound if during == "any" else during
    series, span = record.series.get(row.kpi, ()), (phases.injected, phases.undo)
    # A sample across the undo also counts customers after it, so use it only if no finer sample exists.
    bins = inside(series, *span) or touching(series, *span)
    return f"{seen_in_words(kpi, bound, scored(kpi, bound, bins))}, until the abort"


@dataclass(frozen=True)
class ModuleRow:
    """Hold the expected and the observed effect of a fault on a module."""

    module: str
    state: ModuleVerdict
    kpi: str | None  # the KPI that changed most
    change: str  # "+2.3 points (+1.1 to +3.6)", or empty
    detectable: str  # the smallest change that could have been seen, or empty
    words: str


def modules(record: Record) -> tuple[ModuleRow, ...]:
    """List every module: hit modules, then modules that may suffer, then the others, the worst first."""
    plan = record.plan
    judged = {row.module: row for row in (record.judged.judgement.modules if record.judged else ())}
    states: dict[Verdict, ModuleVerdict] = {
        Verdict.HELD: "contained",
        Verdict.BROKEN: "spread",
        Verdict.UNKNOWN: "unknown",
    }
    rows = []
    for name in plan.workload.modules:
        if name in plan.hit:
            rows.append(ModuleRow(name, "hit", None, "", "", _hit_words(record, name)))
        elif name in plan.may_suffer:
            rows.append(ModuleRow(name, "may suffer", None, "", "", "needs a hit module"))
        elif row := judged.get(name):
            change = _points(row.change, row.low, row.high)
            seen = "" if row.detectable is None else f"{row.detectable * 100:.2g} points"
            state: ModuleVerdict = "not judged" if row.worst_kpi is None else states[row.verdict]
            rows.append(ModuleRow(name, state, row.worst_kpi, change, seen, row.seen))
        else:
            rows.append(ModuleRow(name, "not judged", None, "", "", _not_judged(record, name)))
    return tuple(sorted(rows, key=lambda row: get_args(ModuleVerdict).index(row.state)))


def detection_words(record: Record) -> str:
    """Phrase the time that the alarm took to fire against the claim."""
    claim, detection = record.plan.experiment.detected_by, record.judged.judgement.detection if record.judged else None
    if claim is None or detection is None:
        return "not claimed" if claim is None else "unknown"
    if detection.took is None:
        return "unknown" if detection.verdict is Verdict.UNKNOWN else f"not within {duration(claim.within)}"
    took = f"{duration(detection.took)} of {duration(claim.within)}" if detection.took >= 0 else "before the impact"
    return f"unknown ({took})" if detection.verdict is Verdict.UNKNOWN else took


def isolation_words(record: Record) -> str:
    """Count the states of modules that must not suffer: `spread to search, 3 contained, 1 unknown`."""
    rows = [row for row in modules(record) if row.state not in ("hit", "may suffer")]
    if record.plan.experiment.isolation is None and all(row.state == "not judged" for row in rows):
        return "not claimed"
    spread = [row.module for row in rows if row.state == "spread"]
    parts = [f"spread to {', '.join(spread)}"] if spread else []
    counts = {state: sum(row.state == state for row in rows) for state in ("contained", "unknown", "not judged")}
    parts += [f"{number} {state}" for state, number in counts.items() if number]
    return ", ".join(parts) or "no other modules"


def account_words(record: Record) -> str:
    """Return the final state of the account."""
    return record.ended.account if record.ended else "not known"


def sentence(record: Record) -> str:
    """State in one or two sentences what was claimed and what was seen."""
    if record.judged and record.outcome != "refused":
        return f"{_again(record)}{record.judged.judgement.sentence}"
    about = [event.about for event in record.remarks if event.type in ("aborted", "no-effect")]
    about += [event.text for event in record.remarks if event.type == "remark"]
    return " ".join(about) or "The run ended before Gameday could judge it."


def _again(record: Record) -> str:
    """State the new verdict, if judging again changed it."""
    if not isinstance(record, Rejudged) or record.again.verdict is record.was:
        return ""
    new, old = (label(verdict.value, record.place) for verdict in (record.again.verdict, record.was))
    return f"Judged again: {new}; it was {old}. {record.again.sentence} It was: "


def _hit_words(record: Record, module: str) -> str:
    share = max((planned_fault.hits.get(module, 0.0) for planned_fault in record.plan.planned_faults), default=0.0)
    return f"{show_share(round(share, 3))} of its capacity taken away" if share else "hit by the fault"


def _not_judged(record: Record, module: str) -> str:
    if record.plan.experiment.isolation is None:
        return "the experiment claims no isolation"
    if all(kpi.module != module for kpi in record.plan.workload.kpis.values()):
        return "it has no KPI"
    return "the run ended before that"


def _points(change: float | None, low: float | None, high: float | None) -> str:
    if change is None:
        return ""
    between = f" ({_signed(low)} to {_signed(high)})" if low is not None and high is not None else ""
    return f"{_signed(change)} points{between}"


def _signed(share: float) -> str:
    points = round(share * 100, 1)
    return f"{'+' if points > 0 else '−' if points < 0 else '±'}{abs(points):g}"
