"""The contract with AWS's models: calls, paths, error codes and list sizes of every fault, as botocore's models say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import OperationModel
from botocore.session import get_session
from botocore.validate import ParamValidator
from gameday.aws.kinds import KINDS
from gameday.change import Call, CreatedResource, Json, PlannedFault, Probe, Setting
from gameday.change.placeholders import bind
from gameday.engine.settings import CHUNK
from gameday.faults import CATALOGUE
from gameday.faults.interface_owners import RULES
from gameday.testing.wrapper import Wrapped

from tests.doubles.fleet import Fleet, group, instance, member
from tests.doubles.typed_paths import ANY, Untyped, typed
from tests.faults.test_fault_laws import LAWS, Law


@cache
def model(service: str, operation: str) -> OperationModel:
    found = get_session().get_service_model(service)
    named = {xform_name(name): name for name in found.operation_names}
    return found.operation_model(named[operation])


def is_aws(call: Call) -> bool:
    return call.service in get_session().get_available_services()


def wrong_parameters(call: Call) -> str:
    """What botocore's validator says of a call; empty where it is valid."""
    report = ParamValidator().validate(call.params, model(call.service, call.operation).input_shape)
    return str(report.generate_report()) if report.has_errors() else ""


def codes(call: Call) -> set[str]:
    return {shape.error_code or shape.name for shape in model(call.service, call.operation).error_shapes}


SETTINGS: dict[str, Setting] = {
    setting.name: setting for fault in CATALOGUE.values() for setting in fault.settings if is_aws(setting.read.call)
}


# what a fault sends and reads -----------------------------------------------------------------------------------------


class Recorded(Wrapped):
    """An account that writes down every call."""

    def __init__(self, account: Any) -> None:
        super().__init__(account)
        self.calls: list[Call] = []

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        self.calls.append(call)
        return super().answer(call, region, paged)


def templates(planned_fault: PlannedFault) -> Iterator[Call]:
    """Every call that a planned fault holds, with its placeholders bound."""
    names = (*(made for change in planned_fault.changes for made in change.made_binding("id-1")),)
    known: dict[str, Any] = {
        "run": "run-1", "since": 1.0, "before": 0.0, "now": 2.0, "made": dict.fromkeys(names, "id-1"),
    }  # fmt: skip
    for change in planned_fault.changes:
        seen = {**known, "id": "id-1", "ids": ["id-1"], "args": getattr(change, "args", {})}
        row = {"association": "aclassoc-1"}
        for template in (*change.apply_templates(), *change.undo_templates()):
            yield template.bound({**seen, "row": row})
        yield bind(change.read_call, seen)
        if isinstance(change, CreatedResource) and change.find_by_id:
            yield bind(change.find_by_id, seen)
        yield from (bind(probe.call, seen) for probe in change.undo_probes)
    yield from (bind(probe.call, known) for probe in planned_fault.effect.probes)
    yield from (condition.read for condition in planned_fault.conditions)


def paths(planned_fault: PlannedFault) -> Iterator[tuple[str, Any]]:
    """Every JMESPath of a planned fault, with the type of its data."""
    for change in planned_fault.changes:
        if isinstance(change, CreatedResource):
            yield change.made, model(change.create.service, change.create.operation).output_shape
            yield change.found, model(change.find.service, change.find.operation).output_shape
        for probe in change.undo_probes:
            yield from of_probe(probe)
    for action in planned_fault.irreversible_actions:
        yield from of_probe(action.healed)
        if action.whole:
            yield action.whole, {"answer": output(action.healed.call), "was": ANY}
    for probe in planned_fault.effect.probes:
        yield from of_probe(probe)
    for condition in planned_fault.conditions:
        yield condition.holds, output(condition.read)


def output(call: Call) -> Any:
    return model(call.service, call.operation).output_shape


