"""The rough account is rough in the chosen ways, and an undo without one of its precautions fails on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call, NormalForm, Observation, PlannedFault, Setting
from gameday.change.normal_form import same
from gameday.engine import undo as undo_module
from gameday.engine.settings import capture, read
from gameday.engine.undo import Next, decide
from gameday.errors import AwsError, Unreachable
from gameday.testing import Broken, RoughAccount, Way, applicable, law, touched
from gameday.testing.alternative_answers import reserialised

from tests.doubles.runs import RUN, Scene
from tests.doubles.shelf import IRREVERSIBLE, ITEMS, LEVEL, MAKE, POWER, REGION, Shelf, planned_fault, setting_change

EVERY = frozenset(Way) - {Way.LATE, Way.UNSEEN}
"""What the shelf can meet: it creates nothing that a second call finishes, so no new id is unseen there."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def whole(shelf: Shelf) -> PlannedFault:
    items = capture(ITEMS, {"b": {"adds": ["new"], "removes": []}}, REGION, shelf)
    level, power = capture(LEVEL, {"a": 5}, REGION, shelf), capture(POWER, {"a": "off"}, REGION, shelf)
    return planned_fault([MAKE, *items], level, power)


def rough(scene: Scene, changes: PlannedFault, *ways: Way, **more: Any) -> RoughAccount:
    return RoughAccount(scene.shelf, scene.clock, changes.changes, RUN, ways, **more)


def value(account: RoughAccount, setting: Setting = LEVEL, id: str = "a") -> Any:  # noqa: A002
    observed = read(setting, [id], REGION, {}, account)[id]
    assert isinstance(observed, Observation)
    return observed.value if observed.ready else "in passing"


def write(account: RoughAccount, level: int, token: int = 0) -> Any:
    call = Call(service="shelf", operation="put_level", params={"Id": "a", "Level": level, "Token": token})
    return account.call(call, REGION)


# each way -------------------------------------------------------------------------------------------------------------


def test_stale_reads_last_nearly_the_settle_time(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(LEVEL)]), Way.STALE)
    account.undo_begins()
    write(account, 5)
    assert value(account) == 1
    scene.clock.sleep(LEVEL.settle * 0.89)
    assert value(account) == 1
    scene.clock.sleep(LEVEL.settle * 0.02)
    assert value(account) == 5
    assert account.met == {Way.STALE: 2}


def test_equal_write_does_not_prolong_staleness(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(POWER)]), Way.STALE)
    off = Call(service="shelf", operation="turn_off", params={"Id": "a"})
    account.call(off, REGION)
    scene.clock.sleep(POWER.settle * 0.8)
    account.call(off, REGION)
    scene.clock.sleep(POWER.settle * 0.2)
    assert value(account, POWER) == "off"


def test_created_resource_is_not_found_at_once(scene: Scene) -> None:
    account = rough(scene, planned_fault([MAKE]), Way.STALE)
    account.call(Call(service="shelf", operation="make_thing", params={"Run": RUN}), REGION)
    find = Call(service="shelf", operation="find_things", params={"Run": RUN})
    assert account.pages(find, REGION) == {"Found": []}
    scene.clock.sleep(MAKE.settle)
    assert account.pages(find, REGION) == {"Found": [{"Id": "made-2"}]}


def test_changing_resource_rejects_writes(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(LEVEL), setting_change(POWER)]), Way.CHANGING)
    account.undo_begins()
    assert (value(account), value(account, POWER)) == ("in passing", "in passing")
    with pytest.raises(AwsError, match="NotNow"):
        write(account, 5)
    scene.clock.sleep(3)
    assert (value(account), value(account, POWER)) == (1, "on")
    write(account, 5)
    assert value(account) == "in passing"


def test_refused_write_succeeds_the_second_time(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(LEVEL), MAKE]), Way.REFUSED)
    with pytest.raises(AwsError, match="NotNow"):
        write(account, 5)
    write(account, 5)
    made = account.call(Call(service="shelf", operation="make_thing", params={"Run": RUN}), REGION)["Made"]["Id"]
    with pytest.raises(AwsError, match="InUse"):
        account.call(Call(service="shelf", operation="delete_thing", params={"Id": made}), REGION)


def test_reply_is_lost_once_and_only_in_undo(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(LEVEL)]), Way.LOST)
    write(account, 5)
    account.undo_begins()
    with pytest.raises(Unreachable):
        write(account, 6, token=1)
    assert scene.shelf.things["a"]["Level"] == 6
    write(account, 7, token=2)
    assert account.met == {Way.LOST: 1}


def test_late_request_arrives_after_undos_first_read(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(LEVEL)]), Way.LATE, late=0)
    with pytest.raises(Unreachable):
        write(account, 5)
    assert scene.shelf.things["a"]["Level"] == 1
    account.undo_begins()
    assert value(account) == 1
    assert value(account) == 5


def test_inert_write_has_no_effect(scene: Scene) -> None:
    account = rough(scene, planned_fault([setting_change(LEVEL)]), Way.INERT)
    account.undo_begins()
    write(account, 5)
    assert value(account) == 1
    write(account, 5)
    assert value(account) == 5


