"""Hidden dependencies, planted in a graph: four that incident reports are full of. Each knows its cure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from math import inf

from tests.planted.graph import ZONES, Graph, Link, cure, random_graph


@dataclass(frozen=True)
class Planted:
    """The truth about one: a fault in `source` hurts `module`, which declares no such need."""

    kind: str
    source: str
    module: str


@dataclass(frozen=True)
class World:
    """A graph with hidden dependencies, the same graph cured, and what is hidden."""

    sick: Graph
    cured: Graph
    planted: tuple[Planted, ...]
    out_of_sight: int  # draws that were refused since no run could show one of theirs


Plant = Callable[[random.Random, Graph, Graph], Planted | None]
"""Plants one in the first graph and its cured twin in the second; None where the graph has no place for it."""


def world(seed: str, size: int) -> World:
    """A workload of so many modules with one hidden dependency for each five of them, of kinds in turn."""
    rng = random.Random(seed)
    kinds = [*PLANTS]
    rng.shuffle(kinds)
    out_of_sight = 0
    while True:
        sick = random_graph(rng, size)
        cured = deepcopy(sick)
        # A storm takes calls away, so it comes before what adds some.
        wanted = sorted(
            (kinds[number % len(kinds)] for number in range(size // 5)), key=lambda one: one != "retry storm"
        )
        found = [PLANTS[kind](rng, sick, cured) for kind in wanted]
        planted = tuple(one for one in found if one)
        busy = all(cured.rate(name) > 5 for name in cured.kinds)
        if not (len(planted) == len(found) and busy and _apart(planted, sick)):
            continue
        if all(_is_reached(one, sick) for one in planted):
            return World(sick, cured, planted, out_of_sight)
        out_of_sight += 1


def _apart(planted: tuple[Planted, ...], graph: Graph) -> bool:
    """Whether each has a source and a victim of its own, and brings no other, declared or by its own retries."""
    sources, victims = ({one.source for one in planted}, {one.module for one in planted})
    alone = len(sources) == len(victims) == len(planted)
    declared = any(one.module in graph.needed_by(one.source) for one in planted)
    storming = any(graph.scarce & graph.below(one.source) for one in planted if one.kind in RETRYING)
    return alone and not declared and not storming


def _is_reached(planted: Planted, graph: Graph) -> bool:
    """Whether requests that would call the source still come to the victim while the source fails.

    Where those that are declared to need the source give up before they would call the victim, no run can show it.
    """
    reached = graph.load(frozenset(graph.needed_by(planted.source)))[planted.module]
    only = next((one.only for one in graph.out(planted.module) if one.callee == planted.source), ())
    return any(each for journey, each in reached.items() if not only or journey in only)


def _pairs(rng: random.Random, graph: Graph) -> Iterator[tuple[str, str]]:
    """(caller, callee) that have no call yet, and of which the caller does not need the callee, in random order."""
    order = list(graph.kinds)
    pairs = [
        (one, other)
        for number, one in enumerate(order)
        for other in order[number + 1 :]
        if graph.kinds[one] != "table" and not one.startswith("store") and other not in graph.fronts
        if one not in graph.needed_by(other) and not any(link.callee == other for link in graph.out(one))
    ]
    yield from rng.sample(pairs, len(pairs))


def _only(rng: random.Random, graph: Graph, module: str) -> tuple[str, ...]:
    """All journeys, or the rarer one of a front that reaches the module."""
    rare = [name for name in graph.load()[module] if name.endswith("-minor")]
    return (rng.choice(rare),) if rare and rng.random() < 0.6 else ()


def missing_timeout(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """An optional call that waits as long as it takes, and tries again and again."""
    for caller, callee in _pairs(rng, sick):
        link = Link(caller, callee, "tolerates", inf, 8, 0.1, True, _only(rng, sick, caller))
        sick.links.append(link)
        cured.links.append(cure(link))
        return Planted("missing timeout", callee, caller)
    return None


def shared_pool(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """Few threads for several journeys: an optional call of one journey holds them, and the others find none."""
    for caller, callee in _pairs(rng, sick):
        journeys = sorted(sick.load()[caller])
        if sick.kinds[caller] != "instances" or len(journeys) < 2:
            continue
        link = Link(caller, callee, "tolerates", inf, 8, 0.1, True, (rng.choice(journeys),))
        sick.links.append(link)
        cured.links.append(cure(link))
        # As many as are held where every call is slow, this one too, and given up in time: so the cure is one.
        sick.slots[caller] = cured.slots[caller] = max(2, round(sick.rate(caller) * sick.budget(caller) / ZONES))
        return Planted("shared pool", callee, caller)
    return None


def shared_table(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """A module reads what belongs to others, and nobody wrote it down; cured, it has what it needs itself."""
    for caller, callee in _pairs(rng, sick):
        if not callee.startswith("store"):
            continue
        sick.links.append(Link(caller, callee, "nothing", only=_only(rng, sick, caller)))
        return Planted("shared table", callee, caller)
    return None


def retry_storm(rng: random.Random, sick: Graph, cured: Graph) -> Planted | None:
    """A failing dependency makes its caller fail, whose callers try again: each time on a table that others need."""
    tables = [name for name, kind in sick.kinds.items() if kind == "table"]
    functions = [name for name, kind in sick.kinds.items() if kind == "function" and name.startswith("store")]
    middles = [name for name in sick.kinds if name.startswith("service")]
    for middle in rng.sample(middles, len(middles)):
        for graph in (sick, cured):
            graph.links = [one for one in graph.links if one.caller != middle or one.says == "tolerates"]
        callers = [one for one in sick.into(middle) if one.says == "needs" and one.caller in sick.fronts]
        if not (callers and tables and functions):
            continue
        table, broken, caller = rng.choice(tables), rng.choice(functions), rng.choice(callers)
        others = [one for one in sick.fronts if one not in sick.needed_by(middle)]
        if not others:
            continue
        for graph in (sick, cured):
            graph.links = [one for one in graph.links if (one.caller, one.callee) != (middle, table)]
            graph.links = [one for one in graph.links if (one.caller, one.callee) != (middle, broken)]
            # The middle before what else its caller calls, the table before what breaks: both are asked at every try.
            graph.links.sort(key=lambda one: (one.caller, one.callee) != (caller.caller, middle))
            graph.links += [Link(middle, table, "needs"), Link(middle, broken, "needs")]
            if not any(one.caller == others[0] and one.callee == table for one in graph.links):
                graph.links.append(Link(others[0], table, "needs"))
            graph.scarce |= {table}
        if SPARED * 8 * sick.rate(middle) < sick.rate(table):
            return None
        sick.swap(caller, replace(caller, waits=8.0, retries=8, backoff=0.02))
        return Planted("retry storm", broken, table)
    return None


RETRYING = ("missing timeout", "shared pool")
"""What tries again and again as well: above a scarce table each would be a second storm, whatever fails below it."""

SPARED = 0.5
"""A table of DynamoDB saves up five minutes of what it does not use: a lesser storm would be over before it is felt."""

PLANTS: dict[str, Plant] = {
    "missing timeout": missing_timeout,
    "shared pool": shared_pool,
    "shared table": shared_table,
    "retry storm": retry_storm,
}
