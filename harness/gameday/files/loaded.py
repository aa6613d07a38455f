"""The values of files, each with the files that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gameday.files.experiment import Experiment
    from gameday.files.gameday import Gameday
    from gameday.files.twin_file import TwinFile
    from gameday.files.workload import Workload
    from gameday.files.yaml.document import Document
    from gameday.sdk.rule import Rule


@dataclass(frozen=True)
class LoadedTwin:
    """A twin file."""

    path: Path
    twin: TwinFile
    document: Document = field(repr=False, compare=False)


@dataclass(frozen=True)
class LoadedWorkload:
    """A workload, and its twin, if it names one."""

    path: Path
    workload: Workload
    twin: TwinFile | None
    twin_path: Path | None


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment, its workload, and the workload's twin."""

    path: Path
    experiment: Experiment
    workload: Workload
    twin: TwinFile | None
    workload_path: Path
    twin_path: Path | None


@dataclass(frozen=True)
class LoadedGameday:
    """A game day and its experiments, in order; all of one workload."""

    path: Path
    gameday: Gameday
    experiments: tuple[LoadedExperiment, ...]


@dataclass(frozen=True)
class LoadedRules:
    """A rules file: its rules in order, and the seed of their shares."""

    path: Path
    rules: tuple[Rule, ...]
    seed: int


Loaded = LoadedTwin | LoadedWorkload | LoadedExperiment | LoadedGameday | LoadedRules
