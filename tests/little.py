"""A workload with a module of each kind, as small as it can be."""

from __future__ import annotations

from typing import Any

from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload

REGION = "us-east-1"


def small(**changes: Any) -> tuple[Workload, TwinFile]:
    """A workload with a module of each kind."""
    workload = {
        "version": 1,
        "kind": "workload",
        "name": "small",
        "provides": "Little.",
        "account": "111122223333",
        "regions": [REGION],
        "owns": {"tags": {"app": "small"}},
        "modules": {
            "site": {"owns": {"tags": {"module": "site"}}},
            "edge": {"owns": {"stages": ["abc123/live"]}},
            "work": {"owns": {"functions": ["worker"]}},
            "rows": {"owns": {"tables": ["rows"]}},
        },
        "kpis": {
            "visits": {
                "tier": "business",
                "rate": {"cloudwatch": "Small/Tried", "period": "1s"},
                "bound": {"at_least": "1/s"},
            }
        },
    }
    quick = {"p50": "5ms", "p95": "10ms"}
    twin = {
        "version": 1,
        "kind": "twin",
        "zones": ["us-east-1a", "us-east-1b"],
        "warm_up": "0s",
        "modules": {
            "site": {"instances": {"each_zone": 1}, "latency": quick, "calls": [{"to": "work"}, {"to": "rows"}]},
            "edge": {"stage": {"rate": "100/s", "burst": 50}, "latency": quick, "calls": [{"to": "site"}]},
            "work": {"function": {}, "latency": quick},
            "rows": {"table": {"read_capacity": 5, "write_capacity": 7}, "latency": quick},
        },
        "customers": {"rate": "5/s", "journeys": {"visit": {"share": "100%", "enters": "edge"}}},
        **changes,
    }
    return Workload.model_validate(workload), TwinFile.model_validate(twin)
