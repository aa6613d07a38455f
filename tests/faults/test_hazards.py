"""The hazard table is true: every fault on every documented state of its target has the outcome of its row."""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.session import get_session
from gameday.change import Call, PlannedFault
from gameday.engine.journal import Journal
from gameday.errors import AwsError, Reason, Refused
from gameday.faults import CATALOGUE
from gameday.faults.hazards.hazard import WORKS, Answer, Outcome, TargetState, refuses
from gameday.faults.hazards.table import STATES, TARGETS, Row, open_rows, rows
from gameday.faults.throttling import functions, tables
from gameday.files.experiment import Experiment
from gameday.plan.guards.guard import ask
from gameday.plan.guards.registry import NOT_RESTORABLE, PLAN_GUARDS, READ_FAILED
from gameday.plan.planner import _checked
from gameday.steady_state.clock import TestClock
from gameday.testing import RoughAccount, law

from tests.doubles.capacity_states import BUILT, LASTS
from tests.doubles.reasons import NOW, context_of
from tests.doubles.runs import RUN, Planned
from tests.doubles.shop import ACCOUNT, OPTED_IN, REGION, Layout, Shop, open_shop
from tests.doubles.states import BUILDS, Edited, Edits
from tests.report.sample import held

ZONE = "us-east-1a"
OWN = Layout(zones=(ZONE, "us-east-1b"), groups=(2,), shared=False)
SHARED = replace(OWN, shared=True)
ASKED = {
    "faults", "opt in", "irreversible actions", "shared settings", "conditions", "shared targets", "healing",
    "subnet owners",
}  # fmt: skip
"""The guards that look at targets. Others look at the experiment, the credentials and the place."""


@dataclass(frozen=True)
class Case:
    row: Row
    value: str

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        return f"{self.row.fault} on {self.row.target} {self.row.state.name}{value}".replace(" ", "_")


def cases(targets: Container[str]) -> list[Case]:
    return [
        Case(row, value)
        for fault in TARGETS
        for row in rows(fault)
        if row.target in targets
        for value in row.state.values or ("",)
    ]


def fields_of(row: Row, instance: str) -> dict[str, Any]:
    if row.fault == "az-blackhole":
        return {"zone": ZONE, "launches": "blocked" if row.target == "scaling group" else "allowed"}
    if row.fault == "isolate-module":
        return {"module": "web"}
    held_back = {"hold_replacement": True} if row.fault == "stop-instance" else {}
    return {"ids": [instance], **held_back}


@dataclass(frozen=True)
class Said:
    """What a plan says."""

    planned_fault: PlannedFault | None
    refusals: tuple[Reason, ...]
    warnings: tuple[Reason, ...] = ()


def said(shop: Shop, row: Row, fields: dict[str, Any]) -> Said:
    """Plan a fault on a shop, and ask the guards that look at its targets. What a row does not refuse is allowed."""
    fault, allow = row.fault, [] if row.answer.code == "GD-P12" else ["irreversible"]
    look = replace(shop.look(), now=NOW, lasts=LASTS)
    try:
        planned_fault = _checked(CATALOGUE[fault].model_validate(fields).inject(look), OPTED_IN, look.inventory)
    except Refused as refused:
        return Said(None, tuple(Reason(NOT_RESTORABLE, reason.text) for reason in refused.reasons))
    except AwsError as error:
        return Said(None, (Reason(READ_FAILED, str(error)),))
    sample = held().plan
    raw = sample.experiment.model_dump(mode="json", by_alias=True) | {"faults": [{fault: fields}], "allow": allow}
    experiment = Experiment.model_validate(raw)
    workload = sample.workload.model_copy(update={"opt_in": OPTED_IN})
    plan = sample.model_copy(
        update={
            "experiment": experiment, "workload": workload, "planned_faults": (planned_fault,), "account": ACCOUNT,
            "place": "aws", "region": REGION,
        }
    )  # fmt: skip
    guards = [guard for guard in PLAN_GUARDS if guard.name in ASKED]
    assert {guard.name for guard in guards} == ASKED
    reasons = ask(guards, context_of(plan, shop.account))
    return Said(planned_fault, reasons.refusals, reasons.warnings)


def on(shop: Shop, edits: Edits) -> Shop:
    return replace(shop, account=Edited(shop.account, edits))  # type: ignore[arg-type]


# completeness ---------------------------------------------------------------------------------------------------------

ENUMS = {
    ("instance", "ec2", "InstanceStateName", frozenset[str]()),
    ("group member", "autoscaling", "LifecycleState", frozenset[str]()),
    ("subnet", "elbv2", "TargetHealthStateEnum", frozenset({"healthy"})),
    ("function", "lambda", "State", frozenset[str]()),
    ("table", "dynamodb", "TableStatus", frozenset({"ACTIVE"})),
}
"""Kind of target, and an enum of AWS's models that must be among the values of its states, but for the usual ones."""


