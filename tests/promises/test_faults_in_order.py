"""Promise 1 for faults in order: a run that dies at any step, also between two faults, leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from gameday.engine.entries import Entry
from gameday.engine.journal import Journal
from gameday.engine.undo import Undo
from gameday.testing import DyingJournal, Life

from tests.crash_matrix.in_order import BenchInOrder, bench_in_order
from tests.crash_matrix.scenario import Key
from tests.crash_matrix.scenarios import play_all

ZONE, FUNCTION = "blackhole of 2 subnets, launches blocked", "throttle a function that reserves nothing"
SAMPLE = [
    ((ZONE, FUNCTION, 0), "plain"),
    ((ZONE, FUNCTION, 1), "plain"),
    ((FUNCTION, "throttle a table", 1), "rough"),
    ((FUNCTION, "throttle a table", 0), "later"),
    ((ZONE, FUNCTION, 1), "stranger"),
]


@pytest.mark.parametrize(("faults", "kind"), SAMPLE)
def test_restore_after_any_death_between_two_faults(faults: tuple[str, str, int], kind: str) -> None:
    with bench_in_order(*faults) as on:
        played = list(play_all(on, kind, thin=True))
    assert played
    assert [(str(scenario.key), scenario.dirt) for scenario in played if scenario.dirt] == []


def _open_after_own_end(on: BenchInOrder) -> tuple[dict[int, bool], dict[str, Any]]:
    """Inject both faults and end the second: which entries are open, and what the world shows."""
    journal = DyingJournal.of(on.folder, Life())
    original = Undo.work
    states: dict[int, bool] = {}
    world: dict[str, Any] = {}

    def ended(undo: Undo) -> list[Any]:
        settled = original(undo)
        if not states:
            states.update({entry.position: entry.is_open for entry in journal.entries("alone")})
            world.update(on.stand())
        return settled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Undo, "work", ended)
        on._runs("alone", on.shop.account, journal)
    journal.close()
    return states, world


def test_own_end_of_a_fault_leaves_the_other_in_force() -> None:
    with bench_in_order(FUNCTION, "throttle a table", 1) as on:
        before = on.stand()
        is_open, world = _open_after_own_end(on)
        assert on.stand() == before
    assert is_open == {0: True, 1: False}
    assert world != before
    changed = {name for name, value in world.items() if value != before[name]}
    assert changed == {"concurrency of payments"}


def test_second_fault_writes_its_own_intents_before_its_calls() -> None:
    with bench_in_order(FUNCTION, "throttle a table", 1) as on:
        steps = on.steps("plain")
    writes = [step for step in steps if step == "journal.intend" or step.split(".")[1].startswith(("put", "update"))]
    assert writes[:4] == [
        "journal.intend",
        "lambda.put_function_concurrency",
        "journal.intend",
        "dynamodb.update_table",
    ]


def test_a_second_fault_without_intents_leaves_its_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that keeps intents of the first fault only: the crash matrix sees it."""
    intend = Journal.intend

    def only_first(journal: Journal, run: str, entries: Sequence[Entry]) -> None:
        intend(journal, run, [entry for entry in entries if entry.planned_fault == 0])

    with bench_in_order(FUNCTION, "throttle a table", 1) as on:
        monkeypatch.setattr(Journal, "intend", only_first)
        assert on.play(Key(on.name, "plain")).dirt
