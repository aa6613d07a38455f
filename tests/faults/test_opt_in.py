"""Every resource that a fault changes or hits must carry the opt-in tag, or the plan names it."""

from __future__ import annotations

from typing import Any

import pytest
from gameday.change import PlannedFault
from gameday.faults import CATALOGUE
from gameday.plan.planner import _checked

from tests.doubles.shop import OPTED_IN, Shop, open_shop

FAULTS: dict[str, dict[str, Any]] = {
    "az-blackhole": {"zone": "us-east-1a", "launches": "blocked"},
    "isolate-module": {"module": "web"},
    "stop-instance": {"module": "web", "count": 2, "hold_replacement": True},
    "terminate-instance": {"module": "web", "count": 2},
    "reboot-instance": {"module": "web", "count": 2},
    "throttle": {"module": "payments", "to": 0},
}


def planned(shop: Shop, fault: str) -> PlannedFault:
    look = shop.look()
    return _checked(CATALOGUE[fault].model_validate(FAULTS[fault]).inject(look), OPTED_IN, look.inventory)


def test_every_fault_of_the_catalogue_is_tried() -> None:
    assert set(FAULTS) == set(CATALOGUE)


@pytest.mark.parametrize("fault", FAULTS)
def test_target_without_opt_in_tag_is_named(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shop() as shop:
        whole = planned(shop, fault)
        assert whole.without_opt_in == ()
        changed = {(change.resource_kind, target) for change in whole.changes for target in change.targets}
        changed |= {(resource.resource, resource.id) for resource in whole.hit}
        assert changed
        for kind, target in changed:
            look = shop.look()
            read = look.inventory.tags
            monkeypatch.setattr(
                look.inventory,
                "tags",
                lambda of, id_, gone=(kind, target), read=read: None if (of, id_) == gone else read(of, id_),
            )
            lacking = _checked(CATALOGUE[fault].model_validate(FAULTS[fault]).inject(look), OPTED_IN, look.inventory)
            assert lacking.without_opt_in == (target,)