def test_every_fault_of_the_catalogue_has_a_table() -> None:
    assert set(TARGETS) == set(CATALOGUE)
    assert {target for targets in TARGETS.values() for target in targets} == set(STATES)


@pytest.mark.parametrize("target", STATES)
def test_every_state_has_a_row_for_each_fault(target: str) -> None:
    faults = {fault for fault, targets in TARGETS.items() if target in targets}
    lacking = {state.name: faults ^ set(state.answers) for state in STATES[target] if faults != set(state.answers)}
    assert lacking == {}


@pytest.mark.parametrize(("target", "service", "enum", "usual"), sorted(ENUMS, key=str))
def test_every_value_of_an_enum_has_a_state(target: str, service: str, enum: str, usual: frozenset[str]) -> None:
    documented = set(get_session().get_service_model(service).shape_for(enum).enum)
    tried = {value for state in STATES[target] for value in state.values}
    assert documented - usual <= tried


@pytest.mark.parametrize("target", STATES)
def test_every_state_is_built(target: str) -> None:
    assert {state.name for state in STATES[target]} == set(BUILDS.get(target) or BUILT[target])


@pytest.mark.parametrize("state", [state for states in STATES.values() for state in states], ids=lambda each: each.name)
def test_state_has_a_source_and_whole_answers(state: TargetState) -> None:
    assert state.source
    assert state.about
    for answer in state.answers.values():
        assert bool(answer.words) == (answer.outcome is not Outcome.WORKS)
        assert answer.code.startswith("GD-P") == (answer.outcome is Outcome.REFUSES)


def test_open_rows_are_few() -> None:
    found = open_rows()
    for row in found:
        warnings.warn(f"open: {row.fault} on {row.target} {row.state.name}: {row.answer.open}", stacklevel=1)
    assert len(found) <= 4


# outcomes -------------------------------------------------------------------------------------------------------------


def first(shop: Shop) -> str:
    return shop.look().inventory.instances[0].id


PREPARED = {"several network interfaces", "custom ACL", "no scaling group", "EC2 Fleet"}


def prepare(shop: Shop, state: str, process: str) -> None:
    """Make in moto what a state has besides the answers that it changes, so that writes meet it, too."""

    def call(service: str, operation: str, **params: Any) -> Any:
        return shop.account.call(Call(service=service, operation=operation, params=params), REGION)

    instance = shop.look().inventory.instances[0]
    if state == "several network interfaces":
        made = call("ec2", "create_network_interface", SubnetId=instance.subnet)["NetworkInterface"]
        ids = {"NetworkInterfaceId": made["NetworkInterfaceId"], "InstanceId": instance.id}
        call("ec2", "attach_network_interface", DeviceIndex=1, **ids)
    elif state == "custom ACL":
        acl = call("ec2", "create_network_acl", VpcId=instance.vpc)["NetworkAcl"]["NetworkAclId"]
        by_subnet = {"Name": "association.subnet-id", "Values": [instance.subnet]}
        (now,) = call("ec2", "describe_network_acls", Filters=[by_subnet])["NetworkAcls"]
        ids = {each["SubnetId"]: each["NetworkAclAssociationId"] for each in now["Associations"]}
        call("ec2", "replace_network_acl_association", AssociationId=ids[instance.subnet], NetworkAclId=acl)
    else:  # moto's groups then replace no member
        of_group = {"AutoScalingGroupName": "web", "ScalingProcesses": [process or "ReplaceUnhealthy"]}
        call("autoscaling", "suspend_processes", **of_group)


def texts(reasons: Sequence[Reason]) -> set[str]:
    return {reason.text for reason in reasons}


def check(row: Row, sound: Said, found: Said) -> None:
    """The plan says what the row says, and nothing more than on a sound target."""
    new = [warning for warning in found.warnings if warning.text not in texts(sound.warnings)]
    if row.answer.outcome is Outcome.REFUSES:
        assert {reason.code for reason in found.refusals} == {row.answer.code}, found.refusals
        assert any(row.answer.words in reason.text for reason in found.refusals), found.refusals
        return
    assert found.refusals == ()
    assert found.planned_fault is not None
    lost = sorted(set(found.planned_fault.lost) - set(sound.planned_fault.lost if sound.planned_fault else ()))
    if row.answer.outcome is Outcome.WORKS:
        assert (new, lost) == ([], [])
    elif row.answer.code:
        all_warnings = [*found.warnings]
        assert any(row.answer.words in each.text and each.code == row.answer.code for each in all_warnings), new
    else:
        assert any(row.answer.words in what for what in lost), lost


