"""Every fault of the catalogue in several shapes, each on a world that it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from gameday.change import PlannedFault
from gameday.faults import CATALOGUE
from gameday.sdk.rule import Rule

from tests.doubles.shop import Layout, Shop, open_beside, open_shop

Fields = dict[str, Any]
SMALL = Layout()
MILD = Rule.model_validate({"kind": "throttle", "service": "dynamodb", "share": "5%"})


@dataclass(frozen=True)
class Shape:
    fault: str
    fields: Callable[[Shop], Fields]
    world: Callable[[], AbstractContextManager[Shop]] = open_shop

    def planned_fault(self, shop: Shop) -> PlannedFault:
        """The fault resolved on its world, after a trip through JSON, as a saved plan is applied."""
        planned_fault = CATALOGUE[self.fault].model_validate(self.fields(shop)).inject(shop.look())
        assert planned_fault.refusals == (), planned_fault.refusals
        return PlannedFault.model_validate_json(planned_fault.model_dump_json())


def _of(fault: str, layout: Layout = SMALL, **fields: Any) -> Shape:
    return Shape(fault, lambda _: fields, partial(open_shop, layout))


def _beside(standing: Mapping[str, Rule]) -> Shape:
    def fields(shop: Shop) -> Fields:
        return {"sdk": "dynamodb", "share": "50%", "at": shop.proxy}

    return Shape("throttle", fields, partial(open_beside, standing))


ONE = Layout(zones=("us-east-1a", "us-east-1b"))
THREE = Layout(zones=("us-east-1a", "us-east-1a", "us-east-1a", "us-east-1b"), groups=(2, 1))
TWO_GROUPS = Layout(groups=(2, 2))
OWN = Layout(shared=False)
LONE = Layout(lone=2)
RESERVED = Layout(functions=(20, None), tables=((40, 20), (9, 9)), stages=((100.0, 50), (10.0, 5)))

SHAPES: dict[str, Shape] = {
    "blackhole of 1 subnet": _of("az-blackhole", ONE, zone="us-east-1a"),
    "blackhole of 1 subnet, launches blocked": _of("az-blackhole", ONE, zone="us-east-1a", launches="blocked"),
    "blackhole of 2 subnets, launches blocked": _of("az-blackhole", zone="us-east-1a", launches="blocked"),
    "blackhole of 3 subnets": _of("az-blackhole", THREE, zone="us-east-1a"),
    "blackhole of 3 subnets, launches of 2 groups blocked": _of(
        "az-blackhole", THREE, zone="us-east-1a", launches="blocked"
    ),
    "isolate a module": _of("isolate-module", module="web"),
    "isolate a module in its own subnets": _of("isolate-module", OWN, module="web"),
    "isolate a module of 2 groups": _of("isolate-module", TWO_GROUPS, module="web"),
    "isolate a module in a zone": _of("isolate-module", THREE, module="web", zone="us-east-1a"),
    "stop 1, replacing held": _of("stop-instance", module="web", hold_replacement=True),
    "stop 2 of 2 groups, replacing held": _of(
        "stop-instance", TWO_GROUPS, module="web", share="100%", hold_replacement=True
    ),
    "stop 1 that no group holds": _of("stop-instance", LONE, tags={"lone": "yes"}),
    "stop 2 that no group holds": _of("stop-instance", LONE, tags={"lone": "yes"}, count=2),
    "stop a member, an irreversible action": _of("stop-instance", module="web"),
    "terminate 1": _of("terminate-instance", module="web"),
    "terminate 2 of a zone": _of("terminate-instance", zone="us-east-1a", count=2),
    "reboot 1": _of("reboot-instance", module="web"),
    "reboot 2 of a zone": _of("reboot-instance", zone="us-east-1a", count=2),
    "throttle a function that reserves nothing": _of("throttle", function="payments", to=0),
    "throttle a function that reserves": _of("throttle", RESERVED, function="payments", to="5%"),
    "throttle a table": _of("throttle", table="ledger", to="5%"),
    "throttle a table with indexes that is scaled": _of(
        "throttle", Layout(indexes=((100, 10), (1, 1)), scaled=True), table="ledger", to="10%"
    ),
    "throttle an on-demand table": _of("throttle", Layout(on_demand=(None,)), table="orders", to=5),
    "throttle a stage without settings for all methods": Shape(
        "throttle",
        lambda shop: {"stage": f"{shop.api}/live", "to": 2},
        partial(open_shop, Layout(stages=(None,), override=(40.0, 20))),
    ),
    "throttle a stage of an HTTP API": Shape(
        "throttle",
        lambda shop: {"http_stage": f"{shop.http_apis[0]}/$default", "to": "1%"},
        partial(open_shop, Layout(http_stages=((1000.0, 2000),))),
    ),
    "throttle a stage": Shape("throttle", lambda shop: {"stage": f"{shop.api}/live", "to": "5%"}),
    "throttle a module of six": _of("throttle", RESERVED, module="payments", to=1),
    "throttle a service for a program": _beside({}),
    "throttle a service for a program that is throttled already": _beside(
        {"gameday-throttle-dynamodb": MILD, "other": MILD}
    ),
}
