"""A graph as a workload file, with its declarations, and as a twin file, with its behaviour."""

from __future__ import annotations

from math import isfinite
from typing import Any

from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload

from tests.planted.graph import RATE, ZONES, Graph, Kind, Link

LATENCY = {"instances": ("5ms", "12ms"), "function": ("8ms", "20ms"), "table": ("3ms", "8ms")}
PLENTY = 128
"""Slots of an instance with more than enough."""


def workload_of(graph: Graph) -> Workload:
    """Write the workload file: modules, needs, tolerations, and KPIs for each module and each front's customers."""
    modules = {
        name: {
            "owns": {"tags": {"module": name}} if kind == "instances" else {f"{kind}s": [name]},
            "needs": [link.callee for link in graph.out(name) if link.says == "needs"],
            "tolerates": [link.callee for link in graph.out(name) if link.says == "tolerates"],
        }
        for name, kind in graph.kinds.items()
    }
    kpis = {f"{name}-answers": _ratio(name, name) for name in graph.kinds}
    kpis |= {
        f"{front}-customers": _ratio(owner_of(graph, front), f"{front}-major") | {"tier": "business"}
        for front in graph.fronts
    }
    kpis |= {f"{name}-capacity": _capacity(name) for name in graph.fronts}
    raw = {
        "version": 1,
        "kind": "workload",
        "name": "generated",
        "provides": "Customers are served.",
        "account": "111122223333",
        "regions": ["us-east-1"],
        "twin": "twin.yaml",
        "owns": {"tags": {"app": "generated"}},
        "limits": {"instances": 100},
        "modules": modules,
        "kpis": kpis,
    }
    return Workload.model_validate(raw)


def owner_of(graph: Graph, front: str) -> str:
    """Choose the owner of a front's journey: a service behind it, as checkout owns the orders, or else the front."""
    needs = (link for link in graph.out(front) if link.says == "needs" and not link.only)
    return next((link.callee for link in needs if link.callee.startswith("service")), front)


def _ratio(module: str, metric: str) -> dict[str, Any]:
    bad = {"cloudwatch": f"G/{metric}-failed", "period": "1s", "missing": "zero"}
    ratio = {"bad": bad, "total": {"cloudwatch": f"G/{metric}-tried", "period": "1s"}}
    return {"tier": "technical", "module": module, "ratio": ratio, "bound": {"at_least": "95%"}}


def _capacity(module: str) -> dict[str, Any]:
    gauge = {"cloudwatch": f"G/{module}-healthy", "statistic": "Minimum", "period": "1s"}
    return {"tier": "technical", "module": module, "gauge": gauge, "bound": {"at_least": ZONES, "for": "95%"}}


def twin_of(graph: Graph) -> TwinFile:
    """Write the twin file: the graph's true behaviour."""
    journeys = {
        name: {
            "share": f"{100 * share / len(graph.fronts):.6g}%",
            "enters": front,
            "patience": seconds(graph.budget(front)),
        }
        for front in graph.fronts
        for name, share in graph.journeys(front).items()
    }
    feeds = {("module", name) for name in graph.kinds} | {("journey", f"{name}-major") for name in graph.fronts}
    metrics = {
        f"G/{of}-{count}": {what: of, "count": count} for what, of in sorted(feeds) for count in ("tried", "failed")
    }
    metrics |= {f"G/{name}-healthy": {"module": name, "count": "healthy"} for name in graph.fronts}
    raw = {
        "version": 1,
        "kind": "twin",
        "zones": [f"us-east-1{letter}" for letter in "abc"[:ZONES]],
        "modules": {name: _module(graph, name, kind) for name, kind in graph.kinds.items()},
        "customers": {"rate": f"{RATE * len(graph.fronts)}/s", "journeys": journeys},
        "metrics": metrics,
    }
    return TwinFile.model_validate(raw)


def _module(graph: Graph, name: str, kind: Kind) -> dict[str, Any]:
    p50, p95 = LATENCY[kind]
    capacity = max(1, round(graph.rate(name) * (1.2 if name in graph.scarce else 10)))
    played: dict[Kind, dict[str, Any]] = {
        "instances": {"each_zone": 1, "slots": graph.slots.get(name, PLENTY)},
        "function": {},
        "table": {"read_capacity": capacity, "write_capacity": capacity},
    }
    return {
        kind: played[kind],
        "latency": {"p50": p50, "p95": p95},
        "errors": "0.1%",
        "calls": [_call(graph, link) for link in graph.out(name)],
    }


def _call(graph: Graph, link: Link) -> dict[str, Any]:
    call: dict[str, Any] = {"to": link.callee, "retries": link.retries, "backoff": seconds(link.backoff)}
    call |= {"only": link.only, "fallback": link.fallback}
    return call | ({"timeout": seconds(link.waits * graph.budget(link.callee))} if isfinite(link.waits) else {})


def seconds(number: float) -> str:
    """Format seconds for a file."""
    return f"{1000 * number:.0f}ms"
