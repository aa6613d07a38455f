"""Commands of the history: `gameday runs` and its verbs, `gameday status`, `gameday trend`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout.")
PLACE = click.option("--on", "place", type=click.Choice(["twin", "aws"]), help="Only runs of this place.")


@click.group(invoke_without_command=True)
@click.option("--claim", default="", help="Only runs of this claim: the beginning of its identity.")
@click.option("--experiment", default="", help="Only runs of this experiment.")
@click.option("--workload", default="", help="Only runs of this workload.")
@click.option("--verdict", type=click.Choice(["held", "unknown", "broken", "refused"]), help="Only this verdict.")
@click.option("--release", default="", help="Only runs of this release.")
@PLACE
@click.option("--since", help="Only runs that began at this day (2026-11-01) or later, or in the last 7d.")
@JSON
@click.pass_context
def runs(
    context: click.Context,
    claim: str,
    experiment: str,
    workload: str,
    verdict: str | None,
    release: str,
    place: str | None,
    since: str | None,
    as_json: bool,
) -> None:
    """List the runs and refusals of the history, the latest first.

    \b
    Examples
      gameday runs --experiment lose-a-zone --verdict broken --since 30d
      gameday runs show latest
    """
    if context.invoked_subcommand:
        return
    from gameday.cli.history import list_runs, since_of
    from gameday.records.history.history import Filters

    begin = since_of(since) if since is not None else ""
    filters = Filters(claim, experiment, workload, verdict or "", release, place or "", begin)
    sys.exit(list_runs(filters, as_json))


@runs.command()
@click.argument("run")
@JSON
def show(run: str, as_json: bool) -> None:
    """Show all that is kept of RUN: its id, the beginning of its id, or `latest`.

    \b
    Example
      gameday runs show latest
    """
    from gameday.cli.history import show_run

    sys.exit(show_run(run, as_json))


@runs.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, metavar="[RUN]...")
def export(file: Path, names: tuple[str, ...]) -> None:
    """Write runs with their records into FILE, which another machine can import, judge and report again.

    Without RUN it writes all runs.

    \b
    Examples
      gameday runs export release-1.4.zip latest
      gameday runs export all.zip
    """
    from gameday.cli.exchange import export_runs

    sys.exit(export_runs(file, names))


@runs.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Add the runs of FILE to the history: a file of `gameday runs export`, a record, or a folder of reports.

    \b
    Examples
      gameday runs import release-1.4.zip
      gameday runs import reports
    """
    from gameday.cli.exchange import import_runs

    sys.exit(import_runs(file))


@runs.command()
@click.argument("store")
def sync(store: str) -> None:
    """Exchange the history with STORE, the team's store: s3://bucket/prefix, or a workload file that names it.

    A machine whose history is lost gets all of it back.

    \b
    Examples
      gameday runs sync s3://reliability/gameday
      gameday runs sync workload.yaml
    """
    from gameday.cli.exchange import sync_runs

    sys.exit(sync_runs(store))


@click.command()
@click.option("--store", metavar="STORE", help="Look at other machines too, in s3://… or the store of a workload file.")
@JSON
def status(store: str | None, as_json: bool) -> None:
    """Show which runs are under way, since when, and in which phase.

    \b
    Examples
      gameday status
      gameday status --store s3://reliability/gameday
    """
    from gameday.cli.status import show_status

    sys.exit(show_status(store, as_json))


@click.command()
@click.argument("claim")
@PLACE
@JSON
def trend(claim: str, place: str | None, as_json: bool) -> None:
    """Show recovery, detection and loss of CLAIM over releases, and where they changed.

    CLAIM is the name of an experiment, or the beginning of a claim's identity.

    \b
    Example
      gameday trend lose-a-zone --on aws
    """
    from gameday.cli.trend import show_trend

    sys.exit(show_trend(claim, place or "", as_json))
