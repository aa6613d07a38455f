"""A dead run whose journal is damaged is restored, or named with exit code 5: a sample of `make crash-matrix`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from gameday.engine import rows, run_file, sqlite
from gameday.engine.journal import Journal
from gameday.engine.process_lock import Holds
from gameday.restore import dead_runs

from tests.crash_matrix.damage import STAGES, play

THIN = 11


@pytest.mark.parametrize("stage", STAGES)
def test_restore_after_damage_never_loses_a_run(stage: str, tmp_path: Path) -> None:
    played = list(play(tmp_path, stage, thin=THIN))
    assert [(key, outcome.dirt) for key, outcome in played if outcome.dirt] == []
    assert {outcome.code for _, outcome in played} == {0, 5}


def test_lost_run_shows_its_planned_changes(tmp_path: Path) -> None:
    lost = {key: outcome.text for key, outcome in play(tmp_path, "all sent", thin=1000) if outcome.code == 5}
    text = lost["damaged | all sent | missing: journal.db"]
    assert "workload shop in account 111122223333" in text
    assert "thing.level of a: 1 → 5" in text


MUTANTS: dict[str, tuple[str, tuple[object, str, Callable[..., Any]]]] = {
    "rows carry no checksum": ("all sent", (rows, "sealed", lambda _: "")),
    "lines of the run file carry no checksum": ("all sent", (run_file, "_checksum", lambda *_: "")),
    "intents are not in the run file": ("all sent", (Holds, "add", lambda *_: True)),
    "nobody tells a run whose record is lost": ("all sent", (Journal, "losses", lambda _: [])),
    "nothing compares the account with the plan": ("all sent", (dead_runs, "must_show_no_other", lambda *_: None)),
    "a missing database is created anew": ("all sent", (sqlite, "_must_not_be_lost", lambda _: None)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_of_a_net_loses_a_run(name: str, tmp_path: Path) -> None:
    stage, (what, attribute, instead) = MUTANTS[name]
    with patch.object(what, attribute, instead):
        assert _finds_dirt(tmp_path, stage)


def _finds_dirt(folder: Path, stage: str) -> bool:
    try:
        return any(outcome.dirt for _, outcome in play(folder, stage, thin=5))
    except (AttributeError, KeyError, TypeError, ValueError):  # damaged values reached the account
        return True