def of_probe(probe: Probe) -> Iterator[tuple[str, Any]]:
    if not is_aws(probe.call):
        return
    shape = output(probe.call)
    was: Any = ANY
    if probe.value:
        was = typed(probe.value, shape)
        yield probe.value, shape
    if probe.holds:
        yield probe.holds, {"answer": shape, "was": was}
    if probe.excess:
        found = (probe.excess.counted, probe.excess.known, probe.excess.whole)
        yield from ((path, shape) for path in found if path)


@pytest.fixture(scope="module", params=LAWS)
def planned(request: pytest.FixtureRequest) -> Iterator[tuple[PlannedFault, list[Call]]]:
    """A fault of the laws resolved on its world, and every call that this took."""
    law: Law = LAWS[request.param]
    with law.world() as shop:
        account = Recorded(shop.account)
        object.__setattr__(shop, "account", account)
        planned_fault = law.planned_fault(shop)
        yield planned_fault, account.calls


def test_every_call_of_a_fault_is_valid(planned: tuple[PlannedFault, list[Call]]) -> None:
    planned_fault, read = planned
    calls = [call for call in (*read, *templates(planned_fault)) if is_aws(call)]
    assert {str(call): wrong for call in calls if (wrong := wrong_parameters(call))} == {}


def test_every_path_of_a_fault_fits_the_model(planned: tuple[PlannedFault, list[Call]]) -> None:
    for path, shape in paths(planned[0]):
        typed(path, shape)


# settings, kinds and owners -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_setting_reads_rows_that_the_model_has(setting: Setting) -> None:
    shape = output(setting.read.call)
    for need in setting.read.needs:
        typed(need, shape)
    rows = typed(setting.read.rows, shape)
    row = rows.of
    assert isinstance(row, Mapping)
    for path in (setting.ready, setting.failed):
        if path:
            typed(path, row)
    known = getattr(row["value"], "enum", None)
    named = {*setting.positions, *setting.transitional}
    assert not known or named <= set(known)


SOURCED = {
    "IncorrectInstanceState": "Amazon EC2 API Reference, Error codes, client errors",
    "IncorrectState": "Amazon EC2 API Reference, Error codes, client errors",
    "InvalidAssociationID.NotFound": "Amazon EC2 API Reference, Error codes, client errors",
    "InvalidGroup.NotFound": "Amazon EC2 API Reference, Error codes, client errors",
    "InvalidInstanceID.NotFound": "Amazon EC2 API Reference, Error codes, client errors",
    "InvalidNetworkAclID.NotFound": "Amazon EC2 API Reference, Error codes, client errors",
    "InvalidNetworkInterfaceID.NotFound": "Amazon EC2 API Reference, Error codes, client errors",
    "DependencyViolation": "Amazon EC2 API Reference, Error codes, client errors",
}
"""Codes of EC2, whose models declare none."""


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_setting_waits_for_codes_that_its_calls_declare(setting: Setting) -> None:
    writes = {code for call in setting.write_calls() for code in codes(call)}
    reads = codes(setting.read.call)
    assert {code for code in setting.retry if code not in SOURCED} <= writes
    assert {code for code in (*setting.gone, *setting.read.absent) if code not in SOURCED} <= reads | writes


def test_created_resource_waits_for_sourced_codes(planned: tuple[PlannedFault, list[Call]]) -> None:
    for change in planned[0].changes:
        if isinstance(change, CreatedResource):
            declared = codes(change.delete)
            assert {code for code in (*change.busy, *change.gone) if code not in SOURCED} <= declared


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_is_read_as_the_model_says(kind: Any) -> None:
    id_ = "abc123/live" if "/" in kind.id else "payments"
    assert wrong_parameters(kind.read_of(id_)) == ""
    assert kind.gone in codes(kind.read)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.read], ids=lambda rule: rule.kind)
def test_owner_is_read_as_the_model_says(rule: Any) -> None:
    assert wrong_parameters(bind(rule.read, {"id": "id-1", "arn": "arn:aws:ec2:us-east-1:123456789012:x/1"})) == ""
    row = typed(rule.owners, output(rule.read)).of
    assert {*row} <= {"id", "tags"}


# lists ----------------------------------------------------------------------------------------------------------------

