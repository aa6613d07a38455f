"""Strategies draw only faults that a workload can have, and leave the settings of other tests alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, HTTPClientError
from gameday.errors import InvalidInput
from gameday.faults import CATALOGUE
from gameday.faults.fault import Fault
from gameday.files.load import load_workload
from gameday.sdk import Rule
from gameday.strategies import Schedule, SdkMachine, faults, schedules, sdk_rules
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from hypothesis.strategies import SearchStrategy
from moto import mock_aws

STOREFRONT = Path(__file__).parent.parent / "experiments" / "storefront" / "workload.yaml"
LOADED = load_workload(STOREFRONT)
QUICK = settings(settings.get_profile("gameday"), max_examples=60, database=None)


@QUICK
@given(faults(LOADED, irreversible=True))
def test_fault_fits_workload_and_round_trips(fault: Fault) -> None:
    module, zone = getattr(fault, "module", None), getattr(fault, "zone", None)
    assert module is None or module in LOADED.workload.modules
    assert zone is None or zone in LOADED.twin.zones  # type: ignore[union-attr]
    written = fault.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert type(fault).model_validate(written) == fault


@QUICK
@given(schedules(LOADED, most=3))
def test_schedule_has_distinct_reversible_targets(schedule: Schedule) -> None:
    assert 1 <= len(schedule.faults) <= 3
    assert schedule.lasts in ("1m", "3m")
    assert not any(fault.is_irreversible for fault in schedule.faults)
    targets = [getattr(fault, "module", None) or fault.name for fault in schedule.faults]
    assert len(set(targets)) == len(targets)


@QUICK
@given(sdk_rules("dynamodb.PutItem", "sqs", first=1, after=4))
def test_sdk_rule_keeps_calls_and_limits(drawn: Rule) -> None:
    assert (drawn.service, drawn.operation) in (("dynamodb", "PutItem"), ("sqs", None))
    assert drawn.first == 1
    assert drawn.after <= 4
    assert (drawn.wait is not None) == (drawn.kind == "delay")


def reached(strategy: SearchStrategy[Fault]) -> set[str]:
    """The names of the faults that a strategy can give."""
    names = set()
    for name in CATALOGUE:
        try:
            find(strategy, lambda fault, name=name: fault.name == name, settings=QUICK)
        except NoSuchExample:
            continue
        names.add(name)
    return names


def test_faults_reach_every_possible_fault() -> None:
    assert reached(faults(LOADED, irreversible=True)) == set(CATALOGUE)
    assert reached(faults(LOADED)) == {name for name, fault in CATALOGUE.items() if not fault.is_irreversible}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: faults(LOADED, "throtle"), "there is no fault `throtle` [GD-E107]\n  → did you mean `throttle`?"),
        (lambda: faults(LOADED, "reboot-instance"), "none of reboot-instance can hit workload storefront"),
        (lambda: sdk_rules("dynamodb.PutItme"), "did you mean `PutItem`?"),
        (lambda: sdk_rules("dinamodb"), "did you mean `dynamodb`?"),
        (sdk_rules, "name the calls that may fail"),
    ],
    ids=["fault", "irreversible", "operation", "service", "none"],
)
def test_wrong_name_raises_with_a_remedy(make: object, words: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        make()  # type: ignore[operator]
    assert words in str(raised.value)


def test_profile_is_registered_and_not_loaded() -> None:
    code = """
from hypothesis import settings
settings.register_profile("mine", max_examples=7)
settings.load_profile("mine")
import gameday.strategies
assert settings().max_examples == 7
assert settings.get_profile("gameday").deadline is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)


CLIENT = boto3.client("dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


class Counting(SdkMachine):
    """A counter in a table, which is wrong once a reply is lost: botocore adds again."""

    calls = ("dynamodb.UpdateItem",)
    kinds = ("throttle", "lose-reply")

    def __init__(self) -> None:
        super().__init__()
        self.mock = mock_aws()
        self.mock.start()
        self.table = CLIENT
        self.table.create_table(
            TableName="counts",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.counted = 0

    @rule(by=st.just(1))
    def count(self, by: int) -> None:
        try:
            self.table.update_item(
                TableName="counts",
                Key={"id": {"S": "all"}},
                UpdateExpression="ADD n :by",
                ExpressionAttributeValues={":by": {"N": str(by)}},
            )
        except (ClientError, HTTPClientError):
            return
        self.counted += by

    @invariant()
    def what_was_counted_stands(self) -> None:
        item = self.table.get_item(TableName="counts", Key={"id": {"S": "all"}}).get("Item")
        assert int(item["n"]["N"] if item else 0) == self.counted

    def teardown(self) -> None:
        super().teardown()
        self.mock.stop()


UNSHRUNK = settings(QUICK, max_examples=100, derandomize=True, phases=[Phase.generate])


def test_machine_finds_a_double_count_after_lost_reply() -> None:
    with pytest.raises(AssertionError) as raised:
        run_state_machine_as_test(Counting, settings=UNSHRUNK)
    notes = "\n".join(raised.value.__notes__)
    assert "fault_begins" in notes
    assert "kind='lose-reply'" in notes
