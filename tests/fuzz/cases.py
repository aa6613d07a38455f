"""A case: a project and a few changes of it, from a seed; and the smallest case that fails alike."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from tests.fuzz.commands import Outcome, Theme, play, saved_files, small_limits
from tests.fuzz.mutations import as_text, mutated, places, without
from tests.fuzz.projects import Project, project

SHARED = 300
"""Cases that share a project that has run."""
THEMES = (Theme.RUN, *(Theme.LOOK, Theme.SAVED, Theme.LOOK) * 3)
"""The themes of cases in a row."""
TRIES = 150
"""Cases that shrinking plays."""


@dataclass(frozen=True)
class Case:
    """Files, what is run on them, and the seed of the arguments."""

    files: Project
    seed: str
    theme: Theme

    @classmethod
    def of(cls, seed: int, number: int, folder: Path) -> Case:
        """Make a case: files of a project, most of them changed in one to three places."""
        random = Random(f"{seed}/{number}")
        theme = THEMES[number % len(THEMES)]
        files = _saved(seed, number // SHARED, folder) if theme is Theme.SAVED else project(random)
        chosen = [name for name in files if name.endswith(".json") is (theme is Theme.SAVED)]
        for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
            files = mutated(files, random, chosen)
        return cls(files, f"{seed}/{number}/arguments", theme)


@cache
def _saved(seed: int, group: int, folder: Path) -> Project:
    here = Path.cwd()
    try:
        with small_limits():
            return saved_files(Random(f"{seed}/{group}/saved"), folder)
    finally:
        os.chdir(here)


@dataclass(frozen=True)
class Failure:
    """The command that did not do as promised, and its files."""

    outcome: Outcome
    files: dict[str, str]


def outcomes_of(case: Case, folder: Path) -> Iterator[Outcome]:
    """Run every command on a case."""
    here = Path.cwd()
    try:
        with small_limits():
            yield from play(case.files, Random(case.seed), folder, case.theme)
    finally:
        os.chdir(here)


def failure_of(case: Case, folder: Path) -> Failure | None:
    """Return the first failure of a case."""
    failed = next((outcome for outcome in outcomes_of(case, folder) if outcome.failure), None)
    return Failure(failed, {name: as_text(name, content) for name, content in case.files.items()}) if failed else None


def shrunk(case: Case, failure: Failure, folder: Path) -> Failure:
    """Take out one part after the other, for as long as the case fails alike."""
    tries = 0
    for name in [*case.files]:
        if isinstance(case.files[name], str):
            continue
        ways = [way for way in places(case.files[name]) if way]
        while ways and tries < TRIES:
            way, ways = ways[0], ways[1:]
            tries += 1
            smaller = replace(case, files={**case.files, name: without(case.files[name], way)})
            found = failure_of(smaller, folder)
            if found and _kind(found) == _kind(failure):
                case, failure = smaller, found
                ways = (
                    [way for way in places(case.files[name]) if way]
                    if isinstance(way[-1], int)
                    else [other for other in ways if other[: len(way)] != way]
                )
    return failure


def _kind(failure: Failure) -> tuple[str, str]:
    """What is the same for failures with one cause: the verb, and the message without names and numbers."""
    return failure.outcome.verb, re.sub(r"[\d.]+|'[^']*'|`[^`]*`", "", failure.outcome.failure)
