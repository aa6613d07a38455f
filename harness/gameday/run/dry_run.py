"""Ask EC2 whether it would carry out the calls of a plan: `DryRun` checks the permissions and changes nothing.

Source: Amazon EC2 API Reference, parameter DryRun: the error DryRunOperation says that the caller has the permissions,
UnauthorizedOperation that it has not. Emulators ignore the parameter for some operations, so only AWS is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gameday.aws.client import Aws
from gameday.change import Call, Json
from gameday.engine.allowlist import AllowList
from gameday.errors import AwsError, Refused
from gameday.iam.asks import ANY, Phase, calls_of
from gameday.iam.undo_rights import PROBE_RUN, undo_rights
from gameday.plan.guards.context import UndoRights
from gameday.plan.plan import Plan
from gameday.run.role_sessions import Sessions
from gameday.run.sessions import wanted

MOST = 5
"""Dry runs of one operation: they draw on the same rate as the calls (EC2 API throttling), which the run needs."""
MOST_INSTANCES = 100
"""Instances in one dry run."""

_WITH_IDS = frozenset({"stop_instances", "start_instances", "terminate_instances", "reboot_instances"})
_TAKE_DRY_RUN = _WITH_IDS | {
    "create_network_acl",
    "create_security_group",
    "delete_network_acl",
    "delete_security_group",
    "modify_network_interface_attribute",
    "replace_network_acl_association",
    "revoke_security_group_egress",
}
"""Operations of the catalogue that take DryRun (botocore's model of EC2; a test compares)."""
_DENIED = frozenset({"UnauthorizedOperation", "AccessDenied"})
_PARTS: tuple[tuple[Phase, str], ...] = (("inject", "run"), ("undo", "undo"))


def rights(plan: Plan, account: Aws, sessions: Sessions | None) -> UndoRights:
    """Return what IAM and, on AWS itself, dry runs say of a plan's permissions."""
    found = undo_rights(plan, account)
    if plan.place == "twin" or found.too_long or not account.is_of_aws("ec2", plan.region):
        return found
    calls = dry_run_calls(plan)
    denied: dict[Phase, tuple[str, ...]] = {}
    for phase, part in _PARTS:
        some = [call for of, call in calls if of == phase]
        try:
            acting = sessions.open(wanted(sessions, plan, PROBE_RUN, part)) if sessions and some else account
        except Refused as refused:
            return replace(found, too_long=tuple(reason.text for reason in refused.reasons))
        denied[phase] = tuple(_denials(some, acting, plan.region))
    lacking, no_injection = (*found.lacking, *denied["undo"]), (*found.no_injection, *denied["inject"])
    return replace(found, lacking=lacking, no_injection=no_injection)


def dry_run_calls(plan: Plan) -> tuple[tuple[Phase, Call], ...]:
    """Return the calls of a plan that a dry run can ask for: those whose every id is known before the run."""
    asked: list[tuple[Phase, Call]] = []
    ids: dict[tuple[Phase, str], list[Json]] = {}
    for phase, call in _complete_calls(plan):
        if call.operation in _WITH_IDS:
            instances = call.params["InstanceIds"]
            ids.setdefault((phase, call.operation), []).extend(instances if isinstance(instances, list) else [])
        elif (phase, call) not in asked:
            asked.append((phase, call))
    few = [
        entry
        for number, entry in enumerate(asked)
        if sum((phase, call.operation) == (entry[0], entry[1].operation) for phase, call in asked[:number]) < MOST
    ]
    merged: list[tuple[Phase, Call]] = [
        (phase, Call(service="ec2", operation=operation, params={"InstanceIds": some[:MOST_INSTANCES]}))
        for (phase, operation), some in ids.items()
    ]
    return tuple((phase, _dry(call)) for phase, call in (*merged, *few))


def _complete_calls(plan: Plan) -> Iterator[tuple[Phase, Call]]:
    for planned_fault in plan.planned_faults:
        made = {name: id_ for change in planned_fault.changes for name, id_ in change.made_binding(ANY).items()}
        for change in planned_fault.changes:
            for phase, call in calls_of(change.filled(PROBE_RUN, made), made, PROBE_RUN):
                is_complete = f'"{ANY}"' not in json.dumps(call.params)
                if call.service == "ec2" and call.operation in _TAKE_DRY_RUN and is_complete:
                    yield phase, call


def _dry(call: Call) -> Call:
    return call.model_copy(update={"params": {**call.params, "DryRun": True}})


def _denials(calls: Iterable[Call], account: Aws, region: str) -> Iterator[str]:
    sent = [(call, region) for call in calls]
    asking = account.allowing(AllowList(own=sent))
    for (call, _), answer in zip(sent, asking.call_all(sent), strict=True):
        if isinstance(answer, AwsError) and answer.code in _DENIED:
            shown = json.dumps({key: value for key, value in call.params.items() if key != "DryRun"})[:200]
            yield f"AWS denies a dry run of {call} {shown} ({answer.code}: {answer.message[:200]})"
