"""`throttle` on Lambda functions: reserved concurrency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gameday.aws.answers.lambda_ import (
    GET_ACCOUNT_SETTINGS,
    GET_FUNCTION_CONCURRENCY,
    LIST_VERSIONS_BY_FUNCTION,
    AccountLimit,
    FunctionConfiguration,
)
from gameday.aws.resources import OwnedResource
from gameday.change import Condition, Json, SettingChange
from gameday.faults.fault import FaultContext, call, listed
from gameday.faults.lambda_ import CONCURRENCY
from gameday.faults.throttling.event_losses import LATEST, losses
from gameday.faults.throttling.metrics import Counted, any_grows
from gameday.faults.throttling.reduction import Left, Reduction, taken

UNRESERVED = 100
"""Concurrency that Lambda keeps for functions that reserve none; in accounts with less than that, all of it (Lambda
Developer Guide, "Configuring reserved concurrency for a function"; accounts with 10 or 50 are reported)."""
FLOOR = f"min([AccountLimit.ConcurrentExecutions, `{UNRESERVED}`])"
READY = ("Active", "Inactive")
"""States of functions that Lambda invokes, the second after a short preparation; in others it refuses calls."""
STATES = 'AWS Lambda Developer Guide, "Lambda function states"; AWS Lambda API Reference, FunctionConfiguration, State'
RESERVING = 'AWS Lambda Developer Guide, "Configuring reserved concurrency for a function"'
PROVISIONED = 'AWS Lambda Developer Guide, "Configuring provisioned concurrency for a function"'


def reduced(context: FaultContext, resources: Sequence[OwnedResource], left: Left) -> Reduction:
    """Plan less concurrency for functions. Raises AwsError."""
    names = [function.name for function in resources]
    if not names:
        return Reduction()
    params = [{"FunctionName": name} for name in names]
    answers = context.inventory.read_all(GET_FUNCTION_CONCURRENCY, params)
    reserved = {name: answer.get("ReservedConcurrentExecutions") for name, answer in zip(names, answers, strict=True)}
    refusals = [
        f"function {name} reserves no concurrency to take a share of: give a number"
        for name, there in reserved.items()
        if there is None and left.is_share
    ]
    limit = _limit(context) if None in reserved.values() and not left.is_nothing and not left.is_share else None
    known = {name: there for name, there in reserved.items() if there is not None or not left.is_share}
    wanted, idle = _wanted(known, limit, left)
    changes = context.changes(CONCURRENCY, wanted)
    hit = [change.id for change in changes]
    versions = _versions(context, hit)
    lost = {name: losses(context, name, versions[name], is_nothing_left=not wanted[name]) for name in hit}
    return Reduction(
        changes=tuple(change.model_copy(update={"lost": lost[change.id].for_good}) for change in changes),
        probes=tuple(
            any_grows([Counted("AWS/Lambda", "Throttles", "Invocations", (("FunctionName", name),))], covers=(name,))
            for name in hit
        ),
        conditions=(*_ready(hit), *_floor(changes, limit), *_provisioned(changes, versions)),
        shares={change.id: taken(reserved[change.id], _number(change.after)) for change in changes},
        refusals=tuple(refusals),
        idle=idle,
        warnings=tuple(warning for name in hit for warning in lost[name].warnings),
    )


def _wanted(
    reserved: Mapping[str, int | None], limit: AccountLimit | None, left: Left
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the concurrency that each function is to have, and those that would lose nothing."""
    wanted: dict[str, Json] = {}
    idle: list[str] = []
    for name, own in reserved.items():
        there = limit["UnreservedConcurrentExecutions"] if own is None and limit else own
        after = 0 if there is None else int(left.of(there))
        if after != there:
            wanted[name] = after
        else:
            whose = "what the account leaves to those that reserve none" if own is None else "what it reserves"
            idle.append(f"function {name} already is at {there}, {whose}: {left.nothing_taken}")
    return wanted, tuple(idle)


