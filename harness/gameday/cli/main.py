"""Commands of the command line. Results go to stdout; progress and messages go to stderr."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gameday import __version__
from gameday.cli import whole_number
from gameday.cli.conform import conform
from gameday.cli.doctor import doctor
from gameday.cli.failure import show
from gameday.cli.history_verbs import runs, status, trend
from gameday.cli.log import options as log_options
from gameday.cli.record_verbs import bug_report, explain, regression, report
from gameday.cli.reference import errors, faults, schema
from gameday.cli.schedule import schedule
from gameday.cli.workload import check, matrix, proxy
from gameday.errors import Exit

EXITS = """\b
Exit codes
  0 held, or done   1 broken   2 invalid input   3 unknown   4 stuck: the account needs a person
  5 refused, nothing injected   70 bug in Gameday   130 interrupted, undone
"""
VERBS = [faults, errors, schema, matrix, check, doctor, conform, proxy, schedule]
VERBS += [report, explain, regression, bug_report, runs, status, trend]
"""Commands that other modules define."""


@click.group(epilog=EXITS, context_settings={"help_option_names": ["-h", "--help"]}, commands=VERBS)
@click.version_option(__version__, prog_name="gameday")
def cli() -> None:
    """Prove that an AWS workload survives failure."""


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
def init(directory: Path) -> None:
    """Write a starter workload, experiment, twin and gameday into DIRECTORY.

    \b
    Examples
      gameday init chaos
      gameday run chaos/gameday.yaml
    """
    from gameday.files.starter import write_starter

    for path in write_starter(directory):
        click.echo(path)
    click.echo(f"next: gameday run {directory / 'gameday.yaml'}", err=True)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check FILES (or folders of them). Show every mistake with its place and remedy.

    \b
    Examples
      gameday validate experiments/storefront/*.yaml
      gameday validate experiments
    """
    from gameday.files.load import validate_files

    mistakes = validate_files(list(files))
    for mistake in mistakes:
        click.echo(mistake.render(), err=True)
    if mistakes:
        click.echo(f"{len(mistakes)} {'mistake' if len(mistakes) == 1 else 'mistakes'}", err=True)
        sys.exit(Exit.INVALID)
    click.echo("valid", err=True)


ON = click.option(
    "--on",
    "place",
    type=click.Choice(["twin", "aws"]),
    default="twin",
    show_default=True,
    help="Where to run: on the twin, or on the AWS account.",
)
SEED = click.option(
    "--seed", type=whole_number.SEED, help="Seed for the choice of targets and for the twin (default 0)."
)
PRODUCTION = click.option(
    "--production", is_flag=True, help="Confirm that you mean to inject into a production workload."
)


@cli.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@ON
@SEED
@PRODUCTION
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Save the plan to this file; `gameday run` then applies exactly this plan.",
)
def plan(experiment: Path, place: str, seed: int | None, production: bool, output: Path | None) -> None:
    """Show the plan of EXPERIMENT: its calls, their undo, who suffers, and any refusals. Reads only.

    \b
    Examples
      gameday plan experiments/storefront/lose-a-zone.yaml
      gameday plan lose-a-zone.yaml --on aws -o plan.json && gameday run plan.json --on aws
    """
    from gameday.cli.run import make
    from gameday.plan.saved import save_plan

    made, text = make(experiment, place, seed or 0, production)
    click.echo(text, nl=False)
    if output:
        save_plan(made, output)
        click.echo(f"saved: {output}", err=True)
    if made.refusals:
        sys.exit(Exit.REFUSED)


@cli.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@ON
@SEED
@PRODUCTION
def policy(experiment: Path, place: str, seed: int | None, production: bool) -> None:
    """Print the least-privilege IAM policies that the plan of EXPERIMENT, or of a game day, needs. Reads only.

    The policies of a game day name targets by the workload's opt-in tag, so a scheduled role can keep them.

    \b
    The policies
      run       for planning, injecting and undoing
      rescue    for undoing only
      boundary  the most that a role for either may have
      caller    for the credentials that assume the workload's role, if it names one

    \b
    Example
      gameday policy lose-a-zone.yaml --on aws > policies.json
    """
    from gameday.cli.run import make_policies

    text, size = make_policies(experiment, place, seed or 0, production)
    click.echo(text)
    click.echo(size, err=True)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@ON
@SEED
@PRODUCTION
@click.option(
    "--local-journal", is_flag=True, help="Run on an account without `store`: then only this machine can restore."
)
@click.option("--yes", is_flag=True, help="Inject into an account without asking for confirmation.")
@click.option("--release", help="The release that this run tests (default: the git commit of the files).")
@click.option("--json", "as_json", is_flag=True, help="Write events as JSON lines to stdout.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    help="Write the reports into this folder (default: a new folder under ./reports).",
)
def run(
    file: Path,
    place: str,
    seed: int | None,
    production: bool,
    local_journal: bool,
    yes: bool,
    release: str | None,
    as_json: bool,
    reports: Path | None,
) -> None:
    """Run FILE: an experiment, a gameday, or a saved plan. Runs on the twin by default.

    \b
    Examples
      gameday run experiments/storefront/gameday.yaml
      gameday run experiments/storefront/lose-a-zone.yaml --seed 7 --json
      gameday run experiments/storefront/gameday.yaml --release v1.4.2
    """
    from gameday.cli.run import RunOptions, play

    options = RunOptions(place, seed, production, local_journal, yes, as_json, reports, _as_typed(), release)
    sys.exit(play(file, options))


STORE = click.option("--store", metavar="s3://…", help="Look in the team's store, which holds runs of all machines.")


@cli.command()
@click.option("--list", "only_list", is_flag=True, help="List dead runs, and change nothing.")
@STORE
@click.option(
    "--local-journal", is_flag=True, help="Skip the runs' stores; use this only for a store that no longer exists."
)
def restore(only_list: bool, store: str | None, local_journal: bool) -> None:
    """Undo what dead runs left behind. Live runs are not touched.

    \b
    Examples
      gameday restore --list
      gameday restore
      gameday restore --store s3://reliability/gameday
    """
    from gameday.cli.undo import list_dead, restore_dead

    sys.exit(list_dead(store) if only_list else restore_dead(store, local=local_journal))


@cli.command()
@click.argument("workload")
@STORE
def halt(workload: str, store: str | None) -> None:
    """Ask the run that holds WORKLOAD (a name, or its file) to abort and undo.

    The run reacts within two seconds on this machine, and within 20 seconds through the store.

    \b
    Examples
      gameday halt storefront
      gameday halt workload.yaml
    """
    from gameday.cli.undo import halt as halt_run

    sys.exit(halt_run(workload, store))


for _command in (cli, *cli.commands.values(), *runs.commands.values(), *schedule.commands.values()):
    _command.params += log_options()


def _as_typed() -> str:
    import shlex

    from gameday.steady_state.kpi.masks import masked_text

    return masked_text(shlex.join(["gameday", *sys.argv[1:]]))  # the record holds it


def main() -> None:
    """Run the command line; every outcome ends the process with an exit code."""
    # A process may start without stdout or stderr; then only its messages are lost.
    sys.stdout, sys.stderr = sys.stdout or Path(os.devnull).open("w"), sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - for the process
    # Pydantic searches all installed packages for plugins, which takes a tenth of a short command's time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.INVALID)
    except click.Abort:
        sys.exit(Exit.INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has closed it, so we write nothing more (Python docs, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.HELD)
    except Exception as error:  # noqa: BLE001 - the outermost level reports any bug with its traceback
        sys.exit(show(error))


if __name__ == "__main__":
    main()
