"""CPU seconds of the twin's traffic for ten minutes of a storefront at 50 requests a second: six modules, four hops.

    python tests/benchmarks/bench_traffic.py

Machines differ and are shared: the fixed loop of plain Python beside it says how fast this one is right now.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import yaml
from gameday.files.twin_file import TwinFile
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.state import ModuleStatus, NodeState, WorldState
from gameday.twin.traffic.customers import Traffic
from gameday.twin.traffic.publish import aws_metrics, user_metrics

START = 1_700_000_000.0
STOREFRONT = """
version: 1
kind: twin
zones: [a, b, c]
modules:
  web:
    instances: {each_zone: 2}
    latency: {p50: 20ms, p95: 60ms}
    calls:
      - {to: catalog, timeout: 1s, retries: 1}
      - {to: recommendations, timeout: 300ms, fallback: true, only: [browse]}
      - {to: checkout, timeout: 2s, retries: 1, only: [buy]}
  catalog:
    instances: {each_zone: 2}
    latency: {p50: 15ms, p95: 40ms}
    calls: [{to: items, timeout: 500ms, retries: 2}]
  checkout:
    instances: {each_zone: 2}
    latency: {p50: 30ms, p95: 90ms}
    calls: [{to: payments, timeout: 1s, retries: 1}]
  payments: {function: {concurrency: 100}, latency: {p50: 50ms, p95: 150ms}}
  recommendations: {instances: {each_zone: 1}, latency: {p50: 20ms, p95: 60ms}}
  items: {table: {read_capacity: 200, write_capacity: 10, units: read}, latency: {p50: 4ms, p95: 10ms}}
customers:
  rate: 50/s
  journeys:
    browse: {share: 80%, enters: web, patience: 5s}
    buy: {share: 20%, enters: web, patience: 10s}
metrics:
  Storefront/OrdersTried: {journey: buy, count: tried}
  Storefront/OrdersFailed: {journey: buy, count: failed}
  Storefront/OrderLatency: {journey: buy, count: latency}
  Storefront/CheckoutHealthy: {module: checkout, count: healthy}
"""


def healthy(twin: TwinFile) -> WorldState:
    """An account in which all is well."""
    return WorldState(
        {
            name: ModuleStatus(
                nodes=tuple(
                    NodeState(f"{name}-{zone}{number}", zone, True, True)
                    for zone in twin.zones
                    for number in range(module.instances.each_zone if module.instances else 0)
                ),
                capacity=float(module.table.read_capacity) if module.table else None,
            )
            for name, module in twin.modules.items()
        }
    )


def zone_lost(state: WorldState) -> WorldState:
    """Packets from and to every node of zone a are lost; health checks have not noticed."""
    nodes = [node for module in state.modules.values() for node in module.nodes]
    ends = [("outside", ""), *((node.id, node.zone) for node in nodes)]
    return replace(
        state, lost=frozenset((one, other) for one, here in ends for other, there in ends if "a" in (here, there))
    )


def play(twin: TwinFile, seconds: int, fault: Callable[[WorldState], WorldState]) -> int:
    """One run in steps of a second, the fault in its middle third, with every metric published; how many attempts."""
    dimensions = {name: {"Module": name} for name in twin.modules}
    traffic = Traffic(twin, 1, START, MetricStore(), [*user_metrics(twin), *aws_metrics(twin, dimensions)])
    good = healthy(twin)
    changes = {0: good, seconds // 3: fault(good), 2 * seconds // 3: good}
    for second in range(seconds):
        if second in changes:
            traffic.apply(changes[second])
        traffic.advance(START + second + 1)
    return sum(sum(outcomes.tried) for outcomes in traffic.truth.modules.values())


def calibration() -> None:
    """Two million rounds of plain Python."""
    total = 0
    for number in range(2_000_000):
        total += number & 7


def cpu(work: Callable[[], object], times: int = 5) -> float:
    """The median of several CPU times of one process."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return statistics.median(found)


def main() -> None:
    """Print the figures."""
    twin = TwinFile.model_validate(yaml.safe_load(STOREFRONT))
    small = TwinFile.model_validate(yaml.safe_load(STOREFRONT.replace("50/s", "10/s")))
    cases: list[tuple[str, TwinFile, int, Callable[[WorldState], WorldState]]] = [
        ("10 min at 50/s, no fault", twin, 600, lambda state: state),
        ("10 min at 50/s, a zone lost", twin, 600, zone_lost),
        ("3 min at 10/s, no fault", small, 180, lambda state: state),
    ]
    for name, file, seconds, fault in cases:
        attempts = play(file, seconds, fault)
        took = cpu(lambda file=file, seconds=seconds, fault=fault: play(file, seconds, fault))
        sys.stdout.write(f"{name:<28} {took:6.3f}s CPU  {attempts:>8,} hops  {1e6 * took / attempts:5.2f}us a hop\n")
    sys.stdout.write(f"{'calibration loop':<28} {cpu(calibration):6.3f}s CPU\n")


if __name__ == "__main__":
    main()
