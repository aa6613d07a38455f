"""The objects that fixtures pass to a test: a runner of experiments, and an opener of twins."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gameday.errors import InvalidInput
from gameday.files.load import load_experiment, load_workload
from gameday.files.loaded import LoadedExperiment
from gameday.pytest_plugin import failure_hook
from gameday.pytest_plugin.inline import written
from gameday.pytest_plugin.outcome import no_traceback, run_for
from gameday.pytest_plugin.view import RecordView

if TYPE_CHECKING:
    from gameday.twin.twin import Twin


class Runner:
    """Run experiments for one test."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._item = request.node
        failure_hook.listen(request.config)

    def __call__(
        self, experiment: str | Path | LoadedExperiment | None = None, /, *, seed: int = 0, **keys: Any
    ) -> RecordView:
        """Run an experiment to its end: a file (relative to the test's folder or the rootdir), or its keys as keywords.

        `faults` also takes faults as values. A mistake fails the test; a refusal skips it.
        """
        with no_traceback():
            if (experiment is None) == (not keys):
                raise InvalidInput(
                    "gameday_run takes an experiment file, or the keys of one as keywords",
                    "pass a file or keywords, not both",
                    gd_code="GD-E121",
                )
            must_be_a_seed(seed)
            loaded = experiment if isinstance(experiment, LoadedExperiment) else self._loaded(experiment, keys)
        return RecordView(run_for(self._item, loaded, seed))

    def _loaded(self, file: str | Path | None, keys: dict[str, Any]) -> LoadedExperiment:
        if file is not None:
            return load_experiment(path_of(file, self._item))
        workload = path_of(keys.get("workload", "workload.yaml"), self._item)
        if not workload.is_file():
            load_workload(workload)  # raises the error that names the missing file
        return written({**keys, "workload": str(workload)}, self._item)


class Twins:
    """Open twins for one test; `until_then` closes them after the test."""

    def __init__(self, request: pytest.FixtureRequest, until_then: ExitStack) -> None:
        self._item = request.node
        self._until_then = until_then

    def __call__(self, workload: str | Path, *, seed: int = 0) -> Twin:
        """Open the warmed-up twin of a workload file (relative to the test's folder or the rootdir); one at a time."""
        with no_traceback():
            from gameday.twin.twin import Twin

            must_be_a_seed(seed)
            loaded = load_workload(path_of(workload, self._item))
            if loaded.twin is None:
                raise InvalidInput(
                    f"{loaded.path} names no twin", "add `twin: twin.yaml` to the workload", gd_code="GD-E113"
                )
            return self._until_then.enter_context(Twin(loaded.workload, loaded.twin, seed))


def path_of(file: str | Path, item: pytest.Item) -> Path:
    """Find a file of a test: in the test's folder, else in the rootdir. Raises InvalidInput for another type."""
    if not isinstance(file, str | Path):
        raise InvalidInput(
            f"{file!r} is not a path", 'write the path of the file, like "chaos/workload.yaml"', gd_code="GD-E121"
        )
    beside = item.path.parent / file
    return beside if beside.exists() else item.config.rootpath / file


def must_be_a_seed(seed: object) -> None:
    """Check that a seed is a whole number from 0. Raises InvalidInput."""
    if not isinstance(seed, int) or seed < 0:
        raise InvalidInput(f"seed: {seed!r} is not a whole number from 0", "write seed=7", gd_code="GD-E121")
