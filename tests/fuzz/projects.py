"""Make projects: a workload, its twin, experiments, a game day and rules that fit together, from a random source."""

from __future__ import annotations

from random import Random
from typing import Any

Tree = Any
"""A file as YAML or JSON holds it: mappings, lists and scalars."""
Project = dict[str, Tree]
"""File name → its content; a text is written as it is."""

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
KINDS = ("instances", "function", "table", "stage")
NAMES = ("web", "api", "pay", "led", "mail")
SHORT = ("5ms", "15ms", "40ms", "0.3s")
TIMES = ("1s", "5s", "10s", "20s", "30s", "1m", "70s", "90.5s", "2m", "5m")


def project(random: Random) -> Project:
    """Return the files of a project; `validate` takes most of them."""
    kinds = {name: random.choice(KINDS) for name in random.sample(NAMES, random.randint(1, 4))}
    if random.random() < 0.8:
        kinds[next(iter(kinds))] = "instances"
    zones = list(ZONES[: random.randint(1, 3)])
    alarms = {"low": _alarm(random)} if random.random() < 0.5 else {}
    workload = _workload(random, kinds, alarms)
    twin = _twin(random, kinds, zones, alarms)
    names = ("first", "second")
    experiments = {f"{name}.yaml": _experiment(random, name, kinds, zones, workload, alarms) for name in names}
    gameday = {"version": 1, "kind": "gameday", "name": "all", "workload": "workload.yaml"}
    gameday |= {"experiments": [*experiments], "on_broken": random.choice(["stop", "go-on"])}
    return {
        "workload.yaml": workload,
        "twin.yaml": twin,
        **experiments,
        "gameday.yaml": gameday,
        "rules.yaml": {"version": 1, "kind": "rules", "seed": random.randint(0, 9), "rules": _rules(random)},
    }


def _owns(name: str, kind: str) -> Tree:
    return {
        "instances": {"tags": {"module": name}},
        "function": {"functions": [name]},
        "table": {"tables": [name]},
        "stage": {"stages": [f"{name}/prod"]},
    }[kind]


def _workload(random: Random, kinds: dict[str, str], alarms: Tree) -> Tree:
    names = [*kinds]
    modules: Tree = {name: {"owns": _owns(name, kind)} for name, kind in kinds.items()}
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            if link := random.choice([None, "needs", "tolerates"]):
                modules[name].setdefault(link, []).append(other)
    first = names[0]
    kpis: Tree = {
        "orders": {
            "tier": "business",
            "module": first,
            "ratio": {
                "bad": {"cloudwatch": "T/Bad", "period": "1s", "missing": "zero"},
                "total": {"cloudwatch": "T/Tried", "period": "1s"},
            },
            "bound": random.choice([{"at_least": "50%"}, {"at_most": "60%"}, {"at_least": "99%"}]),
        },
        "lat": {
            "tier": "technical",
            "module": random.choice(names),
            "latency": {"cloudwatch": "T/Lat", "period": random.choice(["1s", "10s"])},
            "bound": {random.choice(["p50", "p95", "p99.9"]): random.choice(["10s", "1s", "20ms"])},
        },
        "vol": {
            "tier": "technical",
            "rate": {"cloudwatch": "T/Tried", "period": "1s"},
            "bound": random.choice([{"at_least": "1/h"}, {"within": "90%", "of": "baseline"}, {"at_least": "60/m"}]),
        },
    }
    if kinds[first] == "instances":
        gauge = {"cloudwatch": "T/Healthy", "statistic": "Minimum", "period": "1s"}
        kpis["cap"] = {"tier": "technical", "module": first, "gauge": gauge, "bound": {"at_least": 1, "for": "50%"}}
    if alarms:
        kpis["al"] = {"tier": "technical", "gauge": {"alarm": "low", "period": "10s"}, "bound": {"at_most": 0}}
    return {
        "version": 1,
        "kind": "workload",
        "name": "tiny",
        "provides": "Customers order.",
        "account": "111122223333",
        "regions": ["us-east-1"],
        "twin": "twin.yaml",
        "owns": {"tags": {"app": "tiny"}},
        "opt_in": random.choice([{"gameday": "allowed"}, None]),
        "limits": {"module_share": "50%", "instances": 5, "exposure": "15m"},
        "modules": modules,
        "kpis": kpis,
    }


def _alarm(random: Random) -> Tree:
    return {
        "metric": "T/Bad",
        "period": random.choice(["10s", "1m"]),
        random.choice(["above", "below"]): random.choice([-1, 0.5, 2]),
        "points": 1,
        "of": random.randint(1, 3),
        "missing": random.choice(["breaching", "notBreaching", "ignore", "missing"]),
    }


def _module(random: Random, kind: str) -> Tree:
    return {
        "instances": {
            "each_zone": random.randint(1, 3),
            "launch_delay": random.choice(TIMES),
            "slots": random.choice([8, 32]),
            "queue": random.choice([0, 8, 64]),
        },
        "function": {"concurrency": random.choice([10, 1000])},
        "table": {"read_capacity": 20, "write_capacity": random.choice([20, 40]), "units": "write"},
        "stage": {"rate": random.choice(["50/s", "50/s", "600/m"]), "burst": random.choice([10, 100])},
    }[kind]


