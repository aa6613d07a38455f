"""Reads of a run that fail keep their error: of an effect, and of whether a fault is still applied."""

from __future__ import annotations

from pathlib import Path

import pytest
from gameday.aws.account import Account
from gameday.aws.read_only import only_reads
from gameday.change import Call, Json
from gameday.engine.settings import capture
from gameday.errors import AwsError
from gameday.events import Aborted, NoEffect, Remark, TookEffect, to_json
from gameday.run.still_applied import StillApplied, still_applied
from gameday.testing.wrapper import Wrapped

from tests.doubles.play import played
from tests.doubles.runs import RUN, Scene
from tests.doubles.shelf import LEVEL, REGION, planned_fault


class Denied(Wrapped):
    """An account that denies a read: at once, or once something was changed."""

    def __init__(self, account: Account, read: str, *, at_once: bool) -> None:
        super().__init__(account)
        self.read, self.is_denied = read, at_once

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        self.is_denied = self.is_denied or not only_reads(call.service, call.operation)
        if self.is_denied and call.operation == self.read:
            raise AwsError(call.service, call.operation, "AccessDenied", "not yours")
        return super().answer(call, region, paged)


ISOLATE = [{"isolate-module": {"module": "catalog"}}]


def test_an_effect_that_is_denied_names_the_error(tmp_path: Path) -> None:
    with played(tmp_path, faults=ISOLATE) as play:
        events = play.events(Denied(play.account, "describe_target_health", at_once=False))
    (missed,) = [event for event in events if isinstance(event, NoEffect)]
    assert missed.error == "AccessDenied"
    assert "elbv2.describe_target_health failed: AccessDenied: not yours" in missed.about
    assert to_json(missed)["error"] == "AccessDenied"
    assert not [event for event in events if isinstance(event, TookEffect)]


def test_an_effect_that_is_read_names_no_error() -> None:
    assert "error" not in to_json(NoEffect(0.0, 0, "a: no sign that b"))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.apply(planned_fault(capture(LEVEL, {"a": 5, "b": 6}, REGION, scene.shelf)))
    return scene


def test_still_applied_of_what_stands_says_nothing(scene: Scene) -> None:
    assert still_applied(RUN, scene.journal, scene.shelf) == StillApplied()


def test_still_applied_of_what_was_undone_names_it(scene: Scene) -> None:
    scene.shelf.things["b"]["Level"] = 1
    found = still_applied(RUN, scene.journal, scene.shelf)
    assert found.unread is None
    assert found.undone
    assert "b" in found.undone


@pytest.mark.parametrize("replaced_by", ["", "group web"])
def test_still_applied_destroyed_resource_ends_the_fault(replaced_by: str, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    changes = capture(LEVEL, {"a": 5, "b": 6}, REGION, scene.shelf)
    scene.apply(planned_fault([change.model_copy(update={"replaced_by": replaced_by}) for change in changes]))
    del scene.shelf.things["b"]
    found = still_applied(RUN, scene.journal, scene.shelf)
    assert (found.undone is None) == bool(replaced_by)
    assert found.undone is None or "b no longer exists" in found.undone


def test_still_applied_of_what_is_denied_says_why(scene: Scene) -> None:
    found = still_applied(RUN, scene.journal, Denied(scene.shelf, "get_things", at_once=True))
    assert found.undone is None
    assert found.unread
    assert "AccessDenied: not yours" in found.unread


def test_a_run_that_cannot_read_before_its_undo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.run.loop.still_applied", lambda *_: StillApplied(unread="x: AccessDenied"))
    with played(tmp_path) as play:
        events = play.events()
    assert [event.text for event in events if isinstance(event, Remark) and "AccessDenied" in event.text]
    assert not [event for event in events if isinstance(event, Aborted)]