LIMITS = {
    "describe_instance_status.InstanceIds": 100,
    "describe_instances.InstanceIds": 1000,
    "describe_instance_types.InstanceTypes": 100,
    "describe_auto_scaling_groups.AutoScalingGroupNames": 50,
    "Filters.Values": 200,
}
"""Limits that AWS documents and the models lack (API References of EC2 and Auto Scaling)."""


def too_long(call: Call) -> list[str]:
    """The lists of a call that are longer than AWS takes."""
    found = []
    shape = model(call.service, call.operation).input_shape
    for name, value in call.params.items():
        if name == "Filters" and isinstance(value, list):
            lengths = [len(each["Values"]) for each in value]  # type: ignore[call-overload,index,arg-type]
            found += [name for length in lengths if length > LIMITS["Filters.Values"]]
        elif isinstance(value, list):
            most = shape.members[name].metadata.get("max") or LIMITS.get(f"{call.operation}.{name}", 1000)
            found += [name] if len(value) > most else []
    return found


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_setting_cuts_its_reads_of_many(setting: Setting) -> None:
    ids = [f"id-{number}" for number in range(1001)]
    args: dict[str, dict[str, Json]] = {
        id_: dict.fromkeys(("api", "stage", "resource", "dimension"), id_) for id_ in ids
    }
    reads = list(setting.read_calls(ids, args, CHUNK))
    assert [id_ for some, _ in reads for id_ in some] == ids
    assert [found for _, call in reads for found in too_long(call)] == []


@pytest.mark.parametrize("fault", ["terminate-instance", "stop-instance", "reboot-instance"])
def test_fault_cuts_its_lists_of_many(fault: str) -> None:
    ids = [f"i-{number:04}" for number in range(1001)]
    names = [f"web-{number % 101}" for number in range(len(ids))]
    groups = [
        group(name, [member(id_) for id_, its in zip(ids, names, strict=True) if its == name], 10)
        for name in sorted(set(names))
    ]
    fleet = Fleet([instance(id_, name) for id_, name in zip(ids, names, strict=True)], groups)
    planned_fault = CATALOGUE[fault].model_validate({"module": "web", "share": "100%"}).inject(fleet.look())
    calls = [*fleet.calls, *templates(planned_fault)]
    assert {f"{call}: {name}" for call in calls for name in too_long(call)} == set()


# the nets can fail ----------------------------------------------------------------------------------------------------

STATUS = Call(service="ec2", operation="describe_instances")


@pytest.mark.parametrize(
    "path",
    [
        "Reservations[].Instance[]",
        "Reservations[].Instances[].Status.Name",
        "Reservations[].Instances[?State.Name == 'halted']",
        'Reservations[].Instances[?contains(`["running", "dead"]`, State.Name)]',
        "Reservations[].Instances[?EbsOptimized == 'yes']",
        "Reservations[].Instances[?AmiLaunchIndex == `true`]",
        "Reservations.Instances[]",
        "Reservations[].Instances[].{id: Id}",
    ],
)
def test_mutant_path_is_found(path: str) -> None:
    with pytest.raises(Untyped):
        typed(path, output(STATUS))


@pytest.mark.parametrize(
    "params", [{"InstanceId": "i-1"}, {"InstanceIds": "i-1"}, {"MaxResults": "many"}, {"Filters": [{"Key": "x"}]}]
)
def test_mutant_call_is_found(params: dict[str, Json]) -> None:
    assert wrong_parameters(STATUS.model_copy(update={"params": params}))


def test_mutant_list_is_found() -> None:
    status: dict[str, Json] = {"InstanceIds": ["i-1"] * 101}
    assert too_long(Call(service="ec2", operation="describe_instance_status", params=status)) == ["InstanceIds"]


def test_mutant_code_is_not_declared() -> None:
    suspend = Call(service="autoscaling", operation="suspend_processes")
    assert "ResourceInUse" in codes(suspend)
    assert "ScalingActivityInProgress" not in codes(suspend)
