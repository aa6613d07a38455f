"""A matrix on an account: its zones, all its plans before anything is asked, and its rows one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from gameday.errors import Exit, Reason, Refused
from gameday.files.experiment import Experiment
from gameday.files.workload import Workload
from gameday.matrix.model import MatrixRow
from gameday.matrix.twin import Keep, error_of_row, row_of
from gameday.plan.own_instance import own_instance
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import inventory_of
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.environment import open_environment
from gameday.run.experiment import ExperimentRunner


def zones_of(workload: Workload) -> tuple[str, ...]:
    """The zones in which the workload's instances stand, in its first region. Reads only."""
    region = workload.regions[0]
    with open_environment("aws", workload, None, region, seed=0) as environment:
        found = inventory_of(workload, environment.account, region).instances
    return tuple(sorted({one.zone for one in found if one.module and one.state in ("pending", "running")}))


@dataclass(frozen=True)
class Rows:
    """How to play a matrix's rows on an account."""

    player: ExperimentRunner
    confirm: Callable[[list[Plan | Refusal]], None]  # is shown all plans, and raises Refused where the answer is no
    keep: Keep
    tell: Callable[[str], None]

    def play(
        self, workload: Workload, experiments: tuple[Experiment, ...], seed: int, production: bool
    ) -> tuple[Exit, tuple[MatrixRow, ...]]:
        """Plan all by reading only, ask once; then each is planned again when its turn comes, and run.

        The exit is 4 where a run left the account stuck, 130 after a signal, else 0: what rows say is not judged here.
        Raises Refused where nothing could be injected.
        """
        here = own_instance()
        requests = [
            RunRequest(one, one.faults, workload, None, "aws", seed, production, instance=here) for one in experiments
        ]
        plans = [self._planned(request) for request in requests]
        refused = [one for one in plans if isinstance(one, Refusal)]
        if len(refused) == len(plans):
            reasons = [replace(why, text=f"{one.name}: {why.text}") for one in refused for why in one.reasons]
            raise Refused(tuple(reasons), refused[0].remedy if refused else "")
        self.confirm(plans)
        entries = tuple(self._played(requests))
        error = error_of_row(workload, experiments)
        rows = tuple(row_of(one, entry, error) for one, entry in zip(experiments, entries, strict=True))
        stuck = any(isinstance(one, Record) and one.stuck for one in entries)
        return (Exit.STUCK if stuck else Exit.INTERRUPTED if self.player.stop.is_signal else Exit.HELD), rows

    def _planned(self, request: RunRequest) -> Plan | Refusal:
        try:
            with self.player.planned(request) as (plan, _, _):
                return Refusal(plan.experiment.name, plan.refusals) if plan.refusals else plan
        except Refused as refusal:
            return Refusal(request.experiment.name, refusal.reasons, remedy=refusal.remedy)

    def _played(self, requests: Iterable[RunRequest]) -> Iterator[Record | Refusal]:
        """A stuck account or a signal ends the matrix: the rows that are left say so."""
        why = ""
        for request in requests:
            name = request.experiment.name
            if why:
                yield Refusal(name, (Reason("", why),))
                continue
            self.tell(f"{name} begins")
            played = self.player.experiment(request)
            if isinstance(played, Record):
                self.keep(played)
            else:
                self.tell(f"{name} was refused: {'; '.join(map(str, played.reasons))}")
            if isinstance(played, Record) and played.stuck:
                why = f"the matrix ended before: {name} left the account stuck"
            elif self.player.stop.why:
                why = f"the matrix ended before: {self.player.stop.why}"
            yield played
