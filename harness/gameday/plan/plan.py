"""What a run will do, resolved against the account by reading only: targets, before-values, who suffers, refusals."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from gameday.aws.account import Account, whoami
from gameday.aws.alarms import absent_alarms, detecting, firing
from gameday.aws.arns import alarm_name
from gameday.aws.inventory import Inventory, Ownership
from gameday.change import Frozen, Json, PlannedFault
from gameday.engine.pacing import slowed
from gameday.errors import AwsError, Refused
from gameday.faults.fault import Fault, FaultContext
from gameday.files.experiment import Experiment
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.own_instance import own_instance_refusals
from gameday.steady_state.kpi.claim import Claim, Detection, Recovery
from gameday.steady_state.kpi.source import SourceSpec
from gameday.steady_state.kpi.units import show_duration, show_share

Place = Literal["twin", "aws"]


class Plan(Frozen):
    """What will be called, what undoes it, who is expected to suffer, and why it would not be injected."""

    version: Literal[1] = 1
    experiment: Experiment
    workload: Workload
    twin: TwinFile | None = None  # what the twin plays; None on an account
    place: Place
    account: str
    principal: str
    region: str
    seed: int = Field(ge=0)
    planned_faults: tuple[PlannedFault, ...]
    hit: tuple[str, ...]  # modules that the faults hit
    may_suffer: tuple[str, ...]  # those, and all that need them
    contained: tuple[str, ...]  # everything else: must not suffer
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The plan's hash: SHA-256 of what it claims and what it will do, as `canonical` writes it.

        Who made it, and what that person was warned of or refused, is not in it: a saved plan and the run that applies
        it have one hash. Neither are defaults, so that a version that has more of them finds the same hash.
        """
        told = {"principal", "refusals", "warnings"}
        raw = self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=told)
        return hashlib.sha256(canonical(raw)).hexdigest()


def canonical(raw: Json) -> bytes:
    """JSON in one form for one value: keys sorted, no spaces, ASCII. Raises ValueError for what is no JSON number."""
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@dataclass(frozen=True)
class RunRequest:
    """What a plan is made from: an experiment with its faults, its workload, and where and how to run it."""

    experiment: Experiment
    faults: tuple[Fault, ...]
    workload: Workload
    twin: TwinFile | None
    place: Place
    seed: int = 0
    production: bool = False  # the command line said --production
    instance: str | None = None  # the EC2 instance that this process runs on

    @property
    def region(self) -> str:
        """Where it runs: the experiment's region, else the workload's first."""
        return self.experiment.region or self.workload.regions[0]

    @property
    def asked(self) -> dict[str, SourceSpec]:
        """What the KPIs that are claimed or guarded read."""
        names = dict.fromkeys((*self.experiment.steady_state, *self.experiment.guard))
        return {name: self.workload.kpis[name].source for name in names}

    @property
    def alarms(self) -> dict[str, str]:
        """The alarms that those KPIs read, by the KPI's name."""
        return {name: source.alarm_name for name, source in self.asked.items() if source.alarm_name}


def make_plan(request: RunRequest, account: Account, now: float) -> Plan:
    """Resolve an experiment; reads only. A read that fails raises Refused: what cannot be checked is not injected."""
    workload, experiment = request.workload, request.experiment
    region = request.region
    try:
        found, principal = whoami(account, region)
        stray = _stray(workload, found, region, request, now)
        if stray:
            raise Refused(stray)
        context = FaultContext(
            account=account,
            region=region,
            inventory=inventory_of(workload, account, region),
            modules=tuple(workload.modules),
            seed=request.seed,
            opt_in=workload.opt_in or {},
        )
        planned_faults = tuple(fault.inject(context) for fault in request.faults)
        running = Counter(one.module for one in context.inventory.instances if one.state == "running")
        alarms = firing(experiment.stop_when, account, region)
        detector = experiment.detected_by.alarm if experiment.detected_by else None
        unfit_alarm, muted_alarm = detecting(detector, account, region, now)
        absent = absent_alarms(request.alarms, account, region)
        environment = own_instance_refusals(planned_faults, request.instance, account, region)
    except AwsError as error:
        raise Refused((f"the plan could not be made: {error.what}",), error.remedy, gd_code="GD-E201") from error
    hit = frozenset(module for planned_fault in planned_faults for module in planned_fault.hits)
    suffering = workload.suffers_with(hit)
    beyond = _beyond_limits(workload, experiment, planned_faults, running)
    refusals = (
        *(reason for planned_fault in planned_faults for reason in planned_fault.refusals),
        *_irreversible_refusals(experiment, planned_faults),
        *_twice(planned_faults),
        *alarms,
        *unfit_alarm,
        *environment,
        *absent,
        *(_unread(request) if request.place == "twin" else ()),
    )
    return Plan(
        experiment=experiment,
        workload=workload,
        twin=request.twin,
        place=request.place,
        account=found,
        principal=principal,
        region=region,
        seed=request.seed,
        planned_faults=planned_faults,
        hit=tuple(sorted(hit)),
        may_suffer=tuple(sorted(suffering)),
        contained=tuple(sorted(set(workload.modules) - suffering)),
        refusals=refusals if request.place == "twin" else (*refusals, *beyond),
        warnings=(
            *(warning for planned_fault in planned_faults for warning in planned_fault.warnings),
            *muted_alarm,
            *slowed(change for planned_fault in planned_faults for change in planned_fault.changes),
            *((f"{reason} (an account would refuse)" for reason in beyond) if request.place == "twin" else ()),
        ),
    )


