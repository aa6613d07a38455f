"""Commands that explain Gameday itself: faults, errors, and the schemas of its files."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def schema(folder: Path) -> None:
    """Write the JSON Schemas of all files into FOLDER, for editors.

    \b
    Example
      gameday schema experiments
    """
    from gameday.files.schema import write_schemas

    for path in write_schemas(folder):
        click.echo(path)


@click.command()
@click.argument("name", required=False)
@click.option("--states", is_flag=True, help="Show what NAME does on each documented state of its target.")
@click.option("--json", "as_json", is_flag=True, help="Write those states as JSON to stdout.")
def faults(name: str | None, states: bool, as_json: bool) -> None:
    """List the catalogue of faults, or explain the fault NAME: fields, changes, undo, effect, permissions.

    \b
    Examples
      gameday faults
      gameday faults az-blackhole
      gameday faults stop-instance --states
    """
    from gameday.faults.describe import catalogue, explain

    if (states or as_json) and not (name and states):
        msg = "--states needs the NAME of a fault, and --json needs --states"
        raise click.UsageError(msg)
    if name and states:
        from gameday.report import states as shown

        explain(name)  # raises InvalidInput where no fault has that name
        click.echo(shown.as_json(name) if as_json else shown.terminal(name), nl=as_json)
        return
    click.echo(explain(name) if name else catalogue(), nl=False)


@click.command()
@click.argument("code", required=False)
def errors(code: str | None) -> None:
    """List the codes of errors, mistakes in files and refusals, or explain one CODE.

    \b
    Examples
      gameday errors
      gameday errors GD-E204
    """
    from gameday.cli.errors import catalogue, explain

    click.echo(explain(code) if code else catalogue(), nl=False)
