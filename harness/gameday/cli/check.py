"""What `gameday check` does."""

from __future__ import annotations

from pathlib import Path

from gameday.checks.proof import name_of, write_proof
from gameday.checks.run import Found, check_workload
from gameday.cli.output import tell
from gameday.cli.run import still_working
from gameday.errors import Exit
from gameday.files.load import load_workload
from gameday.plan.plan import Place
from gameday.report.check import as_json, terminal


def check(file: Path, place: Place, json: bool, write: Path | None) -> Exit:
    """Check a workload, print the findings, and write an experiment that would prove each of them."""
    loaded = load_workload(file)
    workload = loaded.workload
    with still_working(place) as working:
        checked = check_workload(workload, loaded.twin, place, working.watch)

    def proof(found: Found) -> str:
        if write is None:
            return f"{name_of(found.check, found.finding, workload, found.region)}.yaml, written by --write DIR"
        return str(write_proof(write, found.check, found.finding, workload, found.region, loaded.path))

    proofs = [proof(found) for found in checked.found]
    tell((as_json if json else terminal)(workload.name, checked, proofs))
    return checked.exit
