"""The doors of the verbs that look at a whole workload, or stand beside a program."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--on", "place", type=click.Choice(["twin", "aws"]), default="twin", show_default=True, help="Where.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of targets, and of the twin.")
@click.option("--production", is_flag=True, help="The workload is in production, and this is meant.")
@click.option("--local-journal", is_flag=True, help="On an account without `store`: only this machine can restore.")
@click.option("--yes", is_flag=True, help="Do not ask before an account is touched.")
@click.option("--json", "as_json", is_flag=True, help="The matrix as JSON on stdout.")
@click.option(
    "--reports", type=click.Path(path_type=Path), help="Write a page, Markdown, JSON and each run into this folder."
)
@click.option(
    "--against", type=click.Path(path_type=Path), help="Compare with this folder of --reports, or file of --json."
)
@click.option("--write", type=click.Path(path_type=Path), help="Write its experiments into this folder; run nothing.")
def matrix(
    workload: Path,
    place: Literal["twin", "aws"],
    seed: int,
    production: bool,
    local_journal: bool,
    yes: bool,
    as_json: bool,
    reports: Path | None,
    against: Path | None,
    write: Path | None,
) -> None:
    """Hit each module and zone of WORKLOAD, and find the dependencies that are not declared.

    On the twin all runs are played at once, on an account one after the other (about a quarter of an hour each).
    Exits 1 on a hidden dependency (with --against: on a new one), 3 where too little can be told.

    \b
    Examples
      gameday matrix experiments/storefront/workload.yaml --reports reports/v1
      gameday matrix experiments/storefront/workload.yaml --against reports/v1
    """
    from gameday.cli.matrix import MatrixRequest
    from gameday.cli.matrix import matrix as play

    told = shlex.join(["gameday", *sys.argv[1:]])
    asked = MatrixRequest(place, seed, production, local_journal, yes, as_json, reports, against, write, told)
    sys.exit(play(workload, asked))


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--on", "place", type=click.Choice(["twin", "aws"]), default="twin", show_default=True, help="Where.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON on stdout.")
@click.option("--write", type=click.Path(path_type=Path), help="Write the experiments that would prove them into here.")
def check(workload: Path, place: Literal["twin", "aws"], as_json: bool, write: Path | None) -> None:
    """Find what lacks redundancy in WORKLOAD without any fault: zones, capacity, sharing, timeouts. Reads only.

    Exits 1 with a finding, 3 where something could not be read.

    \b
    Examples
      gameday check experiments/storefront/workload.yaml
      gameday check workload.yaml --on aws --write proofs && gameday run proofs/gd101-module-web.yaml
    """
    from gameday.cli.check import check as look

    sys.exit(look(workload, place, as_json, write))


@click.command()
@click.option("--rules", "rules", type=click.Path(path_type=Path), required=True, help="A file with `kind: rules`.")
@click.option("--to", metavar="URL", help="The endpoint behind it (default: a moto of its own).")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4577, show_default=True, help="On loopback; 0: a free one."
)
def proxy(rules: Path, to: str | None, port: int) -> None:
    """Stand between a program and AWS's endpoint, on loopback, and let its AWS calls meet the RULES.

    The program, in whatever language, sets AWS_ENDPOINT_URL. Ctrl-C ends it, and tells what each rule has hit.

    \b
    Examples
      gameday proxy --rules rules.yaml
      gameday proxy --rules rules.yaml --to http://127.0.0.1:4566
    """
    from gameday.cli.proxy import serve

    sys.exit(serve(rules, to, port))
