"""What `gameday conform` does."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--sandbox", metavar="ACCOUNT", required=True, help="The id of the sandbox account; any other refuses.")
@click.option("--region", default="us-east-1", show_default=True, help="The region to make the resources in.")
@click.option("--only", multiple=True, metavar="CASE", help="Prove this case alone; may be given several times.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the table to this file, too.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def conform(sandbox: str, region: str, only: tuple[str, ...], output: Path | None, yes: bool) -> None:
    """Prove what Gameday assumes of AWS on cheap resources of a sandbox account, which it makes and removes.

    Each case makes resources with the tag of its run, changes one setting, reads it until the change is seen, and
    undoes everything. It takes about ten minutes and a few cents. After a kill, `gameday restore` removes the rest.

    The table holds no account id: please send the file of --json in, so that it becomes a fixture.

    \b
    Examples
      gameday conform --sandbox 111122223333
      gameday conform --sandbox 111122223333 --only table.capacity --json conform.json
    """
    import sys
    from contextlib import closing

    from gameday.aws.client import open_account
    from gameday.cli.output import tell
    from gameday.conform.cases import cases
    from gameday.conform.run import Conformance, Sandbox
    from gameday.conform.sandbox import must_be_sandbox
    from gameday.disk import write_anew
    from gameday.engine.journal import Journal
    from gameday.errors import InvalidInput
    from gameday.report.conform import as_json, line, terminal
    from gameday.run.experiment import new_run_id
    from gameday.run.signals import undo_on_signals
    from gameday.run.stop import StopRequest
    from gameday.steady_state.clock import WallClock

    stop = StopRequest()
    account = open_account(hurries=stop.hurries)
    with closing(Journal.open()) as journal:
        principal = must_be_sandbox(account, region, sandbox, journal)
        run, partition = new_run_id(), principal.split(":")[1]
        known = {case.name: number for number, case in enumerate(cases(region, run, sandbox, partition))}
        if unknown := [name for name in only if name not in known]:
            raise InvalidInput(f"no case is named {unknown[0]}", f"name some of: {', '.join(known)}", gd_code="GD-E100")
        numbers = [known[name] for name in only] or list(known.values())
        chosen = [
            (cases(region, f"{run}-{number}", sandbox, partition)[number], f"{run}-{number}") for number in numbers
        ]
        if not yes:
            question = f"Make and remove resources for {len(chosen)} cases in account {sandbox}, as {principal}?"
            click.confirm(question, abort=True, err=True)
        bench = Sandbox(region, account.allowing, account, journal, WallClock(), stop)
        results = []
        with undo_on_signals(stop):
            for result in bench.all(chosen):
                results.append(result)
                tell(line(result))
        stuck = tuple(name for _, name in chosen if bench.stuck(name))
        endpoint = "AWS" if account.is_of_aws("ec2", region) else "another endpoint"
    proven = Conformance(region, endpoint, tuple(results), stuck)
    tell(terminal(proven))
    if output:
        write_anew(output, as_json(proven).encode())
    sys.exit(proven.exit)
