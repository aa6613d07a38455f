"""What `gameday doctor` does."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.argument("experiments", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON to stdout.")
def doctor(workload: Path, experiments: tuple[Path, ...], as_json: bool) -> None:
    """Say what WORKLOAD lacks on its AWS account for EXPERIMENTS (default: those of its matrix). Reads only.

    Examines identity, routes, store, rights, session policies, opt-in tags, KPIs, quotas, and what else the zones hold.
    Exits 5 where a run would be refused, 3 if something could not be read.

    \b
    Examples
      gameday doctor workload.yaml
      gameday doctor workload.yaml lose-a-zone.yaml --json
    """
    import sys

    from gameday.cli.output import tell
    from gameday.doctor.run import examine
    from gameday.errors import InvalidInput
    from gameday.files.load import load_any, load_workload
    from gameday.files.loaded import LoadedExperiment
    from gameday.report.doctor import as_json as json_of
    from gameday.report.doctor import terminal

    loaded = load_workload(workload)
    chosen = []
    for file in experiments:
        found = load_any(file)
        if not isinstance(found, LoadedExperiment):
            raise InvalidInput(f"{file} is not an experiment", "name experiment files", gd_code="GD-E101")
        chosen.append(found.experiment)
    examined = examine(loaded.workload, chosen, str(workload))
    tell((json_of if as_json else terminal)(examined))
    sys.exit(examined.exit)
