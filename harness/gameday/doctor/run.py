"""Examine a workload in each of its regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.aws.account import arn_place
from gameday.doctor import EXAMINATIONS
from gameday.doctor.examination import DoctorContext, Finding, PlannedExperiment, Severity
from gameday.errors import Exit, GamedayError, Reason, Refused, worst
from gameday.files.experiment import Experiment
from gameday.files.workload import Workload
from gameday.matrix.twin import experiments_of
from gameday.plan.guards.context import RunFacts
from gameday.plan.own_instance import where_we_run
from gameday.plan.plan import RunRequest
from gameday.plan.planner import inventory_of
from gameday.run.environment import Environment, open_environment
from gameday.run.experiment import plan_on


@dataclass(frozen=True)
class Examined:
    """The findings of all regions, the most important first."""

    workload: str
    findings: tuple[tuple[str, Finding], ...]  # region, finding

    @property
    def exit(self) -> Exit:
        """Return *refused* where a run would be refused, *unknown* where something could not be read, else *held*."""
        codes = {Severity.REFUSES: Exit.REFUSED, Severity.UNREAD: Exit.UNKNOWN}
        return worst([codes.get(finding.severity, Exit.HELD) for _, finding in self.findings])


def examine(workload: Workload, experiments: Sequence[Experiment], file: str) -> Examined:
    """Examine a workload with these experiments, or with those of its matrix where there are none.

    Raises Refused where the workload's role cannot be assumed, and InvalidInput where AWS is not set up.
    """
    found: list[tuple[str, Finding]] = []
    for region in workload.regions:
        with open_environment("aws", workload, None, region, 0) as environment:
            found += ((region, finding) for finding in _in_region(workload, experiments, file, region, environment))
    return Examined(workload.name, tuple(sorted(found, key=lambda each: each[1].severity)))


def _in_region(
    workload: Workload, experiments: Sequence[Experiment], file: str, region: str, environment: Environment
) -> list[Finding]:
    try:
        inventory = inventory_of(workload, environment.account, arn_place(environment.account, region))
        zones = sorted({subnet.zone for subnet in inventory.subnets})
    except GamedayError as error:
        return [Finding(Severity.UNREAD, "identity", error.what, error.remedy)]
    chosen = experiments or experiments_of(workload, zones, file)
    here = [each for each in chosen if each.region in (None, region)]
    planned = tuple(_planned(each, workload, region, environment) for each in here)
    context = DoctorContext(workload, region, environment, inventory, planned)
    found: list[Finding] = []
    for examination in EXAMINATIONS:
        try:
            found += examination(context)
        except GamedayError as error:
            found.append(Finding(Severity.UNREAD, examination.__name__.replace("_", " "), error.what, error.remedy))
    return found


def _planned(experiment: Experiment, workload: Workload, region: str, environment: Environment) -> PlannedExperiment:
    placed = experiment.model_copy(update={"region": region})
    request = RunRequest(placed, workload, None, "aws", 0, workload.production, *where_we_run())
    try:
        return PlannedExperiment(experiment.name, plan_on(environment, request, RunFacts()))
    except Refused as refused:
        return PlannedExperiment(experiment.name, None, refused.reasons)
    except GamedayError as error:
        return PlannedExperiment(experiment.name, None, (Reason(error.gd_code, error.what, error.remedy),))
