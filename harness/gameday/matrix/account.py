"""A matrix on an account: its zones, all its plans before the confirmation, and its rows, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from gameday.aws.account import arn_place
from gameday.errors import Exit, GamedayError, Reason, Refused
from gameday.files.experiment import Experiment
from gameday.files.workload import Workload
from gameday.matrix.model import MatrixRow
from gameday.matrix.twin import Keep, error_of_row, row_of
from gameday.plan.own_instance import where_we_run
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import inventory_of
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.environment import open_environment
from gameday.run.experiment import ExperimentRunner


def zones_of(workload: Workload) -> tuple[str, ...]:
    """Return the zones with instances of the workload, in its first region. Reads only."""
    region = workload.regions[0]
    with open_environment("aws", workload, None, region, seed=0) as environment:
        instances = inventory_of(workload, environment.account, arn_place(environment.account, region)).instances
    return tuple(sorted({each.zone for each in instances if each.module and each.state in ("pending", "running")}))


@dataclass(frozen=True)
class Rows:
    """Run the rows of a matrix on an account."""

    player: ExperimentRunner
    confirm: Callable[[list[Plan | Refusal]], None]  # shows all plans, and raises Refused if the user declines
    keep: Keep
    tell: Callable[[str], None]

    def play(
        self, workload: Workload, experiments: tuple[Experiment, ...], seed: int, production: bool
    ) -> tuple[Exit, tuple[MatrixRow, ...]]:
        """Plan every row by reads only, and ask once; then make each plan again, and run it.

        The exit is 4 where a run left the account stuck, 130 after a signal, else 0; it does not judge the rows.
        Raises Refused where every plan refuses.
        """
        here = where_we_run()
        requests = [
            RunRequest(experiment, workload, None, "aws", seed, production, *here) for experiment in experiments
        ]
        plans = [self._planned(request) for request in requests]
        refused = [plan for plan in plans if isinstance(plan, Refusal)]
        if len(refused) == len(plans):
            reasons = [
                replace(why, text=f"{refusal.name}: {why.text}") for refusal in refused for why in refusal.reasons
            ]
            raise Refused(tuple(reasons), refused[0].remedy if refused else "")
        self.confirm(plans)
        entries = tuple(self._played(requests))
        error = error_of_row(workload, experiments)
        rows = tuple(row_of(experiment, entry, error) for experiment, entry in zip(experiments, entries, strict=True))
        stuck = any(isinstance(entry, Record) and entry.stuck for entry in entries)
        return (Exit.STUCK if stuck else Exit.INTERRUPTED if self.player.stop.is_signal else Exit.HELD), rows

    def _planned(self, request: RunRequest) -> Plan | Refusal:
        try:
            with self.player.planned(request) as (plan, _, _):
                return Refusal(plan.experiment.name, plan.refusals) if plan.refusals else plan
        except Refused as refusal:
            return Refusal(request.experiment.name, refusal.reasons, remedy=refusal.remedy)

    def _one(self, request: RunRequest) -> Record | Refusal:
        """Run a request; an error of ours before the run costs this row, and no other."""
        try:
            return self.player.experiment(request)
        except GamedayError as error:
            return Refusal(request.experiment.name, (Reason(error.gd_code, f"it was not played: {error.what}"),))

    def _played(self, requests: Iterable[RunRequest]) -> Iterator[Record | Refusal]:
        """Run each request; after a stuck account or a signal, refuse the rest with that reason."""
        why = ""
        for request in requests:
            name = request.experiment.name
            if why:
                yield Refusal(name, (Reason("", why),))
                continue
            self.tell(f"{name} begins")
            played = self._one(request)
            if isinstance(played, Record):
                self.keep(played)
            else:
                self.tell(f"{name} was refused: {'; '.join(map(str, played.reasons))}")
            if isinstance(played, Record) and played.stuck:
                why = f"the matrix ended before: {name} left the account stuck"
            elif self.player.stop.why:
                why = f"the matrix ended before: {self.player.stop.why}"
            yield played
