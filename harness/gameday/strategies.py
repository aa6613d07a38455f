"""Hypothesis strategies for faults, from the models of the files: what shrinks is a schedule, or a rule.

Importing this registers the settings profile `gameday`: no deadline and few examples, since each example is a run. It
does not load the profile: only tests under `@settings.get_profile("gameday")` use it.
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
    report_multiple_bugs=False,  # shrinking several bugs would take too many runs
    # `gameday_run` and `gameday_sdk` keep nothing from one example for the next.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

SHARES = ("10%", "25%", "50%", "75%")
AMOUNTS = (0, 1, 2, 5, "50%")
WAITS = ("50ms", "500ms", "5s", "90s")
"""The last is beyond botocore's read timeout of 60 s (botocore.config.Config)."""


@dataclass(frozen=True)
class Schedule:
    """Faults that begin and end together, and how long they last: arguments of `gameday_run` with these names."""

    faults: tuple[Fault, ...]
    lasts: str


def faults(workload: str | Path | LoadedWorkload, *names: str, irreversible: bool = False) -> st.SearchStrategy[Fault]:
    """Draw faults that can hit a workload, of the given names or of all.

    Irreversible faults need `irreversible=True`. `throttle: {sdk: …}` is never drawn: no workload file lists the
    services that its programs call, and the twin's customers use no proxy. `sdk_rules` draws failures of a program's
    own calls.

    Raises InvalidInput for an unknown name, and where no fault can hit the workload.
    """
    loaded = workload if isinstance(workload, LoadedWorkload) else load_workload(workload)
    for name in names:
        if name not in CATALOGUE:
            raise InvalidInput(f"there is no fault {quoted(name)}", one_of(name, CATALOGUE), gd_code="GD-E107")
    models = [CATALOGUE[name] for name in names or CATALOGUE]
    drawn = [_fault(model, loaded) for model in models if irreversible or not model.is_irreversible]
    possible = [strategy for strategy in drawn if strategy is not None]
    if not possible:
        raise InvalidInput(
            f"none of {', '.join(names or CATALOGUE)} can hit workload {loaded.workload.name}",
            "give its modules resources under `owns`, or allow irreversible faults with `irreversible=True`",
            gd_code="GD-E119",
        )
    return st.one_of(possible)


def schedules(
    workload: str | Path | LoadedWorkload,
    *names: str,
    most: int = 2,
    lasts: Sequence[str] = ("1m", "3m"),
    irreversible: bool = False,
) -> st.SearchStrategy[Schedule]:
    """Draw one to `most` faults at once, each on another target, that last one of `lasts`. Raises InvalidInput."""
    some = st.lists(faults(workload, *names, irreversible=irreversible), min_size=1, max_size=most, unique_by=_target)
    return st.builds(Schedule, some.map(tuple), st.sampled_from(lasts))


def sdk_rules(
    *calls: str, kinds: Sequence[RuleKind] = KINDS, first: int = 3, after: int = 3
) -> st.SearchStrategy[sdk.Rule]:
    """Draw rules of some kind for these calls (`dynamodb`, `sqs.SendMessage`).

    A rule hits up to `first` requests, and lets up to `after` pass before. Raises InvalidInput where AWS has no such
    call.
    """
    if not calls:
        raise InvalidInput(
            "sdk_rules has no calls",
            'name the calls that may fail, like sdk_rules("dynamodb.PutItem", "sqs")',
            gd_code="GD-E119",
        )
    rules = [_rule(kind, *call.partition(".")[::2], first=first, after=after) for call in calls for kind in kinds]
    return st.one_of(rules)


class SdkMachine(RuleBasedStateMachine):
    """A base class for stateful machines: faults of the `calls` begin and end between your rules.

    Your own rules call the code under test. Your invariants assert what must hold during every failure. Clients do not
    really wait.
    """

    calls: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[RuleKind, ...]] = KINDS

    def __init__(self) -> None:
        super().__init__()
        self._faults = ExitStack()
        self._failing = False
        self.seen: list[sdk.CallLog] = []  # the calls under each fault so far

    @precondition(lambda self: not self._failing)
    @rule(data=st.data())
    def fault_begins(self, data: st.DataObject) -> None:
        """Begin a fault of the calls."""
        drawn = data.draw(sdk_rules(*self.calls, kinds=self.kinds))
        self.seen.append(self._faults.enter_context(sdk.faults(drawn, sleep=_no_wait)))
        self._failing = True

    @precondition(lambda self: self._failing)
    @rule()
    def fault_ends(self) -> None:
        """End the fault."""
        self._faults.close()
        self._failing = False

    def teardown(self) -> None:
        """End the fault that may be left."""
        self._faults.close()


def _no_wait(_: float) -> None:
    """Do not wait, neither for back-off nor for a timeout."""


def _fault(model: type[Fault], loaded: LoadedWorkload) -> st.SearchStrategy[Fault] | None:
    """Draw a fault with fields that fit this workload; None where it could hit nothing."""
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        needed = field.is_required() or name == "module"  # a fault always names its target
        values = _values(name, field, model, loaded)
        if values:
            some = st.sampled_from(values)
            drawn[name] = st.none() | some if field.default is None and not needed else some
        elif needed:
            return None
    # No fault takes both `count` and `share`.
    without = [{key: strategy for key, strategy in drawn.items() if key != left} for left in ("count", "share")]
    return st.one_of([st.builds(model, **fields) for fields in without])


def _values(name: str, field: FieldInfo, model: type[Fault], loaded: LoadedWorkload) -> Sequence[Any]:
    """List a field's values, the simplest first: Hypothesis shrinks towards it."""
    if name == "module":
        owned = [(name, module.owns) for name, module in loaded.workload.modules.items()]
        if "zone" in model.model_fields:
            return [module for module, owns in owned if owns.tags]
        return [module for module, owns in owned if owns.names]
    if name == "zone":
        return loaded.twin.zones if loaded.twin else ()
    known: dict[str, Sequence[Any]] = {"to": AMOUNTS, "count": (1, 2), "share": SHARES}
    if name in known and not (name == "share" and "sdk" in model.model_fields):  # there it is a share of requests
        return known[name]
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)
    return (False, True) if field.annotation is bool else ()


def _target(fault: Fault) -> tuple[str, str]:
    """Return a fault's target, which two faults at once must not share: the plan refuses to change a thing twice."""
    module = fault.target_module
    return ("module", module) if module else ("fault", fault.name)


def _rule(kind: RuleKind, service: str, operation: str, *, first: int, after: int) -> st.SearchStrategy[sdk.Rule]:
    named = {"kind": kind, "service": service, "operation": operation or None}
    waits = {"wait": WAITS[0]} if kind == "delay" else {}
    try:
        sdk.Rule.model_validate({**named, **waits})
    except ValidationError as error:
        mistakes = "; ".join(str(mistake["msg"]).removeprefix("Value error, ") for mistake in error.errors())
        raise InvalidInput(
            f"sdk_rules: {mistakes}", 'write a call like "dynamodb.PutItem", or "dynamodb" for all', gd_code="GD-E119"
        ) from None
    fields: dict[str, st.SearchStrategy[Any]] = {name: st.just(value) for name, value in named.items()}
    if kind == "delay":
        fields["wait"] = st.sampled_from(WAITS)
    return st.builds(sdk.Rule, **fields, first=st.integers(1, first), after=st.integers(0, after))
