"""Faults for Hypothesis, made from the shapes that the files have: what shrinks is an experiment, or a rule.

Importing this registers the settings profile `gameday` (each example is a run: no deadline, few examples) and loads
nothing: `@settings.get_profile("gameday")` above a test takes it, and no other test is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from gameday import sdk
from gameday.errors import InvalidInput
from gameday.faults import CATALOGUE
from gameday.faults.fault import Fault
from gameday.files.load import load_workload
from gameday.files.loaded import LoadedWorkload
from gameday.sdk.rule import KINDS, RuleKind
from gameday.text import one_of, quoted

try:
    from hypothesis import HealthCheck, settings
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
except ModuleNotFoundError as error:
    raise InvalidInput(
        "strategies need Hypothesis", "pip install 'gameday-harness[explore]'", gd_code="GD-E110"
    ) from error

settings.register_profile(
    "gameday",
    deadline=None,
    max_examples=20,
    stateful_step_count=10,
    report_multiple_bugs=False,  # the first one is worth a run or two of shrinking, and others can wait
    # `gameday_run` and `gameday_sdk` keep nothing from one example for the next.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

SHARES = ("10%", "25%", "50%", "75%")
AMOUNTS = (0, 1, 2, 5, "50%")
WAITS = ("50ms", "500ms", "5s", "90s")
"""The last is beyond botocore's read timeout of 60 s (botocore.config.Config)."""


@dataclass(frozen=True)
class Schedule:
    """Faults that begin and end together, and how long they last: what `gameday_run` takes under these names."""

    faults: tuple[Fault, ...]
    lasts: str


def faults(workload: str | Path | LoadedWorkload, *names: str, irreversible: bool = False) -> st.SearchStrategy[Fault]:
    """Faults that can hit a workload: of these names, else of all; what nothing undoes only with `irreversible=True`.

    `throttle: {sdk: …}` is not among them: no workload file says which services its programs call, and the twin's
    customers pass no proxy. `sdk_rules` draws what fails in a program's own calls.

    Raises InvalidInput for a name that is none, and where no fault can hit the workload.
    """
    loaded = workload if isinstance(workload, LoadedWorkload) else load_workload(workload)
    for name in names:
        if name not in CATALOGUE:
            raise InvalidInput(f"there is no fault {quoted(name)}", one_of(name, CATALOGUE), gd_code="GD-E107")
    asked = [CATALOGUE[name] for name in names or CATALOGUE]
    made = [_fault(model, loaded) for model in asked if irreversible or not model.is_irreversible]
    found = [one for one in made if one is not None]
    if not found:
        raise InvalidInput(
            f"none of {', '.join(names or CATALOGUE)} can hit workload {loaded.workload.name}",
            "give its modules something to own; with `irreversible=True` also what nothing undoes",
            gd_code="GD-E119",
        )
    return st.one_of(found)


def schedules(
    workload: str | Path | LoadedWorkload,
    *names: str,
    most: int = 2,
    lasts: Sequence[str] = ("1m", "3m"),
    irreversible: bool = False,
) -> st.SearchStrategy[Schedule]:
    """One to `most` faults at once, each on another target, for one of `lasts`. Raises InvalidInput."""
    some = st.lists(faults(workload, *names, irreversible=irreversible), min_size=1, max_size=most, unique_by=_target)
    return st.builds(Schedule, some.map(tuple), st.sampled_from(lasts))


def sdk_rules(
    *calls: str, kinds: Sequence[RuleKind] = KINDS, first: int = 3, after: int = 3
) -> st.SearchStrategy[sdk.Rule]:
    """Rules for these calls (`dynamodb`, `sqs.SendMessage`): of some kind, up to `first` requests, up to `after` later.

    Raises InvalidInput where a call names nothing that AWS has.
    """
    if not calls:
        raise InvalidInput(
            "sdk_rules needs the calls that may fail", 'like sdk_rules("dynamodb.PutItem", "sqs")', gd_code="GD-E119"
        )
    rules = [_rule(kind, *call.partition(".")[::2], first=first, after=after) for call in calls for kind in kinds]
    return st.one_of(rules)


