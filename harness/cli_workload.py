"""The doors of the verbs that look at a whole workload."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--on", "place", type=click.Choice(["twin", "aws"]), default="twin", show_default=True, help="Where.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of targets, and of the twin.")
@click.option("--json", "as_json", is_flag=True, help="The matrix as JSON on stdout.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write it as Markdown, too.")
@click.option("--html", type=click.Path(path_type=Path), help="Write it as a page with the graph of dependencies, too.")
@click.option("--against", type=click.Path(path_type=Path), help="Compare with this matrix, written by --json.")
@click.option("--write", type=click.Path(path_type=Path), help="Write its experiments into this folder; run nothing.")
def matrix(
    workload: Path,
    place: str,
    seed: int,
    as_json: bool,
    markdown: Path | None,
    html: Path | None,
    against: Path | None,
    write: Path | None,
) -> None:
    """Strike each module and zone of WORKLOAD on the twin, and find the dependencies that are not declared.

    Exits 1 on a hidden dependency (with --against: on a new one), 3 where too little can be told.

    \b
    Examples
      gameday matrix experiments/storefront/workload.yaml --json > matrix.json
      gameday matrix experiments/storefront/workload.yaml --against matrix.json
    """
    from harness.commands_matrix import Asked
    from harness.commands_matrix import matrix as play

    sys.exit(play(workload, Asked(place, seed, as_json, markdown, html, against, write)))


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
    from harness.commands_check import check as look

    sys.exit(look(workload, place, as_json, write))
