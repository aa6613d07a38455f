"""Experiments in YAML as items of pytest: collection reads and checks them, setup runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gameday.files.loaded import LoadedExperiment
from gameday.files.loader import Loader
from gameday.files.yaml.mistake import InvalidFile

_loader: pytest.StashKey[Loader] = pytest.StashKey()


class ExperimentFile(pytest.File):
    """A file that `gameday_experiments` names. Workloads, twins and game days yield no item."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the experiment of the file; show a mistake as `gameday validate` does."""
        loader = self.config.stash.setdefault(_loader, Loader(os.environ))  # reads a shared file once
        try:
            if loader.kind(self.path) != "experiment":
                return
            loaded = loader.take(self.path)
        except InvalidFile as wrong:
            start = self.config.invocation_params.dir  # names as short as the user would type them
            mistakes = [replace(mistake, file=os.path.relpath(mistake.file, start)) for mistake in wrong.mistakes]
            raise self.CollectError(str(InvalidFile(mistakes))) from wrong
        assert isinstance(loaded, LoadedExperiment), "the file's kind is experiment"  # noqa: S101
        yield ExperimentItem.from_parent(self, name=loaded.experiment.name, loaded=loaded)


class ExperimentItem(pytest.Item):
    """One experiment: its setup runs it, and its test checks the verdict (broken fails; unknown is an error)."""

    def __init__(self, *, loaded: LoadedExperiment, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.loaded = loaded
        self.broken = ""
        self.add_marker(pytest.mark.gameday)
        self.extra_keyword_matches.update(words_of(loaded))
        if self.config.getoption("--gameday-on") == "aws" and self.config.pluginmanager.hasplugin("xdist"):
            # Experiments take turns on the account; with --dist loadgroup no process waits for its turn.
            self.add_marker(pytest.mark.xdist_group("gameday"))

    def setup(self) -> None:
        """Run the experiment. A refusal skips the item; unknown, stuck, or a mistake is an error."""
        # Running an experiment imports boto3, which collection must not do.
        from gameday.pytest_plugin.outcome import failure_of

        self.broken = failure_of(self, self.loaded)

    def runtest(self) -> None:
        """Fail if the verdict is *broken*."""
        if self.broken:
            pytest.fail(self.broken, pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the file and the name of the experiment."""
        return self.path, 0, f"experiment {self.name}"


def words_of(loaded: LoadedExperiment) -> set[str]:
    """Return the words that `-k` matches besides the name: workload, faults, their modules, and KPIs."""
    faults = [scheduled.fault for scheduled in loaded.experiment.faults]
    modules = {module for fault in faults if (module := fault.target_module)}
    return {loaded.workload.name, *(fault.name for fault in faults), *modules, *loaded.experiment.steady_state}
