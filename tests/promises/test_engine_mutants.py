"""The matrix is no rubber stamp: with any one part of the engine wrong it finds something left behind."""

from __future__ import annotations

import pytest

from tests.crash_matrix.mutants import MUTANTS
from tests.crash_matrix.scenario import Bench, bench
from tests.crash_matrix.scenarios import play_all
from tests.promises.test_crash_matrix import SAMPLE


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_engine_leaves_something_behind(name: str) -> None:
    mutant = MUTANTS[name]
    # The engine as it is leaves nothing behind there: that is what the sample of the matrix shows.
    assert (mutant.shape, mutant.kind) in SAMPLE
    with mutant.at_work(), bench(mutant.shape) as on:
        assert _finds(on, mutant.kind)


def _finds(on: Bench, kind: str) -> bool:
    """Whether a scenario leaves something behind, or an exception leaves the run."""
    try:
        return any(played.dirt for played in play_all(on, kind))
    except Exception:  # noqa: BLE001 - the mutant lets any out
        return True