def inventory_of(workload: Workload, account: Account, region: str) -> Inventory:
    """The workload's resources in one region."""
    owns = {
        name: Ownership(owned.tags, owned.functions, owned.tables, owned.stages)
        for name, owned in [("", workload.owns), *((name, module.owns) for name, module in workload.modules.items())]
    }
    whole = owns.pop("")
    return Inventory(account, region, whole, owns)


def _stray(workload: Workload, found: str, region: str, request: RunRequest, now: float) -> tuple[str, ...]:
    reasons = []
    if found != workload.account:
        reasons.append(f"the credentials are for account {found}, the workload is in {workload.account}")
    if region not in workload.regions:
        reasons.append(f"region {region} is not one of the workload's: {', '.join(workload.regions)}")
    if request.place == "aws":
        if workload.production and not request.production:
            reasons.append("the workload is in production: say --production to mean it")
        today = datetime.fromtimestamp(now, UTC).date()
        reasons += [
            f"{freeze.why}: nothing is injected from {freeze.from_} to {freeze.to}"
            for freeze in workload.freezes
            if freeze.from_ <= today <= freeze.to
        ]
    return tuple(reasons)


def _unread(request: RunRequest) -> tuple[str, ...]:
    """Why a twin cannot show what an experiment claims or guards: it has metrics and alarms alone."""
    elsewhere = ", ".join(f"{name} ({source.name})" for name, source in request.asked.items() if not source.on_twin)
    remedy = "give them a `cloudwatch:` metric that the twin file feeds under `metrics:`, or run with --on aws"
    what = f"these KPIs of workload {request.workload.name} are read elsewhere: {elsewhere}; {remedy}"
    return (f"the twin has CloudWatch's metrics and alarms alone, and {what}",) if elsewhere else ()


def taken_away(planned_faults: tuple[PlannedFault, ...]) -> dict[str, float]:
    """Module → the share of its capacity that all faults together take away, 1 at most."""
    taken: dict[str, float] = {}
    for planned_fault in planned_faults:
        for module, share in planned_fault.hits.items():
            taken[module] = min(1.0, taken.get(module, 0.0) + share)
    return dict(sorted(taken.items()))


def _beyond_limits(
    workload: Workload, experiment: Experiment, planned_faults: tuple[PlannedFault, ...], running: Counter[str | None]
) -> tuple[str, ...]:
    limits, most = workload.limits, show_share(workload.limits.module_share)
    taken = {module: share for module, share in taken_away(planned_faults).items() if module in running}
    reasons = [
        f"{show_share(share)} of the instances of {module} would be hit, over the limit of {most}"
        for module, share in sorted(taken.items())
        if share > limits.module_share + 1e-9
    ]
    hit = round(sum(share * running[module] for module, share in taken.items()))
    if hit > limits.instances:
        reasons.append(f"{hit} instances would be hit, over the limit of {limits.instances}")
    exposure = experiment.lasts + max(planned_fault.effect.deadline for planned_fault in planned_faults)
    if exposure > limits.exposure:
        reasons.append(
            f"the faults may last {show_duration(exposure)} (until they take effect, and then `lasts`), "
            f"over the limit of {show_duration(limits.exposure)}"
        )
    return tuple(reasons)


def _irreversible_refusals(experiment: Experiment, planned_faults: tuple[PlannedFault, ...]) -> tuple[str, ...]:
    if "irreversible" in experiment.allow:
        return ()
    return tuple(
        f"{change.about} cannot be undone ({change.why}); the experiment does not say `allow: [irreversible]`"
        for planned_fault in planned_faults
        for change in planned_fault.irreversible_actions
    )


def _twice(planned_faults: tuple[PlannedFault, ...]) -> tuple[str, ...]:
    seen: dict[tuple[str, str], str] = {}
    reasons = []
    for planned_fault in planned_faults:
        for change in planned_fault.setting_changes:
            key = (change.setting.name, change.id)
            if key in seen:
                reasons.append(f"{planned_fault.fault} and {seen[key]} would both change {change.subject}")
            seen[key] = planned_fault.fault
    return tuple(reasons)


def claim_of(plan: Plan) -> Claim:
    """What the plan's experiment claims, as judging needs it."""
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
        detection=Detection(alarm_name(detected.alarm), detected.within) if detected else None,
    )


def moved_on(planned: Plan, now: Plan) -> tuple[str, ...]:
    """What is no longer as it was when a plan was made: reasons to refuse it."""
    reasons = [
        f"the plan is for {what} {was}, this is {is_}"
        for what, was, is_ in (
            ("account", planned.account, now.account),
            ("region", planned.region, now.region),
        )
        if was != is_
    ]
    if len(planned.planned_faults) != len(now.planned_faults):
        counts = len(planned.planned_faults), len(now.planned_faults)
        reasons.append(f"the plan injects {counts[0]} faults, the experiment has {counts[1]}")
    for was, is_ in zip(planned.planned_faults, now.planned_faults, strict=False):
        if was != is_:
            reasons.append(f"{was.label}: the account has moved on since the plan was made ({_difference(was, is_)})")
    if not reasons and planned.digest != now.digest:
        reasons.append("who would suffer is no longer what it was when the plan was made")
    return tuple(reasons)


def _difference(was: PlannedFault, now: PlannedFault) -> str:
    def settings(planned_fault: PlannedFault) -> dict[str, Json]:
        return {change.subject: change.before for change in planned_fault.setting_changes}

    old, new = settings(was), settings(now)
    changed = [f"{key} was {old[key]}, is {new[key]}" for key in old.keys() & new.keys() if old[key] != new[key]]
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    said = [*changed, *(f"{key} is no longer a target" for key in gone), *(f"{key} is a new target" for key in come)]
    return "; ".join(said[:3]) or "other targets"
