"""Commands for game days that start by themselves: when, now, and by the scheduler that people have."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gameday.cli.whole_number import WholeNumber

TO = ("github", "gitlab", "systemd", "kubernetes", "jenkins", "eventbridge")
FILE = click.argument("file", type=click.Path(path_type=Path))
ON = click.option(
    "--on",
    "place",
    type=click.Choice(["twin", "aws"]),
    default="twin",
    show_default=True,
    help="Where the game day runs.",
)
PRODUCTION = click.option("--production", is_flag=True, help="Run on a workload that is in production.")


@click.group()
def schedule() -> None:
    """Start game days at the times that their files name."""


@schedule.command("next")
@FILE
@click.option("--count", type=WholeNumber(1, 1000), default=5, show_default=True, help="How many to show.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout.")
def next_(file: Path, count: int, as_json: bool) -> None:
    """Show when the game day of FILE starts next, and which starts a freeze or a window will skip.

    \b
    Examples
      gameday schedule next gameday.yaml
      gameday schedule next gameday.yaml --count 20 --json
    """
    from gameday.cli.schedules import show_next

    click.echo(show_next(file, count, as_json=as_json), nl=False)


@schedule.command()
@FILE
@click.option("--to", "scheduler", type=click.Choice(TO), required=True, help="The scheduler.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path(), help="Write below this folder.")
@ON
@PRODUCTION
def export(file: Path, scheduler: str, output: Path, place: str, production: bool) -> None:
    """Write the schedule of FILE as files for the scheduler that you have. Changes nothing else.

    FILE is written into them as you name it, so name it as the scheduler's job sees it.

    \b
    Examples
      gameday schedule export gameday.yaml --to systemd -o units
      gameday schedule export gameday.yaml --to eventbridge --on aws
    """
    from gameday.cli.schedules import write_export

    for path in write_export(file, scheduler, output, place, production=production):
        click.echo(path)


@schedule.command("run")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Run what is due now, then end: for cron, timers and pipelines.")
@ON
@PRODUCTION
@click.option("--local-journal", is_flag=True, help="Run on an account without `store`: this machine alone decides.")
def run_(files: tuple[Path, ...], once: bool, place: str, production: bool, local_journal: bool) -> None:
    """Start the game days of FILES when they are due, until a signal ends it.

    No occurrence starts twice or late: the first machine that records it in the workload's store runs it. What cannot
    start is recorded as skipped, with its reason. After a restart it undoes what a dead run has left.

    \b
    Examples
      gameday schedule run gameday.yaml
      gameday schedule run gameday.yaml --once --on aws
    """
    from gameday.cli.schedules import keep

    sys.exit(keep(files, once=once, place=place, production=production, local_journal=local_journal))
