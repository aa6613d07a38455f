"""Make a plan: resolve an experiment against the account by reads only, then ask every guard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gameday.aws.account import Account, whoami
from gameday.aws.arns import ArnPlace
from gameday.aws.inventory import Inventory
from gameday.aws.resources import Ownership
from gameday.change import PlannedFault
from gameday.engine.patient_reads import PatientReads
from gameday.errors import AwsError, Reason, Refused
from gameday.faults.fault import FaultContext
from gameday.files.fault_entries import ScheduledFault
from gameday.files.workload import Workload
from gameday.plan.bound_by_tags import bound_by_tags
from gameday.plan.guards.context import AccountContext, PlaceContext, PlanContext, RunFacts, UndoRights
from gameday.plan.guards.guard import ask
from gameday.plan.guards.registry import ACCOUNT_GUARDS, NOT_RESTORABLE, PLACE_GUARDS, PLAN_GUARDS, READ_FAILED
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.traits import store_traits, traits_of

KPI_DEADLINE = 600.0
"""Seconds within which a KPI must show an effect: several of CloudWatch's minutes, which also arrive late."""


def make_plan(request: RunRequest, account: Account, now: float, facts: RunFacts | None = None) -> Plan:
    """Resolve an experiment, with every refusal and warning; reads only.

    `now` is in seconds since the epoch. Raises Refused where no plan is possible: a guard of the place or the account
    refuses (`PLACE_GUARDS`, `ACCOUNT_GUARDS`), or a read fails.
    """
    facts, region = facts or RunFacts(), request.region
    place = ask(PLACE_GUARDS, PlaceContext(request, now, facts))
    if place.refusals:
        raise Refused(place.refusals)
    try:
        account_id, principal = whoami(account, region)
        if refusals := ask(ACCOUNT_GUARDS, AccountContext(request, now, facts, account_id)).refusals:
            raise Refused(refusals)
        reads = PatientReads(account)
        inventory = inventory_of(request.workload, reads, ArnPlace(principal.split(":")[1], region, account_id))
        plan = _resolved(request, account_id, principal, _fault_context(request, reads, inventory, now))
        plan = _with_traits(plan, account, inventory)
        in_service = Counter(instance.module for instance in inventory.in_service)
    except AwsError as error:
        raise Refused((Reason(READ_FAILED, f"Gameday could not make the plan: {error.what}", error.remedy),)) from error
    rights = facts.undo_rights(plan, account) if facts.undo_rights else UndoRights()
    reasons = ask(PLAN_GUARDS, PlanContext(request, now, facts, account_id, plan, account, in_service, rights))
    warnings = (*place.warnings, *reasons.warnings)
    return plan.model_copy(update={"refusals": reasons.refusals, "warnings": warnings})


def inventory_of(workload: Workload, account: Account, place: ArnPlace) -> Inventory:
    """Return the workload's resources in one region."""
    modules = {name: Ownership(module.owns.tags, module.owns.names) for name, module in workload.modules.items()}
    return Inventory(account, place, Ownership(workload.owns.tags), modules)


def _fault_context(request: RunRequest, account: Account, inventory: Inventory, now: float) -> FaultContext:
    return FaultContext(
        account=account,
        region=request.region,
        inventory=inventory,
        modules=tuple(request.workload.modules),
        allow=request.experiment.allow,
        proof=request.experiment.effect.kpi if request.experiment.effect else None,
        seed=request.seed,
        now=now,
        lasts=request.experiment.lasts,
    )


def _resolved(request: RunRequest, account: str, principal: str, context: FaultContext) -> Plan:
    """Return the plan without guards. Raises AwsError, and Refused for changes that could not be undone."""
    try:
        opt_in = request.workload.opt_in or {}
        planned_faults = tuple(
            _checked(_proven(_injected(scheduled, context), context.proof), opt_in, context.inventory)
            for scheduled in sorted(request.experiment.faults, key=lambda scheduled: scheduled.at)
        )
    except Refused as refused:
        reasons = (Reason(NOT_RESTORABLE, reason.text, reason.remedy) for reason in refused.reasons)
        raise Refused(tuple(reasons), refused.remedy) from refused
    hit = frozenset(module for planned_fault in planned_faults for module in planned_fault.hits)
    suffering = request.workload.suffers_with(hit)
    return Plan(
        experiment=request.experiment,
        workload=request.workload,
        twin=request.twin,
        place=request.place,
        account=account,
        principal=principal,
        region=request.region,
        seed=request.seed,
        planned_faults=planned_faults,
        hit=tuple(sorted(hit)),
        may_suffer=tuple(sorted(suffering)),
        contained=tuple(sorted(set(request.workload.modules) - suffering)),
    )


def _injected(scheduled: ScheduledFault, context: FaultContext) -> PlannedFault:
    """Resolve a fault, with its times. Raises AwsError and Refused."""
    planned_fault = scheduled.fault.inject(context)
    if not scheduled.is_timed:
        return planned_fault
    return planned_fault.model_copy(update={"at": scheduled.at, "lasts": scheduled.lasts})


def _proven(planned_fault: PlannedFault, kpi: str | None) -> PlannedFault:
    """Let the effect also show in the KPI that the experiment names."""
    if kpi is None:
        return planned_fault
    effect = planned_fault.effect
    deadline = max(effect.deadline, KPI_DEADLINE)
    return planned_fault.model_copy(update={"effect": effect.model_copy(update={"kpi": kpi, "deadline": deadline})})


def _with_traits(plan: Plan, account: Account, inventory: Inventory) -> Plan:
    """Return the plan with the traits of its resources, and the kinds that a policy may name by tags.

    Raises AwsError.
    """
    place, store = ArnPlace(plan.principal.split(":")[1], plan.region, plan.account), plan.workload.store
    traits = traits_of(plan.planned_faults, account, place)
    if store and plan.place == "aws":
        traits += store_traits(store, account, place)
    bound = bound_by_tags(plan, inventory)
    return plan.model_copy(update={"traits": traits, "bound_by_tags": bound})


def _checked(planned_fault: PlannedFault, opt_in: Mapping[str, str], inventory: Inventory) -> PlannedFault:
    """Name the resources that the fault changes and that lack the workload's opt-in tag. Raises AwsError."""
    if not opt_in:
        return planned_fault
    hit = dict.fromkeys(
        [
            *((change.resource_kind, target) for change in planned_fault.changes for target in change.targets),
            *((resource.resource, resource.id) for resource in planned_fault.hit),
        ]
    )
    lacking = [
        target for kind, target in hit if kind and not opt_in.items() <= (inventory.tags(kind, target) or {}).items()
    ]
    return planned_fault.model_copy(update={"without_opt_in": tuple(lacking)})
