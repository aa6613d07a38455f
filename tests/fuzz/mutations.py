# ruff: noqa: E501 - the tables of edges are wide
"""Change one place of a project: an edge value of some type, a key more or less, another order, another text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random

import yaml

from tests.fuzz.projects import Project, Tree

Way = tuple[str | int, ...]
"""The way to a place in a file: keys and positions."""

EDGES: tuple[Tree, ...] = (
    *("", " ", "x", "0", "-1", "1e9", "a" * 300, "\N{ARABIC-INDIC DIGIT FOUR}s", "\N{FULLWIDTH DIGIT FIVE}%", "é\n*b*"),
    *("0s", "1ms", "0.000001ms", "0.0000000001s", "1s", "59s", "1m", "61m", "24h", "7d", "8d", "1h1m1.5s", "9" * 310 + "d"),
    *("0%", "0.0001%", "33.333333%", "50%", "99.99%", "100%", "101%", "9" * 310 + "%"),
    *("0/s", "1/h", "0.001/h", "7/m", "1000000/s", "1000001/s", "50 / s", "9" * 310 + "/s"),
    *(-1, 0, 1, 2, 3, 10, 50, 1000, 10**6, 10**6 + 1, 10**9, 2**31, 2**63 - 1, 2**63, 10**17, 10**30),
    *(-1e15, -0.5, 0.1, 1e-7, 2.5, 1e15, 1e16, 1e300, "1e400", ".inf", ".nan", True, False, None),
    *([], {}, [1], {"a": 1}, [[]], [None]),
    *("any", "twin", "aws", "on", "no", "~", "null", "${HOME}", "${NOPE}", "${NOPE:-5m}", "*x", "&x y", "!!int 3"),
    *("us-east-1a", "us-east-1z", "us-east-1", "eu-west-1", "eu-west-1a", "us-east-1f", "api/prod", "prod", "a.b", "A/B"),
    *("aws:x", "i-0123456789abcdef0", "arn:aws:iam::111122223333:role/x", "arn:aws:cloudwatch:us-east-1:111122223333:alarm:low"),
    *("T/Bad", "AWS/Lambda/Throttles", "workload.yaml", "twin.yaml", "first.yaml", ".", "..", "/dev/null", "\0", "no.yaml"),
    *("web", "pay", "orders", "lat", "low", "buy", "Sum", "p99", "p99.9", "p100", "p", "zero", "healthy", "undo", "impact"),
)  # fmt: skip
KEYS = (
    "x",
    "x-y",
    "kind",
    "version",
    "module",
    "zone",
    "for",
    "at",
    "per",
    "share",
    "count",
    "only",
    "period",
    "gauge",
)


def places(tree: Tree, way: Way = ()) -> Iterator[Way]:
    """Yield the way to every value in a tree, the tree itself first."""
    yield way
    if isinstance(tree, dict):
        for key, below in tree.items():
            yield from places(below, (*way, key))
    elif isinstance(tree, list):
        for index, below in enumerate(tree):
            yield from places(below, (*way, index))


def at(tree: Tree, way: Way) -> Tree:
    """Return the value at a place."""
    for step in way:
        tree = tree[step]
    return tree


def without(tree: Tree, way: Way) -> Tree:
    """Return a copy without the value at a place."""
    copy = deepcopy(tree)
    del at(copy, way[:-1])[way[-1]]
    return copy


def _somewhere(tree: Tree, random: Random) -> Way:
    """Return the way to a place, the same chance for each branch: a list of a thousand samples is one of them."""
    way: list[str | int] = []
    while isinstance(tree, dict | list) and tree and (not way or random.random() < 0.8):
        step = random.choice([*tree]) if isinstance(tree, dict) else random.randrange(len(tree))
        way.append(step)
        tree = tree[step]
    return tuple(way)


def mutate(tree: Tree, random: Random) -> Tree:
    """Return a copy with one place changed."""
    copy = deepcopy(tree)
    way = _somewhere(copy, random)
    if not way:
        return random.choice(EDGES)
    holder, step = at(copy, way[:-1]), way[-1]
    what = random.random()
    if what < 0.6:
        holder[step] = deepcopy(random.choice(EDGES))
    elif what < 0.72:
        del holder[step]
    elif what < 0.82:
        holder[step] = deepcopy(at(copy, _somewhere(copy, random)))
    elif isinstance(holder, list):
        holder.insert(random.randint(0, len(holder)), deepcopy(random.choice([holder[step], *EDGES])))
    elif what < 0.9:
        holder[random.choice(KEYS)] = deepcopy(random.choice(EDGES))
    else:
        holder[str(random.choice(EDGES))] = holder.pop(step)
    return copy


def mutate_text(text: str, random: Random) -> str:
    """Return the text with a few characters changed, cut, or repeated."""
    for _ in range(random.randint(1, 3)):
        at_ = random.randint(0, len(text))
        new = random.choice(
            ["", "\t", "\n", ":", "- ", "{", "]", '"', "'", "#", "\x00", "\u2028", "\ud800", "é", "&a ", "*a "]
        )
        text = text[:at_] + new + text[at_ + random.choice([0, 1, 5, 50]) :]
    return text


def mutated(project: Project, random: Random, names: list[str]) -> Project:
    """Return the project with one of these files changed: a place of its tree, or its text."""
    name = random.choice(names)
    content = project[name]
    if isinstance(content, str):
        return {**project, name: mutate_text(content, random)}
    if random.random() < 0.05:
        return {**project, name: mutate_text(as_text(name, content), random)}
    return {**project, name: mutate(content, random)}


def as_text(name: str, content: Tree) -> str:
    """Return the text of a file."""
    if isinstance(content, str):
        return content
    if name.endswith(".json"):
        return json.dumps(content)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
