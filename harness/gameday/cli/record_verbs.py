"""Commands that read the records of runs, and touch no account."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("record")
@click.option("--reports", type=click.Path(path_type=Path), required=True, help="Write the reports into this folder.")
def report(record: str, reports: Path) -> None:
    """Judge the stored RECORD of a run again, and rewrite its reports. Touches no account.

    RECORD is a file, the id of a run in the history, or `latest`.

    \b
    Examples
      gameday report latest --reports again
      gameday report reports/20260101-storefront/lose-a-zone.json --reports again
    """
    from gameday.cli.exchange import record_path
    from gameday.cli.run import report_again

    sys.exit(report_again(record_path(record), reports))


@click.command()
@click.argument("run")
def explain(run: str) -> None:
    """Explain each verdict of RUN: what was claimed, what was seen, how certain it is, what would add certainty.

    RUN is a record, a folder of them, the id of a run under ./reports or in the history, or `latest`.

    \b
    Examples
      gameday explain latest
      gameday explain reports/20260101-storefront/lose-a-zone.json
    """
    from gameday.cli.records import explain_run

    sys.exit(explain_run(run))


@click.command()
@click.argument("new", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--against", "old", multiple=True, required=True, type=click.Path(path_type=Path), help="Runs of the older release."
)
@click.option("--margin", default="25%", show_default=True, help="Accept results that are worse by up to this share.")
@click.option("--json", "as_json", is_flag=True, help="Write the comparison as JSON to stdout.")
def regression(new: tuple[Path, ...], old: tuple[Path, ...], margin: str, as_json: bool) -> None:
    """Compare recovery and loss of NEW runs with those of an older release. Touches no account.

    NEW are records, folders of them, or ids of runs in the history. Exits 1 if a result is proven worse, 3 if more
    runs are needed.

    \b
    Example
      gameday regression reports/v2 --against reports/v1 --margin 10% --json
    """
    from gameday.cli.records import regression as compare

    sys.exit(compare(new, old, margin, as_json))


@click.command("bug-report")
@click.argument("run")
@click.option("--log", type=click.Path(path_type=Path), help="Include this log, which --log-file wrote.")
def bug_report(run: str, log: Path | None) -> None:
    """Write the record, journal and versions of RUN into one zip for a bug report. Masks secrets.

    RUN is a record, the id of a run under ./reports or in the journal, or `latest`.

    \b
    Example
      gameday bug-report latest --log gameday.log
    """
    from gameday.cli.records import report_bug

    sys.exit(report_bug(run, log))
