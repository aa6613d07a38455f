"""A plan as a value (targets, values of before, modules that suffer, refusals), and the request that it came from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from gameday.change import Frozen, Json, PlannedFault
from gameday.errors import Reason
from gameday.files.experiment import Experiment
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.traits import Trait
from gameday.steady_state.kpi.claim import Claim, Detection, Recovery, TrafficProof
from gameday.steady_state.kpi.source import SourceSpec
from gameday.steady_state.kpi.units import Seed
from gameday.steady_state.sources.alarm_names import alarm_name

Place = Literal["twin", "aws"]


class Plan(Frozen):
    """The calls of a run and their undo, the modules that may suffer, and the reasons not to inject."""

    version: Literal[1] = 1
    experiment: Experiment
    workload: Workload
    twin: TwinFile | None = None  # what the twin plays; None on an account
    place: Place
    account: str
    principal: str
    region: str
    seed: Seed
    planned_faults: tuple[PlannedFault, ...]
    hit: tuple[str, ...]  # modules that the faults hit
    may_suffer: tuple[str, ...]  # the hit modules, and all that need them
    contained: tuple[str, ...]  # all other modules: they must not suffer
    traits: tuple[Trait, ...] = ()  # of the changed resources: AWS checks more than the action of a call
    bound_by_tags: tuple[str, ...] = ()  # kinds in words: all their targets carry the opt-in tag themselves
    refusals: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()

    @property
    def is_timed(self) -> bool:
        """Whether some fault begins or ends apart from the others; `planned_faults` are in the order of their begin."""
        return any(planned_fault.is_timed for planned_fault in self.planned_faults)

    @property
    def longest_exposure(self) -> float:
        """The longest time in seconds from the injection to the undo: until the first effects, and then `lasts`."""
        deadline = max((each.effect.deadline for each in self.planned_faults if not each.at), default=0.0)
        return deadline + self.experiment.lasts

    @property
    def digest(self) -> str:
        """The plan's hash: SHA-256 of what it claims and what it will do, as `canonical` writes it.

        It leaves out the principal, the refusals and the warnings, so that a saved plan and the run that applies it
        have the same hash. It leaves out defaults, so that a version with more fields finds the same hash.
        """
        left_out = {"principal", "refusals", "warnings"}
        raw = self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)
        return hashlib.sha256(canonical(raw)).hexdigest()


def canonical(raw: Json) -> bytes:
    """Return canonical JSON: keys sorted, no spaces, ASCII. Raises ValueError for a number that JSON lacks."""
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@dataclass(frozen=True)
class RunRequest:
    """The input of a plan: an experiment with its faults, its workload, and where and how to run it."""

    experiment: Experiment
    workload: Workload
    twin: TwinFile | None
    place: Place
    seed: int = 0
    production: bool = False  # the command line said --production
    instance: str | None = None  # the EC2 instance that this process runs on
    unplaced: str = ""  # what else of AWS this process runs in, in words, where its subnet is unknown
    digests: tuple[tuple[str, str], ...] = ()  # of the files that it was loaded from: path and SHA-256

    @property
    def region(self) -> str:
        """Where it runs: the experiment's region, else the workload's first."""
        return self.experiment.region or self.workload.regions[0]

    @property
    def asked(self) -> dict[str, SourceSpec]:
        """The sources of the KPIs that are claimed or guarded."""
        names = dict.fromkeys((*self.experiment.steady_state, *self.experiment.guard))
        return {name: self.workload.kpis[name].source for name in names}

    @property
    def alarms(self) -> dict[str, str]:
        """The alarms that those KPIs read, by the KPI's name."""
        return {name: source.alarm_name for name, source in self.asked.items() if source.alarm_name}


def taken_away(planned_faults: tuple[PlannedFault, ...]) -> dict[str, float]:
    """Return the share of each module's capacity that all faults together take away, 1 at most."""
    taken: dict[str, float] = {}
    for planned_fault in planned_faults:
        for module, share in planned_fault.hits.items():
            taken[module] = min(1.0, taken.get(module, 0.0) + share)
    return dict(sorted(taken.items()))


def claim_of(plan: Plan) -> Claim:
    """Return the claim of the plan's experiment, for judging."""
    experiment, workload = plan.experiment, plan.workload
    recovery, detected = experiment.recovery, experiment.detected_by
    return Claim(
        kpis=workload.kpis,
        claimed=experiment.steady_state,
        during={name: None if bound == "any" else bound for name, bound in experiment.during.items()},
        recovery=Recovery(recovery.within, recovery.from_, recovery.sustained) if recovery else None,
        margin=experiment.isolation.margin if experiment.isolation else None,
        contained=plan.contained,
        false_verdict=workload.budget.false_verdict,
        traffic=_traffic(plan),
        detection=Detection(alarm_name(detected.alarm), detected.within) if detected else None,
    )


def _traffic(plan: Plan) -> TrafficProof | None:
    """Return what must be seen in traffic; nothing where the effect itself shows in a KPI (`effect: {kpi: …}`)."""
    blind = {
        index: fault.effect.blind_to
        for index, fault in enumerate(plan.planned_faults)
        if fault.effect.blind_to and not fault.effect.kpi
    }
    if not blind:
        return None
    kpis = tuple(name for name, kpi in plan.workload.kpis.items() if kpi.module in plan.may_suffer)
    return TrafficProof(kpis, "; ".join(dict.fromkeys(blind.values())), tuple(blind))
