"""Tell what the journal has lost: the run, and what is known of it."""

from __future__ import annotations

from contextlib import suppress

from gameday.cli.output import tell
from gameday.engine.entries import Run
from gameday.engine.journal import Journal
from gameday.engine.process_lock import Holds
from gameday.engine.sqlite import home
from gameday.errors import EntriesLost, Exit, JournalError
from gameday.restore.lost_entries import known_changes


def open_journal() -> Journal:
    """Open the journal. Where it is damaged, tell what its runs' own files hold, and raise its JournalError."""
    try:
        return Journal.open()
    except JournalError:
        holds = Holds(home() / "runs")
        with suppress(OSError):
            for name in holds.names():
                run = holds.read(name).run
                _tell_known(run) if run else tell(f"{name}: an open run; its own file is damaged too", err=True)
        raise


def told_losses(journal: Journal) -> list[Exit]:
    """Tell the runs whose own record the journal has lost; return an exit code for each."""
    losses = journal.losses()
    for lost in losses:
        tell(str(lost), err=True)
    return [lost.exit for lost in losses]


def tell_lost(run: Run, lost: EntriesLost) -> Exit:
    """Tell what the journal has lost of a run, and what its plan would have changed; return the exit code."""
    tell(f"{run.id}: {lost}", err=True)
    _tell_known(run)
    return lost.exit


def _tell_known(run: Run) -> None:
    tell(f"{run.id}: workload {run.workload} in account {run.account}, {run.region}, by {run.who}; its plan:", err=True)
    for headline in known_changes(run):
        tell(f"  {headline}", err=True)
