"""Runs on accounts that are hostile all the time: a sample of `make crash-matrix`, and mutants that it must find."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import pytest
from gameday.change import CreatedResource
from gameday.engine import undo as engine
from gameday.engine.undo import Undo
from gameday.faults import healing
from gameday.restore import dead_runs

from tests.crash_matrix.scenario import Key, bench
from tests.crash_matrix.scenarios import HOSTILE, KINDS, play_all
from tests.doubles.hostile import Hostility

SAMPLE = [
    ("blackhole of 1 subnet", "unseen"),
    ("isolate a module", "unseen"),
    ("stop 1, replacing held", Hostility.DROPPED),
    ("stop 1 that no group holds", Hostility.DROPPED),
    ("terminate 1", Hostility.LATE_GROUPS),
    ("throttle a table", Hostility.THROTTLED),
    ("stop 1, replacing held", Hostility.THROTTLED),
]


@pytest.mark.parametrize(("shape", "kind"), SAMPLE)
def test_hostile_account_leaves_nothing_behind(shape: str, kind: str) -> None:
    with bench(shape) as on:
        played = list(play_all(on, kind, thin=True))
    assert len(played) > 5
    assert [(str(each.key), each.dirt) for each in played if each.dirt] == []


def test_every_hostility_is_in_the_matrix_and_the_sample() -> None:
    assert {"unseen", *Hostility} == set(HOSTILE) == {kind for _, kind in SAMPLE}
    assert set(HOSTILE) < set(KINDS)


NOBODY: list[int] = []
HELD_BY_NOTHING: dict[int, str] = {}
MUTANTS: dict[str, tuple[str, str, tuple[tuple[Any, str, Any], ...]]] = {
    "start again for ever": ("stop 1 that no group holds", Hostility.DROPPED, ((Undo, "_given_up", lambda *_: {}),)),
    "let the group go, though its instance is stuck": (
        "stop 1, replacing held",
        Hostility.DROPPED,
        ((engine, "reasons_to_stay", lambda *_: HELD_BY_NOTHING), (engine, "protectors", lambda *_: NOBODY)),
    ),
    "fail at a new id that is unknown": (
        "isolate a module",
        "unseen",
        ((CreatedResource, "apply_retry_codes", property(lambda _: ())),),
    ),
    "count the victim as capacity": ("terminate 1", Hostility.LATE_GROUPS, ((healing, "_listed", lambda _: "[]"),)),
    "give the restore up at a throttled read": (
        "throttle a table",
        Hostility.THROTTLED,
        ((dead_runs, "NOT_NOW", 0.0),),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_found_on_a_hostile_account(name: str) -> None:
    shape, kind, patches = MUTANTS[name]
    with ExitStack() as stack:
        for where, what, instead in patches:
            stack.enter_context(patch.object(where, what, instead))
        on = stack.enter_context(bench(shape))
        assert any(played.dirt for played in play_all(on, kind, thin=True))


def test_dropped_start_ends_stuck_and_is_restored_later() -> None:
    """A start that AWS accepts and then drops: few calls, AWS's reason, the group held; then restore mends it."""
    with bench("stop 2 of 2 groups, replacing held") as on:
        assert on.drop(Key(on.name, Hostility.DROPPED)).dirt == ()
