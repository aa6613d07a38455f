from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.aws.account import LONGEST_CALL
from gameday.change import Call
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.settings import capture
from gameday.errors import Refused
from gameday.restore.dead_runs import Restored, dead_runs, restore
from gameday.testing import DyingAccount, Killed

from tests.doubles.runs import ACCOUNT, RUN, Planned, Scene
from tests.doubles.shelf import LEVEL, MAKE, POWER, REGION, Shelf, error, planned_fault


class Owned(Shelf):
    """A shelf in an account that can be asked for."""

    account = ACCOUNT

    def call(self, call: Call, region: str) -> Any:
        if call.service == "sts":
            return {"Account": self.account, "Arn": f"arn:aws:iam::{self.account}:user/ada"}
        return super().call(call, region)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A run that died in the middle of its second stage."""
    scene = Scene(tmp_path, Owned())
    scene.journal.take(RUN, "shop", ACCOUNT, "aws")
    levels, power = capture(LEVEL, {"a": 5}, REGION, scene.shelf), capture(POWER, {"a": "off"}, REGION, scene.shelf)
    with pytest.raises(Killed):
        scene.apply(planned_fault([MAKE, *levels], power), DyingAccount(scene.shelf, at=7, when="after"))
    assert scene.shelf.log[-1] == "turn_off a"
    assert scene.journal.entries(RUN)[2].answered is None
    scene.another_process()
    return scene


def played(scene: Scene, patience: float = 900.0) -> list[Restored]:
    return [
        restore(run, scene.journal, scene.clock, scene.emitted.append, lambda: scene.shelf, patience=patience)
        for run in dead_runs(scene.journal)
    ]


def test_a_killed_run_is_restored(scene: Scene) -> None:
    (done,) = played(scene)
    thing = scene.shelf.things["a"]
    assert (thing["Level"], thing["Power"], list(scene.shelf.things)) == (1, "on", ["a", "b"])
    assert (done.run.id, done.closed, done.about) == (RUN, True, "is undone")
    assert [one.state for one in done.settled] == ["restored"] * 3


def test_what_may_still_be_on_its_way_is_waited_for(scene: Scene) -> None:
    began = scene.clock.now()
    played(scene)
    assert scene.clock.now() - began >= LONGEST_CALL


def test_a_restored_run_is_over_and_its_workload_free(scene: Scene) -> None:
    played(scene)
    assert dead_runs(scene.journal) == []
    scene.journal.begin("run-2", Planned(), pid=2)
    scene.journal.take("run-2", "shop", ACCOUNT, "aws")


def test_a_run_that_lives_is_left_alone(scene: Scene) -> None:
    living = Journal.open(scene.journal.folder)
    assert living.hold(RUN)
    assert dead_runs(scene.journal) == []
    (run,) = scene.journal.unended()
    done = restore(run, scene.journal, scene.clock, scene.emitted.append, lambda: pytest.fail("no account is needed"))
    assert not done.closed
    assert done.about.startswith("is still running (")
    assert scene.states() == {0: "open", 1: "open", 2: "open"}


def test_a_run_is_not_restored_by_two_at_once(scene: Scene) -> None:
    other = Journal.open(scene.journal.folder)
    seen: list[list[Any]] = []
    scene.shelf.before_read = lambda: seen.append(dead_runs(other))
    assert len(played(scene)) == 1
    assert seen
    assert not any(seen)


def test_another_account_is_refused_and_nothing_is_touched(scene: Scene) -> None:
    scene.shelf.account = "999922223333"
    log = list(scene.shelf.log)
    with pytest.raises(Refused, match=f"is in account {ACCOUNT}, but the credentials belong to account 999922223333"):
        played(scene)
    assert scene.shelf.log == log
    assert [run.id for run in dead_runs(scene.journal)] == [RUN]


def test_what_is_stuck_stays_open_for_another_try(scene: Scene) -> None:
    scene.shelf.errors["turn_on"] = [error("AccessDenied", "turn_on")] * 100
    (done,) = played(scene, patience=60)
    assert (done.closed, done.about) == (False, "is not undone completely")
    assert [run.id for run in dead_runs(scene.journal)] == [RUN]
    scene.shelf.errors.clear()
    (done,) = played(scene)
    assert (done.closed, [one.position for one in done.settled]) == (True, [2])


def test_a_conflict_is_named_and_closes_the_run(scene: Scene) -> None:
    scene.shelf.things["a"]["Level"] = 77
    (done,) = played(scene)
    assert done.closed
    assert [one.state for one in done.settled] == ["restored", "conflict", "restored"]
    assert scene.shelf.things["a"]["Level"] == 77


def test_a_dead_twin_needs_no_undo(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.journal.begin("twin-1", Planned("twin"), pid=2)
    levels = capture(LEVEL, {"a": 5}, REGION, scene.shelf)
    apply((tuple(levels),), 0, "twin-1", scene.shelf, scene.journal, scene.clock, scene.emitted.append)
    scene.another_process()
    log = list(scene.shelf.log)
    both = {done.run.id: done for done in played(scene)}
    assert (both["twin-1"].closed, both["twin-1"].about) == (True, "died with its twin")
    assert [(one.state, one.about) for one in both["twin-1"].settled] == [("untouched", "died with its twin")]
    assert (both[RUN].closed, both[RUN].about) == (True, "has nothing left to undo")
    assert scene.shelf.log == log
    assert dead_runs(scene.journal) == []
