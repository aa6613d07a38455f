"""Resource kinds, and the reads that find a workload's resources."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from gameday.aws.arns import ArnPlace
from gameday.aws.inventory import Inventory
from gameday.aws.kinds import FUNCTION, HTTP_STAGE, KINDS, STAGE, TABLE, ResourceKind
from gameday.aws.resources import Ownership
from gameday.aws.selections import Selection, selections
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.iam.actions import tables
from hypothesis import given
from hypothesis import strategies as st

PLACE = ArnPlace("aws", "eu-west-1", "111122223333")

ARNS = {
    FUNCTION: ("payments", "arn:aws:lambda:eu-west-1:111122223333:function:payments"),
    TABLE: ("Ledger.Prod_v2", "arn:aws:dynamodb:eu-west-1:111122223333:table/Ledger.Prod_v2"),
    STAGE: ("abc123/live", "arn:aws:apigateway:eu-west-1::/restapis/abc123/stages/live"),
    HTTP_STAGE: ("abc123/$default", "arn:aws:apigateway:eu-west-1::/apis/abc123/stages/$default"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_arn_and_id_are_inverse(kind: ResourceKind) -> None:
    id_, arn = ARNS[kind]
    assert kind.arn(id_, PLACE) == arn
    assert kind.id_of(arn) == id_
    assert [other.name for other in KINDS.values() if other.id_of(arn)] == [kind.name]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_has_the_resource_type_of_iam(kind: ResourceKind) -> None:
    assert tables().resources.resource_type_exists(kind.service, kind.iam_type)


@pytest.mark.parametrize(
    ("kind", "arn"),
    [
        (FUNCTION, "arn:aws:lambda:eu-west-1:111122223333:function:payments:live"),
        (FUNCTION, "arn:aws:lambda:eu-west-1:111122223333:layer:payments"),
        (TABLE, "arn:aws:dynamodb:eu-west-1:111122223333:table/ledger/index/by-day"),
        (STAGE, "arn:aws:apigateway:eu-west-1::/restapis/abc123"),
        (FUNCTION, "payments"),
    ],
)
def test_kind_foreign_arn_has_no_id(kind: ResourceKind, arn: str) -> None:
    assert kind.id_of(arn) is None


def test_stage_without_api_has_no_arn() -> None:
    assert STAGE.arn("prod", PLACE) is None


# selections -----------------------------------------------------------------------------------------------------------


def selected(selection: Selection, tags: dict[str, str]) -> bool:
    return all(tags.get(key) in values for key, values in selection.items())


TAGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), min_size=0, max_size=3)


@given(st.lists(TAGS, max_size=6), TAGS, st.integers(1, 3))
def test_selections_hold_all_that_is_wanted(wanted: list[dict[str, str]], tags: dict[str, str], most: int) -> None:
    chosen = selections(wanted, most)
    assert all(len(values) <= most for selection in chosen for values in selection.values())
    if any(one and one.items() <= tags.items() for one in wanted):
        assert any(selected(selection, tags) for selection in chosen)


def test_selections_merge_tags_with_the_same_keys() -> None:
    wanted = [{"module": f"m{number}"} for number in range(40)]
    assert len(selections(wanted, 200)) == 1
    assert len(selections(wanted, 20)) == 2


# inventory ------------------------------------------------------------------------------------------------------------


class Estate:
    """An account with 1,000 functions of strangers, and two of the workload."""

    def __init__(self) -> None:
        self.asked: list[Call] = []
        owned = {"payments": {"module": "shop"}, "mail": {"module": "shop", "tier": "2"}}
        strangers = {f"stranger-{number}": {"team": "other"} for number in range(1000)}
        self.tags = {FUNCTION.arn(name, PLACE): tags for name, tags in {**owned, **strangers}.items()}

    def pages(self, call: Call, region: str) -> Json:
        self.asked.append(call)
        assert (call.service, call.operation) == ("resourcegroupstaggingapi", "get_resources")
        filters = {each["Key"]: each["Values"] for each in call.params.get("TagFilters", [])}
        arns = call.params.get("ResourceARNList")
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
                for arn, tags in self.tags.items()
                if (arn in arns if arns else all(tags.get(key) in values for key, values in filters.items()))
            ]
        }

    def call(self, call: Call, region: str) -> Json:
        return self.pages(call, region)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        return [self.pages(*call) for call in calls]


def inventory(estate: Estate, **modules: Ownership) -> Inventory:
    return Inventory(estate, PLACE, Ownership({"app": "shop"}), modules)


def test_resources_by_tags_take_one_read_among_strangers() -> None:
    estate = Estate()
    found = inventory(estate, shop=Ownership({"module": "shop"})).resources(FUNCTION)
    assert [(function.name, function.module) for function in found] == [("mail", "shop"), ("payments", "shop")]
    assert len(estate.asked) == 1


def test_named_resources_take_one_read_more_and_keep_their_tags() -> None:
    estate = Estate()
    owned = {"shop": Ownership({"module": "shop"}), "names": Ownership({}, {"functions": ("mail", "nobody")})}
    found = {function.name: function for function in inventory(estate, **owned).resources(FUNCTION)}
    assert {name: function.module for name, function in found.items()} == {
        "mail": "names",
        "nobody": "names",
        "payments": "shop",
    }
    assert found["mail"].tags == {"module": "shop", "tier": "2"}
    assert found["nobody"].tags == {}
    assert len(estate.asked) == 2


def test_resources_are_read_once() -> None:
    estate = Estate()
    shop = inventory(estate, shop=Ownership({"module": "shop"}))
    assert shop.resources(FUNCTION) == shop.resources(FUNCTION)
    assert shop.resources(TABLE) == ()
    assert len(estate.asked) == 1