def _twin(random: Random, kinds: dict[str, str], zones: list[str], alarms: Tree) -> Tree:
    names = [*kinds]
    modules: Tree = {}
    for index, (name, kind) in enumerate(kinds.items()):
        calls = []
        for other in names[index + 1 :]:
            call: Tree = {"to": other, "retries": random.choice([0, 0, 1, 3])}
            if random.random() < 0.7:
                call["timeout"] = random.choice(["250ms", "1s", "2s"])
            if random.random() < 0.3:
                call |= {"fallback": True, "backoff": "50ms"}
            if random.random() < 0.3:
                call["only"] = ["buy"]
            calls.append(call)
        modules[name] = {kind: _module(random, kind), "latency": {"p50": random.choice(SHORT[:3]), "p95": "0.3s"}}
        modules[name] |= {"calls": calls} if calls else {}
        modules[name] |= {"errors": random.choice(["0%", "0.1%", "20%"])} if random.random() < 0.2 else {}
    first = names[0]
    metrics = {
        "T/Tried": {"journey": "buy", "count": "tried"},
        "T/Bad": {"journey": "buy", "count": "failed"},
        "T/Lat": {"module": first, "count": "latency"},
    }
    if kinds[first] == "instances":
        metrics["T/Healthy"] = {"module": first, "count": "healthy"}
    return {
        "version": 1,
        "kind": "twin",
        "zones": zones,
        "modules": modules,
        "health_check": {"interval": random.choice(["1s", "5s", "10s"]), "unhealthy": 2, "healthy": 2},
        "warm_up": random.choice(["0s", "10s", "30s"]),
        "customers": {
            "rate": random.choice(["10/s", "20/s", "30/s", "100/h"]),
            "journeys": {
                "buy": {"share": "60%", "enters": first, "patience": "5s"},
                "look": {"share": "40%", "enters": random.choice(names)},
            },
        },
        "metrics": metrics,
        "alarms": alarms,
    }


def _fault(random: Random, kinds: dict[str, str], zones: list[str]) -> Tree:
    name, kind = random.choice([*kinds.items()])
    if kind != "instances":
        return {"throttle": {"module": name, "to": random.choice([0, 1, "5%", "50%"])}}
    hit: Tree = {"module": name}
    hit |= random.choice([{}, {"count": 1}, {"share": "50%"}, {"zone": zones[0]}, {"count": 2}])
    return random.choice(
        [
            {"terminate-instance": hit},
            {"stop-instance": {**hit, "hold_replacement": random.choice([True, False])}},
            {"reboot-instance": hit},
            {"az-blackhole": {"zone": random.choice(zones), "launches": random.choice(["blocked", "allowed"])}},
            {"isolate-module": {"module": name}},
        ]
    )


def _experiment(
    random: Random, name: str, kinds: dict[str, str], zones: list[str], workload: Tree, alarms: Tree
) -> Tree:
    kpis = [*workload["kpis"]]
    claimed = random.sample(kpis, random.randint(1, len(kpis)))
    tree: Tree = {
        "version": 1,
        "kind": "experiment",
        "name": name,
        "workload": "workload.yaml",
        "hypothesis": "Customers go on.",
        "steady_state": claimed,
        "baseline": random.choice(TIMES[4:-1]),
        "faults": [_fault(random, kinds, zones) for _ in range(random.choice([1, 1, 2]))],
        "lasts": random.choice(TIMES[3:-1]),
        "allow": ["irreversible"],
    }
    if random.random() < 0.4:
        tree["recovery"] = {"within": "20s", "from": random.choice(["impact", "undo"]), "sustained": "5s"}
    if random.random() < 0.3:
        tree["guard"] = {"orders": random.choice([{"at_least": "10%"}, {"at_most": "90%"}])}
        tree["blind_after"] = "1m"
    if random.random() < 0.3:
        tree["isolation"] = {"margin": "1%"}
    if random.random() < 0.3:
        tree["during"] = {claimed[0]: "any"}
    if alarms and random.random() < 0.4:
        tree |= random.choice([{"detected_by": {"alarm": "low", "within": "10s"}}, {"stop_when": ["low"]}])
    return tree


def _rules(random: Random) -> Tree:
    which: Tree = {"service": random.choice(["dynamodb", "s3", "sqs"]), "share": random.choice(["50%", "100%"])}
    some: list[Tree] = [
        {"throttle": which},
        {"fail": {**which, "code": "AccessDenied", "status": 403}},
        {"delay": {**which, "wait": "400ms"}},
        {"timeout": {**which, "after": 1, "first": 2}},
        {"blackhole": which},
        {"lose-reply": {**which, "wait": "1s"}},
    ]
    return random.sample(some, random.randint(1, 4))
