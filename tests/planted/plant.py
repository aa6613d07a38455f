"""Hidden dependencies to plant in a graph: four kinds that incident reports often describe, each with its cure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from math import inf

from tests.planted.graph import ZONES, Graph, Link, cure, random_graph


@dataclass(frozen=True)
class Planted:
    """A hidden dependency: a fault in `source` hurts `module`, which does not declare that need."""

    kind: str
    source: str
    module: str


@dataclass(frozen=True)
class World:
    """A graph with hidden dependencies, the same graph cured, and what is hidden."""

    sick: Graph
    cured: Graph
    planted: tuple[Planted, ...]
    out_of_sight: int  # rejected draws: they had a dependency that no run can show


Plant = Callable[[random.Random, Graph, Graph], Planted | None]
"""Plants a dependency in the first graph and its cure in the second; None where the graph has no place for it."""


def world(seed: str, size: int) -> World:
    """Draw a workload of `size` modules with a hidden dependency for each five of them, of each kind in turn."""
    rng = random.Random(seed)
    kinds = [*PLANTS]
    rng.shuffle(kinds)
    out_of_sight = 0
    while True:
        sick = random_graph(rng, size)
        cured = deepcopy(sick)
        # A storm removes calls, so it comes before the kinds that add calls.
        wanted = sorted(
            (kinds[number % len(kinds)] for number in range(size // 5)), key=lambda kind: kind != "retry storm"
        )
        drawn = [PLANTS[kind](rng, sick, cured) for kind in wanted]
        planted = tuple(dependency for dependency in drawn if dependency)
        busy = all(cured.rate(name) > 5 for name in cured.kinds)
        if not (len(planted) == len(drawn) and busy and _apart(planted, sick)):
            continue
        if all(_is_reached(dependency, sick) for dependency in planted):
            return World(sick, cured, planted, out_of_sight)
        out_of_sight += 1


def _apart(planted: tuple[Planted, ...], graph: Graph) -> bool:
    """Whether each has its own source and victim, and causes no other dependency, declared or by its retries."""
    sources, victims = ({hidden.source for hidden in planted}, {hidden.module for hidden in planted})
    alone = len(sources) == len(victims) == len(planted)
    declared = any(hidden.module in graph.needed_by(hidden.source) for hidden in planted)
    storming = any(graph.scarce & graph.below(hidden.source) for hidden in planted if hidden.kind in RETRYING)
    return alone and not declared and not storming


def _is_reached(planted: Planted, graph: Graph) -> bool:
    """Whether requests that would call the source still reach the victim while the source fails.

    No run can show a dependency whose callers need the source, and give up before they would call the victim.
    """
    reached = graph.load(frozenset(graph.needed_by(planted.source)))[planted.module]
    only = next((link.only for link in graph.out(planted.module) if link.callee == planted.source), ())
    return any(requests for journey, requests in reached.items() if not only or journey in only)


def _pairs(rng: random.Random, graph: Graph) -> Iterator[tuple[str, str]]:
    """List (caller, callee) pairs in random order, without a call yet, whose callee does not need the caller."""
    order = list(graph.kinds)
    pairs = [
        (caller, callee)
        for number, caller in enumerate(order)
        for callee in order[number + 1 :]
        if graph.kinds[caller] != "table" and not caller.startswith("store") and callee not in graph.fronts
        if caller not in graph.needed_by(callee) and not any(link.callee == callee for link in graph.out(caller))
    ]
    yield from rng.sample(pairs, len(pairs))


def _only(rng: random.Random, graph: Graph, module: str) -> tuple[str, ...]:
    """Choose all journeys, or the rarer journey of a front that reaches the module."""
    rare = [name for name in graph.load()[module] if name.endswith("-minor")]
    return (rng.choice(rare),) if rare and rng.random() < 0.6 else ()


def missing_timeout(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """Plant an optional call without a timeout, with many retries."""
    for caller, callee in _pairs(rng, sick):
        link = Link(caller, callee, "tolerates", inf, 8, 0.1, True, _only(rng, sick, caller))
        sick.links.append(link)
        cured.links.append(cure(link))
        return Planted("missing timeout", callee, caller)
    return None


def shared_pool(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """Plant an optional call of one journey that occupies the few threads of several journeys."""
    for caller, callee in _pairs(rng, sick):
        journeys = sorted(sick.load()[caller])
        if sick.kinds[caller] != "instances" or len(journeys) < 2:
            continue
        link = Link(caller, callee, "tolerates", inf, 8, 0.1, True, (rng.choice(journeys),))
        sick.links.append(link)
        cured.links.append(cure(link))
        # Enough slots for when every call, this one included, is slow and gives up in time: so the cure works.
        sick.slots[caller] = cured.slots[caller] = max(2, round(sick.rate(caller) * sick.budget(caller) / ZONES))
        return Planted("shared pool", callee, caller)
    return None


def shared_table(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """Plant an undeclared read of another module's store; the cured module has its own data."""
    for caller, callee in _pairs(rng, sick):
        if not callee.startswith("store"):
            continue
        sick.links.append(Link(caller, callee, "nothing", only=_only(rng, sick, caller)))
        return Planted("shared table", callee, caller)
    return None


def retry_storm(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """Plant a dependency whose failure makes callers retry, each time on a table that others need."""
    tables = [name for name, kind in sick.kinds.items() if kind == "table"]
    functions = [name for name, kind in sick.kinds.items() if kind == "function" and name.startswith("store")]
    middles = [name for name in sick.kinds if name.startswith("service")]
    for middle in rng.sample(middles, len(middles)):
        for graph in (sick, cured):
            graph.links = [link for link in graph.links if link.caller != middle or link.says == "tolerates"]
        callers = [link for link in sick.into(middle) if link.says == "needs" and link.caller in sick.fronts]
        if not (callers and tables and functions):
            continue
        table, broken, caller = rng.choice(tables), rng.choice(functions), rng.choice(callers)
        others = [front for front in sick.fronts if front not in sick.needed_by(middle)]
        if not others:
            continue
        for graph in (sick, cured):
            graph.links = [link for link in graph.links if (link.caller, link.callee) != (middle, table)]
            graph.links = [link for link in graph.links if (link.caller, link.callee) != (middle, broken)]
            # The caller calls the middle first, and the middle calls the table first: each attempt reaches both.
            graph.links.sort(key=lambda link: (link.caller, link.callee) != (caller.caller, middle))
            graph.links += [Link(middle, table, "needs"), Link(middle, broken, "needs")]
            if not any(link.caller == others[0] and link.callee == table for link in graph.links):
                graph.links.append(Link(others[0], table, "needs"))
            graph.scarce |= {table}
        if SPARED * 8 * sick.rate(middle) < sick.rate(table):
            return None
        sick.swap(caller, replace(caller, waits=8.0, retries=8, backoff=0.02))
        return Planted("retry storm", broken, table)
    return None


RETRYING = ("missing timeout", "shared pool")
"""Kinds that also retry: above a scarce table, each would be a second storm for any failure below it."""

SPARED = 0.5
"""The least storm, as a share. DynamoDB saves five minutes of unused capacity, so a lesser storm has no effect."""

PLANTS: dict[str, Plant] = {
    "missing timeout": missing_timeout,
    "shared pool": shared_pool,
    "shared table": shared_table,
    "retry storm": retry_storm,
}
