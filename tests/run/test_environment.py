"""Where samples come from on the twin: CloudWatch's metrics and alarms, and nothing else."""

from __future__ import annotations

import pytest
from gameday.run.environment import open_environment

from tests.little import REGION, small
from tests.steady_state.streams import kpi

PROMETHEUS = {"prometheus": {"url": "http://127.0.0.1:9", "query": "up"}}
LOGS = {"logs": {"group": "/shop", "query": "stats count(*) as value by bin(1m)"}}


@pytest.mark.parametrize(
    "own",
    [
        kpi(ratio={"total": {"http": {"url": "http://127.0.0.1:9"}}}, bound={"at_least": "99%"}),
        kpi(latency={"http": {"url": "http://127.0.0.1:9"}}, bound={"p95": "1s"}),
        kpi(gauge={"command": {"run": ["/no/such/program"]}}, bound={"at_least": 1}),
        kpi(gauge=PROMETHEUS, bound={"at_least": 1}),
        kpi(gauge=LOGS, bound={"at_least": 1}),
    ],
    ids=["probed ratio", "probed latency", "command", "prometheus", "logs"],
)
def test_kpi_of_other_source_on_twin_is_remarked(own) -> None:
    workload, twin = small()
    workload = workload.model_copy(update={"kpis": {**workload.kpis, "other": own}})
    with open_environment("twin", workload, twin, REGION, seed=0) as environment:
        began = environment.clock.now()
        environment.clock.sleep(5)
        found = environment.source.read(workload.kpis, began, environment.clock.now())
    assert list(found.samples) == ["visits"]
    assert found.remarks == (f"other has no data: the twin does not serve `{own.source.name}`",)
