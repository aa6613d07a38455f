"""A workload with a module of many functions, tables and stages, and plans of it on a large account."""

from __future__ import annotations

from typing import Any

from gameday.files.experiment import Experiment
from gameday.files.workload import Workload
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import make_plan

from tests.doubles.crowded import Crowded
from tests.doubles.shop import ACCOUNT, OWNS, REGION, Layout, Shop

LARGE = Layout(
    groups=(6, 6),
    functions=(None,) * 20,
    tables=((40, 20),) * 20,
    indexes=((40, 20), (40, 20)),
    stages=((100.0, 50),) * 5,
    http_stages=((1000.0, 2000),) * 5,
)


def workload_of(shop: Shop) -> Workload:
    """The workload file of a shop."""
    modules: dict[str, Any] = {}
    for name, owned in shop.modules.items():
        names = {key: [*ids] for key, ids in owned.names.items() if ids}
        modules[name] = {"owns": {**({"tags": owned.tags} if owned.tags else {}), **names}}
    raw = {
        "version": 1,
        "kind": "workload",
        "name": "shop",
        "provides": "Customers buy things.",
        "account": ACCOUNT,
        "regions": [REGION],
        "owns": {"tags": OWNS},
        "modules": modules,
        "kpis": {
            "answers": {
                "tier": "business",
                "gauge": {"command": {"run": ["echo", "1"], "every": "1s"}},
                "bound": {"at_least": 1},
            }
        },
    }
    return Workload.model_validate(raw)


def plan_of(shop: Shop, account: Crowded, *faults: dict[str, Any]) -> Plan:
    """Plan an experiment on the account."""
    raw = {
        "version": 1,
        "kind": "experiment",
        "name": "large",
        "workload": "workload.yaml",
        "hypothesis": "Customers keep buying.",
        "steady_state": ["answers"],
        "baseline": "1m",
        "faults": list(faults),
        "lasts": "1m",
        "allow": ["irreversible", "unchecked-undo"],
    }
    request = RunRequest(Experiment.model_validate(raw), workload_of(shop), None, "aws")
    return make_plan(request, account, account.clock.now())