class Shops:
    """The shop of the last case, for as long as the next may use it: moto has one memory for all."""

    def __init__(self) -> None:
        self.opened = ExitStack()
        self.layout: Layout | None = None
        self.shop: Shop | None = None

    def of(self, layout: Layout, *, fresh: bool) -> Shop:
        if fresh or self.shop is None or layout != self.layout:
            self.opened.close()
            self.shop = self.opened.enter_context(open_shop(layout))
        self.layout = None if fresh else layout
        return self.shop

    def spend(self) -> None:
        """Let the next case have a new shop."""
        self.layout = None

    def close(self) -> None:
        self.opened.close()
        self.spend()


@pytest.fixture(scope="module")
def shops() -> Iterator[Shops]:
    shops = Shops()
    yield shops
    shops.close()


@pytest.mark.parametrize("case", cases(BUILDS), ids=str)
def test_state_has_the_outcome_of_its_row(case: Case, shops: Shops, tmp_path: Path) -> None:
    row, state = case.row, case.row.state.name
    is_prepared = state in PREPARED or "suspended" in state
    shop = shops.of(SHARED if row.target == "interface" else OWN, fresh=is_prepared)
    instance = first(shop)
    fields = fields_of(row, instance)
    sound = said(shop, row, fields)
    if is_prepared:
        prepare(shop, state, case.value)
    there = on(shop, BUILDS[row.target][state](instance, case.value))
    found = said(there, row, fields)
    check(row, sound, found)
    is_first = case.value in ("", *row.state.values[:1])
    if row.answer.outcome is Outcome.WORKS and is_first and found.planned_fault is not None:
        undone(found.planned_fault, there, tmp_path)
        if found.planned_fault.irreversible_actions:
            shops.spend()


SOUND = Said(None, ())
"""What a throttle of a sound target says."""


@pytest.mark.parametrize("case", cases(BUILT), ids=str)
def test_capacity_state_has_the_outcome_of_its_row(case: Case, shops: Shops, tmp_path: Path) -> None:
    shops.close()
    row = case.row
    built = BUILT[row.target][row.state.name](case.value)
    with open_shop(built.layout) as shop:
        built.make(shop)
        there = on(shop, built.edits)
        found = said(there, row, named(built.fields, shop))
        check(row, SOUND, found)
        if row.answer.outcome is not Outcome.REFUSES and found.planned_fault is not None:
            undone(found.planned_fault, there, tmp_path)


def named(fields: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    """The fields of a fault, with the ids of the shop's APIs."""
    ids = {"api": "".join(shop.apis), "http_api": "".join(shop.http_apis)}
    return {key: value.format(**ids) if isinstance(value, str) else value for key, value in fields.items()}


@pytest.mark.parametrize(
    ("module", "part", "state"),
    [
        (functions, "_ready", "function not ready"),
        (functions, "_floor", "function unreserved floor"),
        (functions, "_provisioned", "function provisioned concurrency"),
        (tables, "_decreasable", "table decreases used up"),
    ],
)
def test_mutant_without_condition_is_found(
    module: ModuleType, part: str, state: str, shops: Shops, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = next(case for case in cases(BUILT) if f"{case.row.target} {case.row.state.name}" == state)
    monkeypatch.setattr(module, part, lambda *_: ())
    with pytest.raises(AssertionError):
        test_capacity_state_has_the_outcome_of_its_row(case, shops, tmp_path)


def undone(planned_fault: PlannedFault, shop: Shop, folder: Path) -> None:
    """Inject and undo: everything is as it was."""
    clock, journal = TestClock(NOW), Journal.open(folder)
    journal.begin(RUN, Planned(), pid=1)
    account = RoughAccount(shop.account, clock, planned_fault.changes, RUN, set())
    closed = law(planned_fault, account, clock, journal, RUN, times=1)
    assert {each.state for each in closed} <= {"restored", "healed"}
    journal.close()


PROTECTED = next(row for row in rows("terminate-instance") if row.state.name == "termination protection")


@pytest.mark.parametrize(
    "answer", [WORKS, refuses("GD-P10", PROTECTED.answer.words), refuses("GD-P29", "its door is shut")]
)
def test_mutant_row_is_found(shops: Shops, answer: Answer) -> None:
    shop = shops.of(OWN, fresh=False)
    row, instance = replace(PROTECTED, answer=answer), first(shop)
    fields = fields_of(row, instance)
    there = on(shop, BUILDS["instance"][row.state.name](instance, ""))
    with pytest.raises(AssertionError):
        check(row, said(shop, row, fields), said(there, row, fields))
