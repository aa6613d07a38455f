"""Experiments in YAML as pytest's items: read and checked at collection, run when their turn comes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gameday.files.loaded import LoadedExperiment
from gameday.files.loader import Loader
from gameday.files.yaml.mistake import InvalidFile

_shelf: pytest.StashKey[Loader] = pytest.StashKey()


class ExperimentFile(pytest.File):
    """A file that `gameday_experiments` names; workloads, twins and game days are passed over."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its experiment; a mistake is told as `gameday validate` tells it."""
        shelf = self.config.stash.setdefault(_shelf, Loader(os.environ))  # what several files name is read once
        try:
            if shelf.kind(self.path) != "experiment":
                return
            loaded = shelf.take(self.path)
        except InvalidFile as wrong:
            start = self.config.invocation_params.dir  # names as short as the user would type them
            mistakes = [replace(one, file=os.path.relpath(one.file, start)) for one in wrong.mistakes]
            raise self.CollectError(str(InvalidFile(mistakes))) from wrong
        assert isinstance(loaded, LoadedExperiment), "its kind said so"  # noqa: S101
        yield ExperimentItem.from_parent(self, name=loaded.experiment.name, loaded=loaded)


class ExperimentItem(pytest.Item):
    """One experiment: to set it up is to run it, to test it is its verdict (broken fails; unknown is an error)."""

    def __init__(self, *, loaded: LoadedExperiment, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.loaded = loaded
        self.broken = ""
        self.add_marker(pytest.mark.gameday)
        self.extra_keyword_matches.update(words_of(loaded))
        if self.config.getoption("--gameday-on") == "aws" and self.config.pluginmanager.hasplugin("xdist"):
            # They take turns on the account; with --dist loadgroup no process waits for that.
            self.add_marker(pytest.mark.xdist_group("gameday"))

    def setup(self) -> None:
        """Run it. Refused: skipped. Unknown, stuck, or a mistake: an error."""
        # What runs an experiment imports boto3, which collection must not.
        from gameday.pytest_plugin.outcome import told

        self.broken = told(self, self.loaded)

    def runtest(self) -> None:
        """Its verdict."""
        if self.broken:
            pytest.fail(self.broken, pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, f"experiment {self.name}"


def words_of(loaded: LoadedExperiment) -> set[str]:
    """What `-k` finds an experiment by, besides its name: its workload, faults, the modules they name, and its KPIs."""
    faults = loaded.experiment.faults
    modules = {str(module) for fault in faults if (module := getattr(fault, "module", None))}
    return {loaded.workload.name, *(fault.name for fault in faults), *modules, *loaded.experiment.steady_state}
