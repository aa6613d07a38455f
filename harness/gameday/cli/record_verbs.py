"""The doors of the verbs that read the records of runs, and touch no account."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--reports", type=click.Path(path_type=Path), required=True, help="Write the reports into this folder.")
def report(record: Path, reports: Path) -> None:
    """Judge the stored RECORD of a run again, and write its reports again. Touches no account.

    \b
    Example
      gameday report reports/20260101-storefront/lose-a-zone.json --reports again
    """
    from gameday.cli.run import report_again

    sys.exit(report_again(record, reports))


@click.command()
@click.argument("run")
def explain(run: str) -> None:
    """Explain each verdict of RUN: what was claimed and seen, how sure that is, what would make it surer.

    RUN is a record, a folder of them, or the id of a run under ./reports.

    \b
    Example
      gameday explain reports/20260101-storefront/lose-a-zone.json
    """
    from gameday.cli.records import explain_run

    sys.exit(explain_run(run))


@click.command()
@click.argument("new", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--against", "old", multiple=True, required=True, type=click.Path(path_type=Path), help="Older runs.")
@click.option("--margin", default="25%", show_default=True, help="By so much it may get worse.")
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON on stdout.")
def regression(new: tuple[Path, ...], old: tuple[Path, ...], margin: str, as_json: bool) -> None:
    """Compare recovery and loss of NEW runs (records, or folders of them) with those of an older release.

    Exits 1 where something is proven worse, 3 where more runs are needed. Touches no account.

    \b
    Example
      gameday regression reports/v2 --against reports/v1 --margin 10% --json
    """
    from gameday.cli.records import regression as compare

    sys.exit(compare(new, old, margin, as_json))


@click.command("bug-report")
@click.argument("run")
@click.option("--log", type=click.Path(path_type=Path), help="A log to put in: what --log-file wrote.")
def bug_report(run: str, log: Path | None) -> None:
    """Pack what a bug report needs of RUN into one zip: its record, its journal, versions; secrets are masked.

    RUN is a record, the id of a run under ./reports or in the journal, or `latest`.

    \b
    Example
      gameday bug-report latest --log gameday.log
    """
    from gameday.cli.records import report_bug

    sys.exit(report_bug(run, log))
