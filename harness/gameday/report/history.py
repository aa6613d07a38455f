"""The history in the terminal: runs as rows, one run in detail, and the trend of a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gameday.records.history.kept_run import KeptMeasure, KeptRun
from gameday.records.history.trend import Change, MeasureTrend, ReleaseMeasure
from gameday.steady_state.kpi.units import exact_duration

_STATES = {"begun": "not ended", "killed": "killed, completed by restore"}
_HEADS = ("run", "started", "verdict", "experiment", "place", "release", "account")


def run_rows(runs: Sequence[KeptRun]) -> Iterator[str]:
    """Yield a head and a line for each run, in columns; nothing for no run."""
    if not runs:
        return
    rows = [_HEADS, *(_row(kept) for kept in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def run_details(kept: KeptRun) -> Iterator[str]:
    """Yield all that is kept of a run, a fact a line."""
    state = f" ({_STATES[kept.state]})" if kept.state in _STATES else ""
    facts = {
        "run": kept.run,
        "experiment": f"{kept.experiment} of {kept.workload}",
        "verdict": f"{kept.verdict} ({kept.place}){state}",
        "about": kept.about,
        "account": f"{kept.account}: {kept.left}",
        "release": kept.release_name,
        "commit": f"{kept.commit}{', with changes that are not committed' if kept.is_dirty else ''}"
        if kept.commit
        else "",
        "started": kept.started,
        "ended": kept.ended or "",
        "by": ", ".join(part for part in (kept.who, kept.principal) if part),
        "claim": kept.claim,
        "plan": kept.plan or "",
        "seed": "" if kept.seed is None else str(kept.seed),
        "command": kept.command,
        "evidence": kept.evidence or ("in the team's store" if kept.store and kept.evidence_hash else ""),
    }
    yield from (f"{name:<11} {fact}" for name, fact in facts.items() if fact)
    yield from (f"{'file':<11} {path} sha256 {digest}" for path, digest in kept.digests.items())
    yield from (f"{row.name:<11} {row.of}: {measure_words(row)}" for row in kept.measures)


def measure_words(row: KeptMeasure) -> str:
    """Return a measure with its interval in words."""
    if row.value is None:
        return f"at least {_amount(row.name, row.low or 0.0)}"
    verdict = f", {row.verdict}" if row.verdict else ""
    return f"{_amount(row.name, row.value)}{_interval(row.name, row.low, row.high)}{verdict}"


def trend_lines(found: MeasureTrend) -> Iterator[str]:
    """Yield a head, a line for each release, and a line for each change."""
    yield f"{found.measure} of {found.of} ({found.place})"
    width = max((len(each.release) for each in found.releases), default=0)
    changes = {change.release: change for change in found.changes}
    for each in found.releases:
        if change := changes.get(each.release):
            yield f"  ── {_change_words(change)}"
        yield f"  {each.first[:10]}  {each.release:<{width}}  {_release_words(found.measure, each)}"
    if not found.changes:
        yield "  no change is proven"


def _release_words(measure: str, each: ReleaseMeasure) -> str:
    least = "at least " if each.is_least else ""
    runs = f"{each.runs} {'run' if each.runs == 1 else 'runs'}"
    broken = f", {each.broken} broken" if each.broken else ""
    return f"{least}{_amount(measure, each.middle)}{_interval(measure, each.low, each.high)}, {runs}{broken}"


def _change_words(change: Change) -> str:
    word = "worse" if change.is_worse else "better"
    return f"{word} from here: {change.ratio:.2f} times as much ({change.low:.2f} to {change.high:.2f})"


def _interval(measure: str, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    below = "?" if low is None else _amount(measure, low)
    return f" ({below} to {'?' if high is None else _amount(measure, high)})"


def _amount(measure: str, value: float) -> str:
    if measure == "loss":
        return f"{value:,.0f}"
    return f"-{exact_duration(round(-value, 1))}" if value < 0 else exact_duration(round(value, 1))


def _row(kept: KeptRun) -> tuple[str, ...]:
    verdict = _STATES["begun"] if kept.state == "begun" else kept.verdict
    started = kept.started[:16].replace("T", " ")
    return kept.run, started, verdict, kept.experiment, kept.place, kept.release_name, kept.left
