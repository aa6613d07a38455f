"""An exception of any kind in one entry: that entry waits, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, Json, SettingChange
from gameday.engine import undo as engine
from gameday.engine.entries import End
from gameday.engine.journal import Journal
from gameday.engine.settings import capture
from gameday.errors import AwsError
from gameday.events import Remark

from tests.doubles.runs import Scene
from tests.doubles.shelf import LEVEL, REGION, planned_fault


class Strange(Exception):
    """Of no tree that anybody lists."""


class Raising:
    """An account that lets a foreign exception out of calls that mention a thing, until the clock shows `until`."""

    def __init__(self, scene: Scene, thing: str, operation: str, until: float) -> None:
        self.scene, self.thing, self.operation, self.until = scene, thing, operation, until
        self.met = 0

    def _check(self, call: Call) -> None:
        here = self.operation == call.operation and self.thing in str(call.params)
        if here and self.scene.clock.now() < self.until:
            self.met += 1
            raise Strange

    def call(self, call: Call, region: str) -> Json:
        self._check(call)
        return self.scene.shelf.call(call, region)

    def pages(self, call: Call, region: str) -> Json:
        self._check(call)
        return self.scene.shelf.pages(call, region)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        for call, _ in calls:
            self._check(call)
        found: list[Json | AwsError] = self.scene.shelf.call_all(calls, paged)
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.apply(planned_fault(capture(LEVEL, {"a": 5, "b": 6}, REGION, scene.shelf)))
    return scene


def levels(scene: Scene) -> dict[str, Any]:
    return {name: thing["Level"] for name, thing in scene.shelf.things.items()}


def test_write_that_raises_holds_back_only_its_own_entry(scene: Scene) -> None:
    account = Raising(scene, "a", "put_level", until=scene.clock.now() + 60.0)
    scene.undo(account)  # type: ignore[arg-type]
    assert account.met
    assert set(scene.states().values()) == {"restored"}
    first = {event.params["Id"]: event.at for event in reversed(scene.called("undo")) if event.error is None}
    assert first["b"] < first["a"]


def test_write_that_always_raises_is_stuck_alone(scene: Scene) -> None:
    before = levels(scene)
    account = Raising(scene, "a", "put_level", until=float("inf"))
    settled = scene.undo(account)  # type: ignore[arg-type]
    assert sorted(closed.state for closed in settled) == ["restored", "stuck"]
    assert any("Strange" in closed.about for closed in settled)
    assert {name for name, level in levels(scene).items() if level != before[name]} == {"b"}


@pytest.mark.parametrize("broken", ["standing", "undo_calls", "explain"])
def test_change_that_raises_holds_back_only_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    plain: Callable[..., Any] = getattr(SettingChange, broken)

    def raises(self: SettingChange, *args: Any) -> Any:
        if self.id == "a":
            raise Strange
        return plain(self, *args)

    monkeypatch.setattr(SettingChange, broken, raises)
    settled = scene.undo()
    assert sorted(closed.state for closed in settled) == ["restored", "stuck"]


def test_reads_that_raise_together_are_read_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = engine.observe

    def raises(entries: Mapping[int, Any], *args: Any) -> Any:
        if any(entry.change.id == "a" for entry in entries.values()):
            raise Strange
        return plain(entries, *args)

    monkeypatch.setattr(engine, "observe", raises)
    assert sorted(closed.state for closed in scene.undo()) == ["restored", "stuck"]


def test_journal_that_raises_does_not_stop_the_undo(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: Journal, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        raise Strange

    monkeypatch.setattr(Journal, "settle", raises)
    assert {closed.state for closed in scene.undo()} == {"restored"}
    assert len([event for event in scene.emitted if isinstance(event, Remark)]) == 1


def test_mutant_without_the_net_ends_the_undo(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def passes_on(error: Exception) -> Any:
        raise error

    monkeypatch.setattr(engine, "as_error", passes_on)
    monkeypatch.setattr(SettingChange, "standing", lambda *_: passes_on(Strange()))
    with pytest.raises(Strange):
        scene.undo()
