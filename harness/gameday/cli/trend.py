"""Run `gameday trend`: recovery, detection and loss of a claim over releases."""

from __future__ import annotations

import json
from dataclasses import asdict

from gameday.cli.history import FORMAT, history
from gameday.cli.output import tell
from gameday.errors import Exit, InvalidInput
from gameday.records.history.history import Filters
from gameday.records.history.kept_run import KeptRun
from gameday.records.history.trend import left_out, trend
from gameday.report.history import trend_lines
from gameday.text import printable, quoted


def show_trend(claim: str, place: str, as_json: bool) -> Exit:
    """Show the trend of a claim: the beginning of its identity, or the name of an experiment. Raises InvalidInput."""
    runs, others = _of_claim(claim, place)
    found, repeats = trend(runs), left_out(runs)
    if as_json:
        tell(json.dumps({"format": FORMAT, "claim": runs[0].claim, "measures": [asdict(each) for each in found]}))
        return Exit.HELD
    tell(printable(f"claim {runs[0].claim[:12]}, {runs[0].experiment} of {runs[0].workload}: {len(runs)} runs"))
    for line in (line for each in found for line in ("", *trend_lines(each))):
        tell(printable(line))
    if not found:
        tell("no run has a measure: its fault took no effect, or nothing is claimed", err=True)
    if repeats:
        tell(f"not counted: {repeats} runs on the twin repeat another run's plan and seed", err=True)
    for other, count in others.items():
        tell(f"an earlier claim of this name has {count} runs: gameday trend {other[:12]}", err=True)
    return Exit.HELD


def _of_claim(claim: str, place: str) -> tuple[list[KeptRun], dict[str, int]]:
    """Return the runs of one claim, the latest first, and the number of runs of other claims of the same name."""
    kept_runs = history()
    named = kept_runs.runs(Filters(experiment=claim, place=place)) if claim else []
    if claim and not named:
        named = kept_runs.runs(Filters(claim=claim, place=place))
        if len({kept.claim for kept in named}) > 1:
            raise InvalidInput(f"{quoted(claim)}: several claims begin so", "write more digits", gd_code="GD-E106")
    if not named:
        raise InvalidInput(
            f"{quoted(claim)}: the history holds no such experiment or claim",
            "`gameday runs` lists experiments; `gameday runs show ID` shows a claim",
            gd_code="GD-E106",
        )
    latest = named[0].claim
    others: dict[str, int] = {}
    for kept in named:
        if kept.claim != latest:
            others[kept.claim] = others.get(kept.claim, 0) + 1
    return [kept for kept in named if kept.claim == latest], others