def test_stranger_writes_after_undos_first_read(scene: Scene) -> None:
    def stranger() -> None:
        scene.shelf.things["a"]["Level"] = 77

    account = rough(scene, planned_fault([setting_change(LEVEL)]), Way.STRANGER, stranger=stranger)
    assert value(account) == 1
    account.undo_begins()
    assert (value(account), value(account)) == (1, 77)


def test_reserialised_set_has_another_order(scene: Scene) -> None:
    scene.shelf.things["a"]["Items"] = ["x", "y"]
    account = rough(scene, planned_fault([setting_change(ITEMS)]), Way.RESERIALISED)
    assert value(account, ITEMS) == ["y", "x"]


@pytest.mark.parametrize(
    ("form", "plain"),
    [
        (NormalForm.SORTED, "subnet-a,subnet-b"),
        (NormalForm.SORTED, ["sg-1", "sg-2"]),
        (NormalForm.TEXT, {"rate": 100.0, "on": True}),
        (
            NormalForm.DOCUMENT,
            json.dumps({"Version": "v", "Statement": [{"Sid": "a", "Action": "s3:*"}, {"Sid": "b"}]}),
        ),
    ],
)
def test_reserialised_differs_and_normalizes_equal(form: NormalForm, plain: Any) -> None:
    other = reserialised(LEVEL.model_copy(update={"canonical": form}), plain)
    assert other != plain
    assert same(form, other, plain)


def test_applicable_follows_from_the_changes() -> None:
    assert applicable([IRREVERSIBLE]) == frozenset()
    always = {Way.LOST, Way.LATE, Way.INERT, Way.STALE}
    assert applicable([setting_change(LEVEL)]) == always | {Way.CHANGING, Way.REFUSED}
    assert applicable([setting_change(POWER)]) == always | {Way.CHANGING}
    assert applicable([setting_change(ITEMS)]) == always | {Way.REFUSED, Way.RESERIALISED}
    assert applicable([MAKE]) == always | {Way.REFUSED}


# the law on it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", sorted(EVERY))
def test_law_on_account_with_one_way_holds(scene: Scene, way: Way) -> None:
    changes = whole(scene.shelf)
    account = rough(scene, changes, way, stranger=lambda: scene.shelf.things["b"]["Items"].append("stranger"))
    before = touched(changes.changes, RUN, scene.shelf)
    if way is Way.STRANGER:
        before["thing.items of b"] = '["stranger","x"]'
        with pytest.raises(Broken, match="stranger"):  # the stranger's item is what is not as it was
            law(changes, account, scene.clock, scene.journal, RUN)
    else:
        law(changes, account, scene.clock, scene.journal, RUN)
    assert touched(changes.changes, RUN, scene.shelf) == before
    assert account.met[way]


def test_law_on_account_with_every_way_holds(scene: Scene) -> None:
    changes = whole(scene.shelf)
    ways = EVERY - {Way.STRANGER}
    account = rough(scene, changes, *ways)
    law(changes, account, scene.clock, scene.journal, RUN)
    assert set(account.met) == ways


def test_law_with_any_late_request_holds(tmp_path: Path) -> None:
    counting = Scene(tmp_path / "count")
    account = rough(counting, whole(counting.shelf))
    law(whole(counting.shelf), account, counting.clock, counting.journal, RUN)
    for late in range(5):
        scene = Scene(tmp_path / f"{late}")
        changes = whole(scene.shelf)
        account = rough(scene, changes, Way.LATE, late=late)
        law(changes, account, scene.clock, scene.journal, RUN)
        assert account.met == {Way.LATE: 1}, late


# mutants: an undo without its precautions -----------------------------------------------------------------------------


def broken_law(scene: Scene, *ways: Way, **more: Any) -> bool:
    changes = whole(scene.shelf)
    try:
        law(changes, rough(scene, changes, *ways, **more), scene.clock, scene.journal, RUN)
    except (Broken, AwsError):
        return True
    return False


def test_law_without_watch_for_late_requests_breaks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_module, "LONGEST_CALL", -1_000.0)
    assert broken_law(scene, Way.LATE, late=4)


def test_law_without_wait_until_ready_breaks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(setting_change: Any, now: Observation, quiet: bool, was: Any) -> Next:
        return decide(setting_change, Observation(now.value, now.row, gone=now.gone), quiet, was)

    monkeypatch.setattr(undo_module, "decide", hasty)
    assert broken_law(scene, Way.CHANGING)


def test_law_with_unread_writes_breaks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    written: set[str] = set()

    def trusting(change: Any, now: Observation, quiet: bool, was: Any) -> Next:
        step = decide(change, now, quiet, was)
        if change.about in written:
            return Next.RESTORED
        if step is Next.WRITE:
            written.add(change.about)
        return step

    monkeypatch.setattr(undo_module, "decide", trusting)
    assert broken_law(scene, Way.INERT)


def test_law_with_inert_apply_breaks(scene: Scene) -> None:
    nothing = planned_fault([setting_change(LEVEL, before=1, after=1)])
    with pytest.raises(Broken, match="apply changed nothing"):
        law(nothing, rough(scene, nothing), scene.clock, scene.journal, RUN)
