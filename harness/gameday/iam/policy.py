"""The least permissions of a run, derived from its plan: policies for the run, its rescue, and their boundary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType

from gameday.aws.arns import ArnPlace
from gameday.aws.source_calls import call_named
from gameday.change import Call, Json
from gameday.errors import Refused
from gameday.iam.actions import action_of
from gameday.iam.asks import Permission, asks_of, partition_of
from gameday.iam.dependent import dependents
from gameday.iam.evaluate import AccessRequest, Decision, Doubt, PolicyDocument, decide
from gameday.iam.grants import Grant, by_tags, compact, document, grant_of, read_of, request_of, statements_of
from gameday.iam.patterns import Context
from gameday.iam.principal import READS
from gameday.plan.plan import Plan
from gameday.steady_state.sources.alarm import HISTORY, STATES
from gameday.steady_state.sources.alarm_names import alarm_place
from gameday.store.proof import PROBES
from gameday.store.s3 import place_of

LONGEST = 2048
"""The maximum length of a session policy in characters (STS API Reference, AssumeRole, parameter Policy)."""

FEWEST = 3
"""Targets of one kind for which a condition on their tag is shorter than their ARNs."""

REMEDY = (
    "give every target the workload's opt-in tag (interfaces too), so that the policy can name them by it; "
    "or name fewer targets, or split the experiment"
)
"""What to do about a session policy that is too long."""

_NOTHING: PolicyDocument = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
"""The policy of a run that needs nothing of AWS (a proxy's rule), since IAM accepts no policy without a statement."""


@dataclass(frozen=True)
class Policies:
    """A run's policies as JSON. They accept the tag of any run, since a role outlives the run."""

    run: PolicyDocument  # planning, injecting, undoing
    rescue: PolicyDocument  # undoing only
    boundary: PolicyDocument  # the limit for a role with either policy
    caller: PolicyDocument | None = None  # with a `role:`: for the credentials that assume it


def policies_of(plan: Plan, planning: Iterable[Call] = ()) -> Policies:
    """Return the policies of a plan; `planning` lists the reads that made it.

    Raises InvalidInput where IAM's tables are not installed, and GamedayError where the action or resource of a call is
    unknown. It never widens a policy to make a call fit.
    """
    return _together([_parts(plan, planning, [grant_of(ask, None) for ask in asks_of(plan)])])


def policies_of_day(planned: Sequence[tuple[Plan, Iterable[Call]]]) -> Policies:
    """Return the policies of a game day's plans, each with its reads: for a role that outlives these plans.

    It names targets by the opt-in tag, so that it also covers the instances of the next game day. Raises as above.
    """
    return _together([_parts(plan, planning, _for_any_target(plan)) for plan, planning in planned])


def _for_any_target(plan: Plan) -> list[Grant]:
    asks, opt_in = asks_of(plan), plan.workload.opt_in
    granted = [(ask, grant_of(ask, None)) for ask in asks]
    return [by_tags(ask, grant, opt_in) if opt_in else grant for ask, grant in granted]


@dataclass(frozen=True)
class _Parts:
    """What the policies of one plan allow."""

    run: list[Grant]
    rescue: list[Grant]
    actions: set[str]
    rights: list[Grant]  # beyond the region
    caller: list[Grant]
    region: str


def _parts(plan: Plan, planning: Iterable[Call], granted: Sequence[Grant]) -> _Parts:
    asks = asks_of(plan)
    dependent = [grant for ask, grant in zip(asks, granted, strict=True) if ask.is_dependent]
    acts = plan.workload.role or (plan.principal if plan.place == "aws" else None)  # the twin has no principals
    rights = [*_rights_reads(acts)] if acts else []
    role = plan.workload.role
    store, proof = ([], []) if role else (_store(plan), _proof(plan))
    run = [*_reads((*planning, *kpi_reads(plan), *run_reads(plan)), plan.region), *granted]
    undone = [grant for ask, grant in zip(asks, granted, strict=True) if ask.phase == "undo"]
    elsewhere = _reads_elsewhere(plan)
    return _Parts(
        run=[*run, *elsewhere, *rights, *store, *proof],
        rescue=[*_reads(undo_reads(plan), plan.region), *undone, *store],
        actions={grant.action for grant in run if grant not in dependent},
        rights=[*dependent, *rights, *store, *proof, *elsewhere],
        caller=[*_assuming(role), *_store(plan), *_proof(plan)] if role else [],
        region=plan.region,
    )


def _together(parts: Sequence[_Parts]) -> Policies:
    def all_of(lists: Iterable[list[Grant]]) -> list[Grant]:
        return [*dict.fromkeys(chain.from_iterable(lists))]

    actions = set[str]().union(*(part.actions for part in parts))
    regions = [*dict.fromkeys(part.region for part in parts)]
    ceiling = _boundary(actions, all_of(part.rights for part in parts), regions)
    caller = all_of(part.caller for part in parts)
    return Policies(
        _policy(all_of(part.run for part in parts)),
        _policy(all_of(part.rescue for part in parts)),
        ceiling,
        document(caller) if caller else None,
    )


def session_policies(plan: Plan, run: str) -> dict[str, str]:
    """Return the session policies of a run as compact JSON: `run` injects with its reads; `undo` only undoes.

    A policy names each target. Where that is too long, it names targets by the workload's opt-in tag: what does not
    carry the tag stays out of reach, and the run's allow-list lets only the planned calls pass. Raises Refused where
    that is too long, too.
    """
    asks = asks_of(plan)
    inject, undo = ([ask for ask in asks if ask.phase == phase] for phase in ("inject", "undo"))
    parts = {
        "run": _fitting(plan, [*_reads(run_reads(plan), plan.region), *_alarms_elsewhere(plan)], inject, run),
        "undo": _fitting(plan, _reads(undo_reads(plan), plan.region), undo, run),
    }
    if long := {name: len(text) for name, text in parts.items() if len(text) > LONGEST}:
        lengths = ", ".join(f"{name}: {length:,}" for name, length in long.items())
        reason = f"the run's session policy is longer than the {LONGEST:,} characters that STS accepts ({lengths})"
        raise Refused((reason,), REMEDY, gd_code="GD-E210")
    return parts


def _assuming(role: str) -> list[Grant]:
    """Return the grants to assume a role with a source identity and session tags (IAM User Guide, "sts:TagSession")."""
    return [Grant(f"sts:{name}", role) for name in ("AssumeRole", "SetSourceIdentity", "TagSession")]


def _store(plan: Plan) -> list[Grant]:
    """Return the grants to keep journal and lease in the workload's store, in any region.

    Without s3:ListBucket, S3 answers 403, not 404, for a missing object (Amazon S3 API Reference, GetObject).
    """
    if not plan.workload.store:
        return []
    bucket, prefix = place_of(plan.workload.store)
    arn = f"arn:aws:s3:::{bucket}"
    objects = [Grant(f"s3:{name}", f"{arn}/{prefix}*") for name in ("GetObject", "PutObject")]
    place = ArnPlace(partition_of(plan), plan.region, plan.account)
    of_key = [
        Grant(action, resource, conditions)
        for action, resource, conditions in dependents("", (bucket,), plan.traits, place)
    ]
    return [*objects, Grant("s3:ListBucket", arn), *of_key]


def _proof(plan: Plan) -> list[Grant]:
    """Return the grants to remove the probe that proves the store; a rescue proves nothing."""
    if not plan.workload.store:
        return []
    bucket, prefix = place_of(plan.workload.store)
    return [Grant("s3:DeleteObject", f"arn:aws:s3:::{bucket}/{prefix}{PROBES}*")]


def kpi_reads(plan: Plan) -> tuple[Call, ...]:
    """Return the reads of watching KPIs; with a role, the session that planned makes them."""
    names = dict.fromkeys(name for kpi in plan.workload.kpis.values() for name in kpi.source.calls)
    return tuple(map(call_named, names))


def _reads_elsewhere(plan: Plan) -> list[Grant]:
    """Return the grants to watch KPIs and alarms in other regions than the run's."""
    calls: dict[str, list[Call]] = {}
    for kpi in plan.workload.kpis.values():
        for source in kpi.sources.values():
            if source.where not in (None, plan.region):
                calls.setdefault(source.where or "", []).extend(map(call_named, source.calls))
    return [*_alarms_elsewhere(plan), *(grant for region in sorted(calls) for grant in _reads(calls[region], region))]


def _alarms_elsewhere(plan: Plan) -> list[Grant]:
    """Return the grants to read the experiment's alarms in other regions than the run's."""
    experiment = plan.experiment
    detected = (experiment.detected_by.alarm,) if experiment.detected_by else ()
    regions = {alarm_place(alarm).region for alarm in (*experiment.stop_when, *detected)} - {None, plan.region}
    calls = [call_named(name) for name in (STATES, HISTORY)]
    return [grant for region in sorted(filter(None, regions)) for grant in _reads(calls, region)]


def run_reads(plan: Plan) -> tuple[Call, ...]:
    """Return the reads of injecting and waiting: settings, created resources, effects, healing, alarms."""
    effects = (probe.call for planned_fault in plan.planned_faults for probe in planned_fault.effect.probes)
    experiment = plan.experiment
    alarms = (STATES, HISTORY) if experiment.detected_by else (STATES,) if experiment.stop_when else ()
    return (*undo_reads(plan), *effects, *map(call_named, alarms))


def undo_reads(plan: Plan) -> tuple[Call, ...]:
    """Return the reads of the undo: settings, created resources, and whether the system has healed."""
    changes = [change for planned_fault in plan.planned_faults for change in planned_fault.changes]
    waits = (probe.call for change in changes for probe in change.undo_probes)
    return (*(change.read_call for change in changes), *waits)


def requests_of(plan: Plan, *, undo_only: bool = True) -> list[AccessRequest]:
    """Return what AWS decides for a plan's undo (or for the whole plan): its calls, then its reads."""
    reads = undo_reads(plan) if undo_only else run_reads(plan)
    requests = [request_of(ask, "a-run", plan.region) for ask in asks_of(plan) if ask.phase == "undo" or not undo_only]
    requests += [
        AccessRequest(grant.action, "*", {"aws:RequestedRegion": plan.region}) for grant in _reads(reads, plan.region)
    ]
    return requests


def not_permitted(
    plan: Plan,
    identity: Sequence[PolicyDocument],
    boundary: PolicyDocument | None = None,
    *,
    undo_only: bool = True,
    doubt: Doubt = Doubt.NONE,
    facts: Context = MappingProxyType({}),
) -> tuple[str, ...]:
    """Return a line for each part of a plan's undo (or of the whole plan) that these policies do not allow.

    `facts` are condition keys of every request; `doubt` says how to count unknown keys. Raises GamedayError for an
    unsupported policy.
    """
    requests = requests_of(plan, undo_only=undo_only)
    full = [replace(request, context={**facts, **request.context}) for request in requests]
    decided = ((request, decide(request, identity, boundary=boundary, doubt=doubt)) for request in full)
    lines = (
        f"{request.action} on {request.resource} is {decision}"
        for request, decision in decided
        if decision is not Decision.ALLOWED
    )
    return tuple(dict.fromkeys(lines))


def _rights_reads(principal: str) -> Iterator[Grant]:
    """Yield the grants to check the undo's rights. IAM is global: its calls are in no region of the workload.

    A session's ARN lacks its role's path, so the grant allows any path for the role's name.
    """
    partition, account = principal.split(":")[1], principal.split(":")[4]
    kind, _, path = principal.split(":", 5)[5].partition("/")
    iam = f"arn:{partition}:iam"
    if kind == "assumed-role":
        kind, principal = "role", f"{iam}::{account}:role/*{path.split('/')[0]}"
    asked = {"role": [("role", principal)], "user": [("user", principal), ("group", f"{iam}::{account}:group/*")]}
    if kind not in asked:  # the root user: nothing limits it that could be read
        return
    for of, resource in (*asked[kind], ("policy", f"{iam}::*:policy/*")):
        for operation in READS[of]:
            action = action_of(Call(service="iam", operation=operation))
            if action:
                yield Grant(action.name, resource)


def _boundary(actions: set[str], rights: Sequence[Grant], regions: Sequence[str]) -> PolicyDocument:
    """Return a boundary that allows only these actions, in these regions, and tagging only during creation.

    It explicitly denies all other actions, since a resource's own policy may grant a session what a boundary only
    leaves out. Source: IAM User Guide, "Permissions boundaries for IAM entities".
    """
    if not actions and not rights:
        return _NOTHING
    ceiling: list[Json] = [*sorted(actions)]
    all_of_it: list[Json] = [*sorted(actions | {grant.action for grant in rights})]
    where: Json = regions[0] if len(regions) == 1 else [*regions]
    here: Json = {"StringEquals": {"aws:RequestedRegion": where}}
    allowed: Json = {"Effect": "Allow", "Action": ceiling, "Resource": "*", "Condition": here}
    statements: list[Json] = [
        *([allowed] if ceiling else []),
        {"Effect": "Deny", "NotAction": all_of_it, "Resource": "*"},
        *statements_of(rights),
    ]
    if "ec2:CreateTags" in actions:
        free: Json = {"Null": {"ec2:CreateAction": "true"}}
        statements.append({"Effect": "Deny", "Action": "ec2:CreateTags", "Resource": "*", "Condition": free})
    return {"Version": "2012-10-17", "Statement": statements}


def _fitting(plan: Plan, reads: list[Grant], asks: Sequence[Permission], run: str) -> str:
    """Return the policy with each target by its ARN or, where that is too long, by the opt-in tag."""
    granted = [grant_of(ask, run) for ask in asks]
    exact = compact(_policy([*reads, *granted]))
    if len(exact) <= LONGEST:
        return exact
    alike = Counter((ask.action, ask.all_alike) for ask in asks)
    opt_in = plan.workload.opt_in or {}
    bound = [
        by_tags(ask, grant, opt_in) if alike[ask.action, ask.all_alike] >= FEWEST else grant
        for ask, grant in zip(asks, granted, strict=True)
    ]
    return compact(_policy([*reads, *bound]))


def _policy(granted: Sequence[Grant]) -> PolicyDocument:
    return document(granted) if granted else _NOTHING


def _reads(calls: Iterable[Call], region: str) -> list[Grant]:
    actions = {action.name for call in calls if (action := action_of(call))}
    return [read_of(name, region) for name in sorted(actions)]
