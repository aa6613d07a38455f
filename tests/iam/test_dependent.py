"""Dependent actions: the trait of a resource puts what AWS checks besides a call into every policy of the plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from gameday.aws.arns import ArnPlace
from gameday.change import Call, Json, PlannedFault
from gameday.errors import AwsError, Refused
from gameday.faults import CATALOGUE
from gameday.iam.asks import asks_of
from gameday.iam.dependent import DEPENDENT, DependentAction
from gameday.iam.evaluate import AccessRequest, Decision, decide
from gameday.iam.policy import LONGEST, not_permitted, policies_of, session_policies
from gameday.plan.plan import Plan
from gameday.plan.traits import Trait, TraitName, store_traits, traits_of
from gameday.testing.wrapper import Wrapped

from tests.doubles.shop import ACCOUNT, REGION, Shop, open_shop
from tests.report.sample import held

RUN = "20260101-000000-abcdef"
PLACE = ArnPlace("aws", REGION, ACCOUNT)
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
ARNS = {
    TraitName.CUSTOMER_KEY: KEY,
    TraitName.TEMPLATE: "arn:aws:ec2:*:*:*/lt-1",
    TraitName.ROLE: f"arn:aws:iam::{ACCOUNT}:role/worker",
    TraitName.TAGS: f"arn:aws:ec2:{REGION}:{ACCOUNT}:*/*",
    TraitName.PARAMETER: f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/image",
    TraitName.STORE_KEY: KEY,
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gameday"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


def plan_of(*faults: PlannedFault, **fields: Any) -> Plan:
    known = {"planned_faults": faults, "region": REGION, "account": ACCOUNT, "place": "aws"}
    return held().plan.model_copy(update={"principal": ROLE, **known, **fields})


def planned(shop: Shop, name: str, **fields: Any) -> PlannedFault:
    return CATALOGUE[name].model_validate(fields).inject(shop.look())


def with_trait(shop: Shop, row: DependentAction, trait: TraitName) -> Plan:
    if row.call == "ec2.start_instances":
        fault = planned(shop, "stop-instance", module="web", share="100%", hold_replacement=True)
    else:
        fault = planned(shop, "az-blackhole", zone="us-east-1a", launches="blocked")
    targets = {target for change in fault.changes for target in change.targets}
    plan = plan_of(fault)
    if not row.call:
        workload = plan.workload.model_copy(update={"store": "s3://ledger/team"})
        return plan.model_copy(update={"workload": workload, "traits": (Trait(name=trait, of="ledger", value=KEY),)})
    return plan.model_copy(
        update={"traits": tuple(Trait(name=trait, of=target, value=ARNS[trait]) for target in sorted(targets))}
    )


def wanted(row: DependentAction) -> AccessRequest:
    resource, conditions = row.scoped(Trait(name=row.trait, of="", value=ARNS[row.trait]), PLACE)
    context = {key: value.replace("*", REGION) for _, key, value in conditions}
    return AccessRequest(row.action, resource.replace("*", "any"), {"aws:RequestedRegion": REGION, **context})


@pytest.mark.parametrize("row", DEPENDENT, ids=lambda row: row.action)
def test_trait_puts_its_action_into_every_policy(row: DependentAction, shop: Shop) -> None:
    plan = with_trait(shop, row, row.trait)
    policies, request = policies_of(plan), wanted(row)
    documents = [policies.run, policies.rescue, policies.boundary]
    if row.call:
        documents.append(json.loads(session_policies(plan, RUN)["undo"]))
    for document in documents:
        assert decide(request, [document]) is Decision.ALLOWED
        for key in request.context:
            if key != "aws:RequestedRegion":  # its condition counts
                lone = {name: value for name, value in request.context.items() if name != key}
                assert decide(AccessRequest(request.action, request.resource, lone), [document]) is not Decision.ALLOWED
    elsewhere = AccessRequest(request.action, request.resource.replace(REGION, "eu-west-1") + "x", {})
    assert decide(elsewhere, [policies.run]) is not Decision.ALLOWED


@pytest.mark.parametrize("row", DEPENDENT, ids=lambda row: row.action)
def test_without_the_trait_no_policy_has_its_action(row: DependentAction, shop: Shop) -> None:
    plan = with_trait(shop, row, row.trait).model_copy(update={"traits": ()})
    policies = policies_of(plan)
    for document in (policies.run, policies.rescue):
        assert decide(wanted(row), [document]) is not Decision.ALLOWED


@pytest.mark.parametrize("row", [row for row in DEPENDENT if row.call], ids=lambda row: row.action)
def test_undo_without_the_dependent_right_is_not_permitted(row: DependentAction, shop: Shop) -> None:
    plan = with_trait(shop, row, row.trait)
    all_but = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": row.action, "Resource": "*"},
    ]
    lacking = not_permitted(plan, [{"Version": "2012-10-17", "Statement": all_but}])
    assert any(line.startswith(row.action) for line in lacking)


def test_every_trait_and_row_has_a_source() -> None:
    assert {row.trait for row in DEPENDENT} == set(TraitName)
    assert all(row.source for row in DEPENDENT)


# what is read ---------------------------------------------------------------------------------------------------------


class Encrypted(Wrapped):
    """An account where every web instance has a volume with a key that CUSTOMER or AWS manages."""

    manager = "CUSTOMER"

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "describe_volumes":
            ids = call.params["Filters"][0]["Values"]
            return {
                "Volumes": [
                    {"VolumeId": f"vol-{id_}", "KmsKeyId": KEY, "Attachments": [{"InstanceId": id_}]} for id_ in ids
                ]
            }
        if call.operation == "describe_key":
            if self.manager == "unread":
                raise AwsError("kms", "describe_key", "AccessDeniedException", "no")
            return {"KeyMetadata": {"Arn": KEY, "KeyManager": self.manager}}
        return super().answer(call, region, paged)


@pytest.mark.parametrize(("manager", "asks"), [("CUSTOMER", True), ("AWS", False), ("unread", True)])
def test_key_of_a_volume_is_a_trait_unless_aws_manages_it(manager: str, asks: bool, shop: Shop) -> None:
    account = Encrypted(shop.account)
    account.manager = manager
    fault = planned(shop, "stop-instance", module="web", share="100%", hold_replacement=True)
    found = traits_of([fault], account, PLACE)
    targets = {change.id for change in fault.setting_changes if change.setting.name == "instance.power"}
    assert {(trait.of, trait.value) for trait in found} == ({(id_, KEY) for id_ in targets} if asks else set())


def test_launch_template_of_a_group_is_read_as_traits(shop: Shop) -> None:
    account = shop.account
    iam = ("create_role", {"RoleName": "worker", "AssumeRolePolicyDocument": "{}"})
    profile = ("create_instance_profile", {"InstanceProfileName": "worker"})
    join = ("add_role_to_instance_profile", {"InstanceProfileName": "worker", "RoleName": "worker"})
    for operation, params in (iam, profile, join):
        account.call(Call(service="iam", operation=operation, params=params), REGION)
    data = {
        "ImageId": "resolve:ssm:/images/web:3",
        "IamInstanceProfile": {"Name": "worker"},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
    }

    class Template(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == "describe_launch_template_versions":
                return {"LaunchTemplateVersions": [{"LaunchTemplateId": "lt-1", "LaunchTemplateData": data}]}
            return super().answer(call, region, paged)

    fault = planned(shop, "az-blackhole", zone="us-east-1a", launches="blocked")
    found = {(trait.name, trait.value) for trait in traits_of([fault], Template(account), PLACE)}
    assert found == {
        (TraitName.TEMPLATE, ARNS[TraitName.TEMPLATE]),
        (TraitName.ROLE, ARNS[TraitName.ROLE]),
        (TraitName.TAGS, ARNS[TraitName.TAGS]),
        (TraitName.PARAMETER, f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/images/web"),
    }


@pytest.mark.parametrize(
    ("key", "found"), [(KEY, KEY), (f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/mine", KEY), (None, None)]
)
def test_key_of_the_stores_bucket_is_a_trait(key: str | None, found: str | None, shop: Shop) -> None:
    class Bucket(Encrypted):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == "get_bucket_encryption":
                rule = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key} if key else {})}
                rules = [{"ApplyServerSideEncryptionByDefault": rule}]
                return {"ServerSideEncryptionConfiguration": {"Rules": rules}}
            return super().answer(call, region, paged)

    traits = store_traits("s3://ledger/team", Bucket(shop.account), PLACE)
    assert [trait.value for trait in traits] == ([found] if found else [])


# session policies of many targets -------------------------------------------------------------------------------------

MANY = 200


def many(shop: Shop, name: str, count: int = MANY, **fields: Any) -> Plan:
    """A plan of one fault with so many targets of its first setting or action."""
    fault = planned(shop, name, **fields)
    last = fault.stages[-1][0]
    prefix = last.targets[0].partition("-")[0]
    changes = tuple(last.model_copy(update={"id": f"{prefix}-{number:017x}"}) for number in range(count))
    fault = fault.model_copy(update={"stages": (*fault.stages[:-1], changes)})
    workload = held().plan.workload.model_copy(update={"role": ROLE, "opt_in": {"gameday": "allowed"}})
    return plan_of(fault, workload=workload)


CASES = [
    ("isolate-module", {"module": "web"}, "interface"),
    ("az-blackhole", {"zone": "us-east-1a"}, "subnet"),
    ("terminate-instance", {"module": "web"}, "instance"),
    ("stop-instance", {"module": "web"}, "instance"),
]


@pytest.mark.parametrize(("name", "fields", "kind"), CASES, ids=[name for name, *_ in CASES])
def test_session_policy_of_200_tagged_targets_fits(name: str, fields: dict[str, Any], kind: str, shop: Shop) -> None:
    plan = many(shop, name, **fields)
    with pytest.raises(Refused, match="longer than the 2,048 characters"):
        session_policies(plan, RUN)
    bound = plan.model_copy(update={"bound_by_tags": (kind,)})
    texts = session_policies(bound, RUN)
    assert all(len(text) <= LONGEST for text in texts.values())
    for ask in asks_of(bound):
        if not ask.all_alike:
            continue
        document = json.loads(texts["run" if ask.phase == "inject" else "undo"])
        tagged = {"aws:ResourceTag/gameday": "allowed"}
        assert decide(AccessRequest(ask.action, ask.resource, tagged), [document]) is Decision.ALLOWED
        assert decide(AccessRequest(ask.action, ask.resource, {}), [document]) is Decision.NOT_ALLOWED
        foreign = ask.resource.replace(ACCOUNT, "999999999999")
        assert decide(AccessRequest(ask.action, foreign, tagged), [document]) is Decision.NOT_ALLOWED


def test_few_targets_are_named_by_arn_even_where_tags_would_do(shop: Shop) -> None:
    plan = many(shop, "stop-instance", 3, module="web").model_copy(update={"bound_by_tags": ("instance",)})
    assert "aws:ResourceTag" not in session_policies(plan, RUN)["run"]