def _limit(context: FaultContext) -> AccountLimit:
    """Return the account's limits: to reserve as much as functions without a reservation share takes nothing away.

    Source: Lambda API Reference, GetAccountSettings, AccountLimit.
    """
    return context.inventory.read(GET_ACCOUNT_SETTINGS)["AccountLimit"]


def _number(concurrency: Json) -> int:
    return concurrency if isinstance(concurrency, int) else 0


# what AWS demands -----------------------------------------------------------------------------------------------------


def _ready(names: Sequence[str]) -> Iterator[Condition]:
    """Yield that Lambda invokes the functions: what it does not invoke feels no throttle."""
    states = ", ".join(f"'{state}'" for state in READY)
    for name in names:
        yield Condition(
            subject=name,
            about=f"its state is {' or '.join(READY)}",
            read=call("lambda", "get_function_configuration", FunctionName=name),
            holds=f"contains([{states}], State)",
            refusal=f"function {name} is not ready to be invoked: its state is not {' or '.join(READY)}",
            remedy="wait until it is Active; delete and create anew a function that is Failed",
            source=STATES,
        )


def _floor(changes: Sequence[SettingChange], limit: AccountLimit | None) -> Iterator[Condition]:
    """Yield that the account keeps enough unreserved, for what is reserved anew and for the undo of what was."""
    fresh = [change for change in changes if change.before is None and change.after]
    again = [change for change in changes if change.before is not None]
    if not (fresh or again):
        return
    wanted = sum(_number(change.after) for change in fresh)
    names = listed([change.id for change in fresh or again])
    what = f"to reserve {wanted} for {names}" if fresh else f"to reserve again what {names} had"
    kept = f"it keeps {UNRESERVED} of the account's concurrency unreserved, or all where the account has less"
    remedy = f"at most {_may(limit)} may be reserved now: lower `to`, or use `to: 0`"
    yield Condition(
        subject=names,
        about="the account leaves enough concurrency unreserved",
        read=call("lambda", "get_account_settings"),
        holds=f"AccountLimit.UnreservedConcurrentExecutions >= sum([{FLOOR}, `{wanted}`])",
        refusal=f"Lambda would refuse {what}: {kept}",
        remedy=remedy if fresh else "let other functions reserve less first",
        source=RESERVING,
    )


def _may(limit: AccountLimit | None) -> int:
    """Return how much concurrency may be reserved anew."""
    if limit is None:
        return 0
    return max(0, limit["UnreservedConcurrentExecutions"] - min(UNRESERVED, limit["ConcurrentExecutions"]))


def _versions(context: FaultContext, names: Sequence[str]) -> dict[str, list[FunctionConfiguration]]:
    answers = context.inventory.read_all(LIST_VERSIONS_BY_FUNCTION, [{"FunctionName": name} for name in names])
    return {name: answer["Versions"] for name, answer in zip(names, answers, strict=True)}


def _provisioned(
    changes: Sequence[SettingChange], versions: Mapping[str, list[FunctionConfiguration]]
) -> Iterator[Condition]:
    """Yield that no function keeps more provisioned than reserved; only published versions can have any."""
    for change in changes:
        if all(version.get("Version", LATEST) == LATEST for version in versions[change.id]):
            continue
        requested = "ProvisionedConcurrencyConfigs[].RequestedProvisionedConcurrentExecutions"
        yield Condition(
            subject=change.id,
            about="its provisioned concurrency is not more than what is left",
            read=call("lambda", "list_provisioned_concurrency_configs", FunctionName=change.id),
            holds=f"sum({requested}) <= `{_number(change.after)}`",
            refusal=(
                f"Lambda would refuse to reserve {_number(change.after)} for {change.id}: "
                "its versions have more provisioned concurrency than that"
            ),
            remedy="leave at least as much, or delete the provisioned concurrency first",
            source=PROVISIONED,
        )
