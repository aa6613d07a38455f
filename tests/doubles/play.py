"""Short experiments on the storefront's twin, for tests of the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from gameday.aws.account import Account, AnyCall
from gameday.aws.client import Aws
from gameday.aws.source_calls import calls_of_sources
from gameday.engine.allowlist import AllowList
from gameday.engine.journal import Journal
from gameday.events import Event
from gameday.files.experiment import Experiment
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import make_plan
from gameday.run.context import RunContext
from gameday.run.loop import run
from gameday.run.stop import StopRequest
from gameday.steady_state.sources.cloudwatch import CloudWatchSource
from gameday.twin.twin import Twin

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
REGION = "us-east-1"
SHORT: dict[str, Any] = {
    "version": 1,
    "kind": "experiment",
    "name": "short",
    "workload": "workload.yaml",
    "hypothesis": "Customers keep buying.",
    "steady_state": ["orders"],
    "baseline": "1m",
    "faults": [{"throttle": {"module": "recommendations", "to": 0}}],
    "lasts": "30s",
    "allow": ["irreversible"],
}


def read(name: str) -> Any:
    return yaml.safe_load((STOREFRONT / name).read_text())


def cured(raw: Any) -> Any:
    """Storefront's twin without its planted flaw, so that short runs hold."""
    for call in raw["modules"]["web"]["calls"]:
        if call["to"] == "recommendations":
            call |= {"timeout": "250ms", "fallback": True}
    return raw


def metrics_of(account: Account) -> CloudWatchSource:
    """The KPI source that reads CloudWatch through a twin."""
    call = calls_of_sources(account, REGION)
    return CloudWatchSource(lambda params, region: call("cloudwatch.get_metric_data", params, region=region))


@dataclass
class Played:
    """A twin with a plan made on it, ready to be run in a test's own way."""

    twin: Twin
    plan: Plan
    journal: Journal
    stop: StopRequest

    @property
    def account(self) -> Aws:
        """The twin's account, narrowed to the plan."""
        return self.twin.aws.allowing(AllowList([fault.changes for fault in self.plan.planned_faults], "test-run"))

    @property
    def stranger(self) -> Aws:
        """The twin's account, for somebody else who changes what they like."""
        return self.twin.aws.allowing(AnyCall())

    def run(self, account: Account | None = None) -> Iterator[Event]:
        source = metrics_of(self.twin.aws)
        return run(
            self.plan,
            RunContext("test-run", account or self.account, self.twin.clock, source, self.journal, stop=self.stop),
        )

    def events(self, account: Account | None = None) -> list[Event]:
        return list(self.run(account))


@contextmanager
def played(
    folder: Path,
    change_twin: Callable[[Any], Any] = cured,
    change_workload: Callable[[Any], Any] = lambda raw: raw,
    **fields: Any,
) -> Iterator[Played]:
    """A short experiment with other fields, planned on a twin and taken into a journal."""
    experiment = Experiment.model_validate(SHORT | fields)
    workload = Workload.model_validate(change_workload(read("workload.yaml")))
    twin = TwinFile.model_validate(change_twin(read("twin.yaml")))
    request = RunRequest(experiment, workload, twin, "twin")
    with Twin(workload, twin) as world:
        plan = make_plan(request, world.aws, world.clock.now())
        journal = Journal.open(folder)
        journal.begin("test-run", plan, pid=1)
        yield Played(world, plan, journal, StopRequest())
        journal.close()
