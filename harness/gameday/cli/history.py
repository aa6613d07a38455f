"""Run `gameday runs` and `runs show`: they read the history, and load little else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gameday.cli.output import tell
from gameday.errors import Exit, InvalidInput
from gameday.records.history.history import Filters, History
from gameday.records.history.kept_run import to_json
from gameday.records.history.log import folder_of_history
from gameday.report.history import run_details, run_rows
from gameday.steady_state.kpi.units import parse_duration
from gameday.text import printable

FORMAT = 1
"""The version of the JSON of `gameday runs --json`."""
SHOWN = 50
"""The most runs that a table shows; JSON has them all."""


def history() -> History:
    """Return this user's history."""
    return History(folder_of_history(), lambda line: tell(printable(f"gameday: {line}"), err=True))


def list_runs(filters: Filters, as_json_: bool) -> Exit:
    """List runs, the latest first."""
    found = history().runs(filters, -1 if as_json_ else SHOWN + 1)
    if as_json_:
        tell(f'{{"format":{FORMAT},"runs":[{",".join(to_json(kept).decode() for kept in found)}]}}')
        return Exit.HELD
    for line in run_rows(found[:SHOWN]):
        tell(printable(line))
    if not found:
        tell("no runs", err=True)
    elif len(found) > SHOWN:
        tell(f"these are the latest {SHOWN}: use a filter, or --json for all", err=True)
    return Exit.HELD


def show_run(name: str, as_json_: bool) -> Exit:
    """Show all that is kept of one run. Raises InvalidInput for an unknown run."""
    kept = history().find(name)
    if as_json_:
        tell(f'{{"format":{FORMAT},"run":{to_json(kept).decode()}}}')
    else:
        for line in run_details(kept):
            tell(printable(line))
    return Exit.HELD


def since_of(text: str) -> str:
    """Return the instant of `2026-11-01`, `2026-11-01T09:00` or `7d` as history writes it. Raises InvalidInput."""
    try:
        if text[:4].isdigit() and "-" in text:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
        else:
            at = datetime.now(UTC) - timedelta(seconds=parse_duration(text))
        return at.astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"--since: {error}", "write a day like 2026-11-01, or a duration like 7d") from error
