"""Planning reads the workload's resources, never the account's: strangers cost nothing, and stop nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from gameday.aws.answers.lambda_ import LIST_FUNCTIONS
from gameday.aws.arns import ArnPlace
from gameday.aws.inventory import Inventory
from gameday.aws.kinds import ResourceKind
from gameday.aws.resources import OwnedResource, Ownership
from gameday.change import Call, Json
from gameday.engine import patient_reads
from gameday.engine.patient_reads import PatientReads
from gameday.errors import AwsError, Refused
from gameday.faults.fault import FaultContext
from gameday.faults.throttle import Throttle
from gameday.steady_state.clock import TestClock
from gameday.testing.wrapper import Wrapped

from tests.doubles.crowded import Crowded, Strangers
from tests.doubles.estate import LARGE, plan_of
from tests.doubles.shop import ACCOUNT, REGION, Layout, open_shop

FAULTS: dict[str, dict[str, Any]] = {
    "a function": {"throttle": {"function": "payments", "to": 0}},
    "a table": {"throttle": {"table": "ledger", "to": "10%"}},
    "instances": {"terminate-instance": {"module": "web"}},
    "a zone": {"az-blackhole": {"zone": "us-east-1a"}},
}
NOBODY = Strangers(functions=0, tables=0, instances=0)


def crowd(shop: Any, strangers: Strangers | None = None) -> Crowded:
    return Crowded(shop.account, TestClock(1_800_000_000.0), strangers)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_plan_sends_as_many_requests_with_strangers_as_without(fault: dict[str, Any]) -> None:
    with open_shop() as shop:
        alone, crowded = crowd(shop, NOBODY), crowd(shop)
        plans = [plan_of(shop, account, fault) for account in (alone, crowded)]
    assert crowded.requests == alone.requests
    assert crowded.throttled.total() == 0
    assert sum(crowded.requests.values()) <= 40
    assert plans[0] == plans[1]


def test_plan_of_a_large_module_meets_no_throttle_to_its_end() -> None:
    with open_shop(LARGE) as shop:
        account = crowd(shop)
        plan = plan_of(shop, account, {"throttle": {"module": "payments", "to": 1}})
    assert [refusal.text for refusal in plan.refusals if "TooManyRequests" in refusal.text] == []
    assert len(plan.planned_faults[0].changes) == 50


def test_plan_of_a_hundred_functions_waits_for_lambdas_rate() -> None:
    with open_shop(Layout(functions=(20,) * 100, tables=(), stages=())) as shop:
        account = crowd(shop)
        plan = plan_of(shop, account, {"throttle": {"module": "payments", "to": 0}})
    assert len(plan.planned_faults[0].changes) == 100
    assert account.throttled.total() > 0


def test_mutant_without_patience_is_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_reads, "THROTTLED", frozenset())
    with open_shop(Layout(functions=(20,) * 100, tables=(), stages=())) as shop, pytest.raises(Refused):
        plan_of(shop, crowd(shop), {"throttle": {"module": "payments", "to": 0}})


def test_reads_end_where_a_round_brings_no_answer() -> None:
    class Busy(Wrapped):
        """Answers the first three calls; then others use up the rate."""

        def answer(self, call: Call, region: str, paged: bool) -> Json:
            left = 3 - len(answered)
            if left <= 0:
                raise AwsError(call.service, call.operation, "ThrottlingException", "Rate exceeded")
            answered.append(call)
            return {}

    answered: list[Call] = []
    with open_shop() as shop:
        calls = [(Call(service="lambda", operation="get_policy"), REGION)] * 5
        answers = PatientReads(Busy(shop.account)).call_all(calls)
    assert [isinstance(answer, AwsError) for answer in answers] == [False, False, False, True, True]


def test_mutant_that_lists_the_account_is_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Inventory.resources

    def listed(self: Inventory, kind: ResourceKind) -> tuple[OwnedResource, ...]:
        self.read(LIST_FUNCTIONS)
        return found(self, kind)

    monkeypatch.setattr(Inventory, "resources", listed)
    with open_shop() as shop:
        plan_of(shop, crowd(shop, NOBODY), FAULTS["a function"])
        with pytest.raises(Refused, match="list_functions"):
            plan_of(shop, crowd(shop), FAULTS["a function"])


class Vanishing(Crowded):
    """The tagging API still lists a function with the module's tags, which somebody has deleted."""

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        answers = super().call_all(calls, paged)
        for number, (call, _) in enumerate(calls):
            if call.operation == "get_resources" and "TagFilters" in call.params:
                answers[number] = {"ResourceTagMappingList": [tagged("payments"), tagged("deleted")]}
        return answers


def tagged(name: str) -> Json:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return {"ResourceARN": arn, "Tags": [{"Key": "module", "Value": "payments"}]}


def test_resource_that_vanished_is_left_out_of_its_module() -> None:
    with open_shop() as shop:
        account = Vanishing(shop.account, TestClock(1_800_000_000.0))
        modules = {"payments": Ownership({"module": "payments"})}
        inventory = Inventory(account, ArnPlace("aws", REGION, ACCOUNT), Ownership({}), modules)
        context = FaultContext(account, REGION, inventory, ("payments",))
        planned_fault = Throttle.model_validate({"module": "payments", "to": 0}).inject(context)
    assert planned_fault.refusals == ()
    assert [change.id for change in planned_fault.setting_changes] == ["payments"]
    (warning,) = planned_fault.warnings
    assert "function deleted does not exist" in warning


def test_named_resource_that_vanished_is_refused() -> None:
    with open_shop() as shop:
        shop.account.call(
            Call(service="lambda", operation="delete_function", params={"FunctionName": "payments"}), REGION
        )
        (refusal,) = Throttle.model_validate({"function": "payments", "to": 0}).inject(shop.look()).refusals
    assert "function payments does not exist" in refusal
