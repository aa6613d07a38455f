"""A case of `gameday conform`: resources that it makes, one setting of them, and the value that it sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pydantic import Field

from gameday.change import CreatedResource, Frozen, Json, PlannedFault, Setting

SANDBOX = "gameday-conform"
"""The name under which the journal keeps these runs, as it keeps others under their workload."""

Stages: TypeAlias = tuple[tuple[CreatedResource, ...], ...]


@dataclass(frozen=True)
class Target:
    """The resource whose setting a case sets, and the value; of a set, {"adds": […], "removes": […]}."""

    id: str
    wanted: Json
    args: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One setting that is proven on resources of its own.

    `target` gets the ids of what the case made, by name. A case without a setting only makes and removes.
    `question` is what AWS's documents leave open and the case answers.
    """

    name: str
    makes: Stages
    setting: Setting | None = None
    target: Callable[[Mapping[str, str]], Target] = lambda made: Target(next(iter(made.values())), None)
    question: str = ""


class _Sandbox(Frozen):
    name: str = SANDBOX


class ConformPlan(Frozen):
    """What the journal keeps of a case: where it is, and what it makes. `gameday restore` needs no more."""

    account: str
    region: str
    place: str = "aws"
    workload: _Sandbox = Field(default_factory=_Sandbox)
    planned_faults: tuple[PlannedFault, ...] = ()