class SdkMachine(RuleBasedStateMachine):
    """A stateful machine to inherit from: faults of the `calls` begin and end between your rules.

    Your own rules call the code under test, your invariants say what must hold whatever fails. Nothing is waited for.
    """

    calls: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[RuleKind, ...]] = KINDS

    def __init__(self) -> None:
        super().__init__()
        self._faults = ExitStack()
        self._failing = False
        self.seen: list[sdk.CallLog] = []  # what every fault so far did to calls

    @precondition(lambda self: not self._failing)
    @rule(data=st.data())
    def a_fault_begins(self, data: st.DataObject) -> None:
        """Calls begin to fail."""
        drawn = data.draw(sdk_rules(*self.calls, kinds=self.kinds))
        self.seen.append(self._faults.enter_context(sdk.faults(drawn, sleep=_at_once)))
        self._failing = True

    @precondition(lambda self: self._failing)
    @rule()
    def all_is_well_again(self) -> None:
        """No call fails any more."""
        self._faults.close()
        self._failing = False

    def teardown(self) -> None:
        """Whatever happened, no fault stays."""
        self._faults.close()


def _at_once(_: float) -> None:
    """No example waits: neither for back-off nor for a timeout."""


def _fault(model: type[Fault], loaded: LoadedWorkload) -> st.SearchStrategy[Fault] | None:
    """A fault with the fields that it can have on this workload; None where there is nothing that it could hit."""
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        needed = field.is_required() or name == "module"  # whom it hits is never left to chance
        values = _values(name, field, model, loaded)
        if values:
            some = st.sampled_from(values)
            drawn[name] = st.none() | some if field.default is None and not needed else some
        elif needed:
            return None
    without = [{key: one for key, one in drawn.items() if key != left} for left in ("count", "share")]
    return st.one_of([st.builds(model, **fields) for fields in without])  # of those two no fault takes both


def _values(name: str, field: FieldInfo, model: type[Fault], loaded: LoadedWorkload) -> Sequence[Any]:
    """What a field may say, the simplest first: Hypothesis shrinks towards it."""
    if name == "module":
        owned = [(module, one.owns) for module, one in loaded.workload.modules.items()]
        if "zone" in model.model_fields:
            return [module for module, owns in owned if owns.tags]
        return [module for module, owns in owned if owns.functions or owns.tables or owns.stages]
    if name == "zone":
        return loaded.twin.zones if loaded.twin else ()
    known: dict[str, Sequence[Any]] = {"to": AMOUNTS, "count": (1, 2), "share": SHARES}
    if name in known and not (name == "share" and "sdk" in model.model_fields):  # that one is a share of requests
        return known[name]
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)
    return (False, True) if field.annotation is bool else ()


def _target(fault: Fault) -> tuple[str, str]:
    """What two faults at once must not share: the plan would refuse to change one thing twice."""
    module = getattr(fault, "module", None)
    return ("module", module) if module else ("fault", fault.name)


def _rule(kind: RuleKind, service: str, operation: str, *, first: int, after: int) -> st.SearchStrategy[sdk.Rule]:
    named = {"kind": kind, "service": service, "operation": operation or None}
    waits = {"wait": WAITS[0]} if kind == "delay" else {}
    try:
        sdk.Rule.model_validate({**named, **waits})
    except ValidationError as error:
        told = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise InvalidInput(
            f"sdk_rules: {told}", 'write a call like "dynamodb.PutItem", or "dynamodb" for all', gd_code="GD-E119"
        ) from None
    said: dict[str, st.SearchStrategy[Any]] = {name: st.just(value) for name, value in named.items()}
    if kind == "delay":
        said["wait"] = st.sampled_from(WAITS)
    return st.builds(sdk.Rule, **said, first=st.integers(1, first), after=st.integers(0, after))
