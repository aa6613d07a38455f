"""Commands that examine a whole workload, and the proxy."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Literal

import click

from gameday.cli import whole_number
from gameday.cli.multiple import Multiple


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option(
    "--on",
    "place",
    type=click.Choice(["twin", "aws"]),
    default="twin",
    show_default=True,
    help="Where to run: on the twin, or on the AWS account.",
)
@click.option(
    "--seed",
    type=whole_number.SEED,
    default=0,
    show_default=True,
    help="Seed for the choice of targets and for the twin.",
)
@click.option(
    "--load",
    type=Multiple(),
    default="1x",
    show_default=True,
    help="On the twin: let so many times as many customers come, like 2.5x.",
)
@click.option("--production", is_flag=True, help="Confirm that you mean to inject into a production workload.")
@click.option(
    "--local-journal", is_flag=True, help="Run on an account without `store`: then only this machine can restore."
)
@click.option("--yes", is_flag=True, help="Inject into an account without asking for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Write the matrix as JSON to stdout.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    help="Write a page, Markdown, JSON and a report of each run into this folder.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="Compare with an earlier matrix: a folder of --reports, or a file of --json.",
)
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Write the experiments of the matrix into this folder, and run nothing.",
)
def matrix(
    workload: Path,
    place: Literal["twin", "aws"],
    seed: int,
    load: float,
    production: bool,
    local_journal: bool,
    yes: bool,
    as_json: bool,
    reports: Path | None,
    against: Path | None,
    write: Path | None,
) -> None:
    """Inject a fault into each module and zone of WORKLOAD, and find undeclared dependencies.

    On the twin all runs play at once. On an account they run one after the other, for about 15 minutes each.
    Exits 1 on a hidden dependency (with --against: on a new one), 3 if the data do not suffice.

    \b
    Examples
      gameday matrix experiments/storefront/workload.yaml --reports reports/v1
      gameday matrix experiments/storefront/workload.yaml --against reports/v1
      gameday matrix experiments/storefront/workload.yaml --load 2.5x
    """
    from gameday.cli.matrix import MatrixRequest
    from gameday.cli.matrix import matrix as play
    from gameday.steady_state.kpi.masks import masked_text

    command = masked_text(shlex.join(["gameday", *sys.argv[1:]]))  # the records hold it
    options = MatrixRequest(
        place, seed, load, production, local_journal, yes, as_json, reports, against, write, command
    )
    sys.exit(play(workload, options))


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option(
    "--on",
    "place",
    type=click.Choice(["twin", "aws"]),
    default="twin",
    show_default=True,
    help="Where to run: on the twin, or on the AWS account.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON to stdout.")
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Write an experiment that would prove each finding into this folder.",
)
def check(workload: Path, place: Literal["twin", "aws"], as_json: bool, write: Path | None) -> None:
    """Find missing redundancy in WORKLOAD without a fault: zones, capacity, sharing, timeouts. Reads only.

    Exits 1 with a finding, 3 if a resource could not be read.

    \b
    Examples
      gameday check experiments/storefront/workload.yaml
      gameday check workload.yaml --on aws --write proofs && gameday run proofs/gd101-module-web.yaml
    """
    from gameday.cli.check import check as check_all

    sys.exit(check_all(workload, place, as_json, write))


@click.command()
@click.option("--rules", "rules", type=click.Path(path_type=Path), required=True, help="A file with `kind: rules`.")
@click.option("--to", metavar="URL", help="Forward requests to this endpoint (default: a moto server of the proxy).")
@click.option(
    "--port",
    type=whole_number.WholeNumber(0, 65535),
    default=4577,
    show_default=True,
    help="Port on loopback; 0 takes a free port.",
)
def proxy(rules: Path, to: str | None, port: int) -> None:
    """Serve the AWS calls of a program on loopback, and apply the RULES to them.

    Set AWS_ENDPOINT_URL in the program, in any language. Ctrl-C ends the proxy and prints what each rule hit.

    \b
    Examples
      gameday proxy --rules rules.yaml
      gameday proxy --rules rules.yaml --to http://127.0.0.1:4566
    """
    from gameday.cli.proxy import serve

    sys.exit(serve(rules, to, port))
