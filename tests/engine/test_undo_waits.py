"""Undo keeps what it held: a change that protects others stays until they are whole; a dropped write ends stuck."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from gameday.change import PlannedFault, Probe, Read
from gameday.engine.settings import capture
from gameday.engine.undo import DROPS, HOLD, PATIENCE

from tests.doubles.runs import Scene
from tests.doubles.shelf import ITEMS, POWER, REGION, Shelf, call, error, planned_fault

REASON = "Client.InternalError: Client error on launch"
DROPPING = POWER.model_copy(
    update={
        "read": Read(call=call("get_things", Ids={"$": "ids"}), rows="Things[].{id: Id, value: Power, reason: Reason}"),
        "failed": "value == 'off' && reason",
    }
)
WHOLE = Probe(call=call("get_things", Ids=["a"]), holds="answer.Things[0].Broken == `false`", about="a is whole")


class Dropping(Shelf):
    """The service, which accepts `turn_on` and then drops it; it may say so."""

    reason: str | None = REASON

    def get_things(self, Ids: list[str]) -> Any:  # noqa: N803 - as its parameter is written
        answer = super().get_things(Ids)
        return {"Things": [{"Reason": None, **thing} for thing in answer["Things"]]}

    def turn_on(self, Id: str) -> Any:  # noqa: N803 - as its parameter is written
        self.things[Id]["Reason"] = self.reason
        return {}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.shelf = Dropping()
    return scene


def protected(shelf: Shelf) -> PlannedFault:
    """An item of b that protects a, and then a is turned off."""
    (item,) = capture(ITEMS, {"b": {"adds": ["held"], "removes": []}}, REGION, shelf)
    held = item.model_copy(update={"undo_when": (WHOLE,)})
    return planned_fault([held], [*capture(DROPPING, {"a": "off"}, REGION, shelf)])


def whole_after(scene: Scene, seconds: float) -> None:
    """Let a be broken until so many seconds of the undo are over."""
    began = scene.clock.now()
    scene.shelf.things["a"]["Broken"] = True

    def look() -> None:
        if scene.clock.now() >= began + seconds:
            scene.shelf.things["a"]["Broken"] = False

    scene.shelf.before_read = look


def test_dropped_write_is_stuck_with_its_reason(scene: Scene) -> None:
    scene.apply(protected(scene.shelf))
    began = scene.clock.now()
    item, power = scene.undo()
    assert (power.state, item.state) == ("stuck", "stuck")
    assert REASON in power.about
    assert power.about in item.about or "stuck" in item.about
    assert scene.shelf.log.count("turn_on a") <= DROPS + 1
    assert scene.clock.now() - began < HOLD
    assert "held" in scene.shelf.things["b"]["Items"]
    assert set(scene.states().values()) == {"stuck"}


def test_dropped_write_is_tried_again_by_another_undo(scene: Scene) -> None:
    scene.apply(protected(scene.shelf))
    scene.undo()
    mended(scene)
    scene.another_process()
    assert [closed.state for closed in scene.undo()] == ["restored", "restored"]
    assert scene.shelf.things["b"]["Items"] == ["x"]


def test_dropped_writes_are_a_settle_time_apart(scene: Scene) -> None:
    scene.apply(protected(scene.shelf))
    scene.undo()
    times = [called.at for called in scene.called("undo") if called.operation == "turn_on"]
    later = times[1:]  # the first write of an undo answers no dropped one
    assert all(after - before >= DROPPING.settle for before, after in pairwise(later))


def test_write_without_a_reason_is_repeated_as_before(scene: Scene) -> None:
    assert isinstance(scene.shelf, Dropping)
    scene.shelf.reason = None
    scene.apply(protected(scene.shelf))
    began = scene.clock.now()
    scene.undo()
    assert scene.clock.now() - began >= PATIENCE
    assert scene.shelf.log.count("turn_on a") > DROPS + 1


def mended(scene: Scene) -> None:
    scene.shelf.turn_on = Shelf.turn_on.__get__(scene.shelf)  # type: ignore[method-assign]


@pytest.mark.parametrize("seconds", [0.0, 60.0, HOLD + 100.0])
def test_protecting_change_stays_until_what_it_protects_is_whole(scene: Scene, seconds: float) -> None:
    mended(scene)
    scene.apply(protected(scene.shelf))
    began = scene.clock.now()
    whole_after(scene, seconds)
    assert [closed.state for closed in scene.undo()] == ["restored", "restored"]
    (removed,) = (called for called in scene.called("undo") if called.operation == "remove_items")
    assert removed.at - began >= seconds


def test_protecting_change_of_what_never_is_whole_is_stuck(scene: Scene) -> None:
    mended(scene)
    scene.apply(protected(scene.shelf))
    whole_after(scene, 10 * PATIENCE)
    item, power = scene.undo()
    assert (item.state, power.state) == ("stuck", "restored")
    assert "a is whole" in item.about
    assert "held" in scene.shelf.things["b"]["Items"]


def test_protecting_change_stays_while_its_probe_is_unreadable(scene: Scene) -> None:
    mended(scene)
    fault = protected(scene.shelf)
    (held,) = fault.stages[0]
    unreadable = WHOLE.model_copy(update={"call": call("find_things", Run="no such run")})
    stages = ((held.model_copy(update={"undo_when": (unreadable,)}),), fault.stages[1])
    scene.apply(fault.model_copy(update={"stages": stages}))
    scene.shelf.errors["find_things"] = [error("AccessDenied")] * 10_000
    item, _ = scene.undo()
    assert item.state == "stuck"
    assert "AccessDenied" in item.about
    assert "held" in scene.shelf.things["b"]["Items"]
