"""How an error leaves a command: its words on stderr, and its exit code."""

from __future__ import annotations

import traceback

import click

from gameday.errors import Exit, GamedayError, InvalidInput


def show(error: Exception) -> Exit:
    """Print an error, and return its exit code; an error that is not Gameday's own is a bug, with its traceback."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "moto":
        error = InvalidInput("the twin is not installed", "pip install 'gameday-harness[twin]'", gd_code="GD-E110")
    if isinstance(error, GamedayError):
        click.echo(f"gameday: {error}", err=True)
        code = error.exit
    else:
        from gameday.steady_state.kpi.masks import masked_text

        trace = "".join(traceback.format_exception(error))
        click.echo(masked_text(trace), err=True, nl=False)  # people send it in reports
        click.echo("gameday: this is a bug in Gameday. If a run had begun, run `gameday restore`.", err=True)
        code = Exit.BUG
    if code == Exit.BUG:
        from gameday.report.bug_report import how_to_report

        click.echo(how_to_report(), err=True)
    return code
