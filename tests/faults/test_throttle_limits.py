"""Throttled tables and stages: what is hit is what is changed, and what AWS demands of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from gameday.change import Json, PlannedFault, SettingChange
from gameday.faults.apigateway import patch_path
from gameday.faults.throttle import Throttle

from tests.doubles.shop import BEYOND, REGION, Layout, Shop, open_shop

NOON = 1_796_126_400.0  # 2026-12-01, 12:00 UTC


def planned(shop: Shop, **fields: Any) -> PlannedFault:
    return Throttle.model_validate(fields).inject(replace(shop.look(), now=NOON))


def changes(planned_fault: PlannedFault) -> dict[str, Json]:
    found = [change for change in planned_fault.changes if isinstance(change, SettingChange)]
    return {change.setting.name: change.after for change in found}


def units(reads: int, writes: int) -> Json:
    return {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}


# tables ---------------------------------------------------------------------------------------------------------------


def test_indexes_are_reduced_with_their_table() -> None:
    with open_shop(Layout(indexes=((500, 500), (1, 1)))) as shop:
        fault = planned(shop, table="ledger", to="10%")
    (change,) = fault.changes
    assert isinstance(change, SettingChange)
    assert change.after == {"table": units(4, 2), "indexes": {"by-0": units(50, 50)}}
    (template,) = change.apply_templates()
    sent = template.bound({}).params
    assert sent["GlobalSecondaryIndexUpdates"] == [
        {"Update": {"IndexName": "by-0", "ProvisionedThroughput": units(50, 50)}}
    ]
    assert fault.hits == {"payments": 0.9}
    (probe,) = fault.effect.probes
    assert probe.covers == ("ledger",)
    assert "ReadThrottleEvents of ledger, by-0" in probe.about


def test_index_alone_is_reduced_where_the_table_is_at_its_least() -> None:
    with open_shop(Layout(tables=((1, 1),), indexes=((10, 10),))) as shop:
        (change,) = planned(shop, table="ledger", to=2).changes
    assert isinstance(change, SettingChange)
    assert "ProvisionedThroughput" not in next(change.apply_templates()).bound({}).params


def test_scaling_is_suspended_first_and_resumes_last() -> None:
    with open_shop(Layout(scaled=True)) as shop:
        first, second = planned(shop, table="ledger", to="10%").stages
    assert {change.setting.name for change in first if isinstance(change, SettingChange)} == {"scaling.suspended"}
    assert len(first) == 2
    assert [change.id for change in second if isinstance(change, SettingChange)] == ["ledger"]
    for change in first:
        assert isinstance(change, SettingChange)
        assert change.module == "payments"
        (probe,) = change.undo_when
        answer: Json = {"Table": {"TableStatus": "ACTIVE", "ProvisionedThroughput": units(40, 20)}}
        assert probe.says_yes(answer, None)
        assert not probe.says_yes({"Table": {"TableStatus": "ACTIVE", "ProvisionedThroughput": units(4, 2)}}, None)
        assert not probe.says_yes({"Table": {"TableStatus": "UPDATING", "ProvisionedThroughput": units(40, 20)}}, None)


@pytest.mark.parametrize(
    ("maxima", "to", "after"),
    [
        (None, 5, {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 5}),
        (None, 0, {"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 1}),
        ((400, 100), "5%", {"MaxReadRequestUnits": 20, "MaxWriteRequestUnits": 5}),
    ],
)
def test_on_demand_table_gets_a_maximum(maxima: tuple[int, int] | None, to: Any, after: Json) -> None:
    with open_shop(Layout(on_demand=(maxima,))) as shop:
        assert changes(planned(shop, table="orders", to=to)) == {"table.maximum": after}


def test_share_of_no_maximum_is_refused_with_the_remedy() -> None:
    with open_shop(Layout(on_demand=(None,))) as shop:
        (refusal,) = planned(shop, table="orders", to="5%").refusals
    assert "give a number" in refusal


@pytest.mark.parametrize(("table", "writes"), [("ledger", 2), ("orders", 100)])
def test_global_table_names_its_replicas(table: str, writes: int) -> None:
    with open_shop(Layout(on_demand=((400, 100),))) as shop:
        BEYOND.backend("dynamodb", REGION).tables[table].Replicas = [
            {"RegionName": REGION},
            {"RegionName": "eu-west-1"},
        ]
        fault = planned(shop, table=table, to="10%")
    (warning,) = fault.warnings
    assert "eu-west-1" in warning
    (after,) = changes(fault).values()
    assert isinstance(after, dict)
    assert [value for key, value in after.items() if "Write" in key] == [writes]


@pytest.mark.parametrize(
    ("number", "last", "is_allowed"),
    [(3, NOON - 60, True), (4, NOON - 3599, False), (4, NOON - 3600, True), (27, NOON - 60, False)],
)
def test_decrease_needs_one_left_or_an_hour(number: int, last: float, is_allowed: bool) -> None:
    with open_shop() as shop:
        table = BEYOND.backend("dynamodb", REGION).tables["ledger"]
        table.decreases = {"NumberOfDecreasesToday": number, "LastDecreaseDateTime": last}
        (condition,) = planned(shop, table="ledger", to="10%").conditions
        assert condition.is_met(shop.account.pages(condition.read, REGION)) == is_allowed


def test_refused_decrease_says_when_the_next_one_is_possible() -> None:
    with open_shop() as shop:
        table = BEYOND.backend("dynamodb", REGION).tables["ledger"]
        table.decreases = {"NumberOfDecreasesToday": 4, "LastDecreaseDateTime": NOON - 600}
        (condition,) = planned(shop, table="ledger", to="10%").conditions
    assert "2026-12-01 12:50:00 UTC" in condition.remedy
    assert "had 4 on this UTC day" in condition.refusal


def test_each_reduced_index_needs_a_decrease_of_its_own() -> None:
    with open_shop(Layout(indexes=((10, 10), (1, 1)))) as shop:
        conditions = planned(shop, table="ledger", to="10%").conditions
        for condition in conditions:
            answer = shop.account.pages(condition.read, REGION)
            assert condition.is_met(answer)
            for index in answer["Table"]["GlobalSecondaryIndexes"]:
                index["ProvisionedThroughput"] |= {"NumberOfDecreasesToday": 4, "LastDecreaseDateTime": NOON}
            assert condition.is_met(answer) == ("index" not in condition.about)
    assert [condition.about.partition("decrease of ")[2] for condition in conditions] == [
        "table ledger",
        "index by-0 of table ledger",
    ]


# stages ---------------------------------------------------------------------------------------------------------------


def test_methods_of_their_own_are_reduced_with_the_stage() -> None:
    with open_shop(Layout(override=(40.0, 20))) as shop:
        fault = planned(shop, stage=f"{shop.api}/live", to="5%")
    assert changes(fault) == {
        "stage.throttling": {"*/*": {"rate": 5.0, "burst": 2}, "orders~1items/POST": {"rate": 2.0, "burst": 1}}
    }
    assert fault.hits == {"payments": 0.95}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("*/*", "/*/*"),
        ("orders/POST", "/orders/POST"),
        ("~1orders~1{id}/GET", "/~1orders~1{id}/GET"),
        ("orders/items/POST", "/orders~1items/POST"),
    ],
)
def test_patch_path_escapes_the_slashes_of_a_resource(method: str, path: str) -> None:
    assert patch_path(method) == path


def test_stage_without_limits_gets_a_number_and_loses_it_again() -> None:
    with open_shop(Layout(stages=((-1.0, -1), None))) as shop:
        none, absent = (planned(shop, stage=f"{api}/live", to=3) for api in shop.apis)
    assert changes(none) == {"stage.throttling": {"rate": 3.0, "burst": 3}}
    assert changes(absent) == {"stage.default-throttling": {"rate": 3, "burst": 3}}
    (change,) = absent.changes
    assert isinstance(change, SettingChange)
    (undo,) = change.undo_templates()
    assert undo.bound({}).params["patchOperations"] == [{"op": "remove", "path": "/*/*"}]


@pytest.mark.parametrize("limits", [(-1.0, -1), None])
def test_share_of_a_stage_without_limits_is_refused(limits: tuple[float, int] | None) -> None:
    with open_shop(Layout(stages=(limits,))) as shop:
        (refusal,) = planned(shop, stage=f"{shop.api}/live", to="5%").refusals
    assert "give a number" in refusal


def test_http_stage_reduces_its_routes_too() -> None:
    with open_shop(Layout(http_stages=((1000.0, 2000),))) as shop:
        fault = planned(shop, http_stage=f"{shop.http_apis[0]}/$default", to="1%")
    limits = {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20}
    assert changes(fault) == {
        "http-stage.throttling": {
            "default": {"DetailedMetricsEnabled": True, **limits},
            "routes": {"POST /orders": limits},
        }
    }
    assert fault.hits == {"payments": 0.99}


def test_http_stage_without_default_limits_is_refused() -> None:
    with open_shop(Layout(http_stages=((1000.0, 2000),))) as shop:
        stage = BEYOND.backend("apigatewayv2", REGION).apis[shop.http_apis[0]].stages["$default"]
        stage.default_route_settings = {"detailedMetricsEnabled": False}
        (refusal,) = planned(shop, http_stage=f"{shop.http_apis[0]}/$default", to=0).refusals
    assert "no default limits" in refusal
