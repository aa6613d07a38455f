from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from gameday.aws.account import LONGEST_CALL
from gameday.change import Observation, PlannedFault, Setting
from gameday.engine.rows import put_entries
from gameday.engine.settings import capture
from gameday.engine.undo import HOLD, Next, decide
from gameday.errors import ApplyFailed, InvalidInput, Unreachable
from gameday.events import Remark
from gameday.testing import DyingAccount, Killed
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.runs import RUN, Scene
from tests.doubles.shelf import (
    IRREVERSIBLE,
    ITEMS,
    LEVEL,
    MAKE,
    POWER,
    REGION,
    Shelf,
    error,
    planned_fault,
    setting_change,
)

SETTLE = LEVEL.settle
LOST = Unreachable("shelf", "put_level", "ReadTimeout", "")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def whole(shelf: Shelf) -> PlannedFault:
    """One of everything that can be put back, in three stages."""
    items_of_b = capture(ITEMS, {"b": {"adds": ["new", "newer"], "removes": ["x"]}}, REGION, shelf)
    return planned_fault(
        [MAKE, *items_of_b],
        [*capture(LEVEL, {"a": 5, "b": None}, REGION, shelf)],
        [*capture(POWER, {"a": "off"}, REGION, shelf)],
    )


def of_level(shelf: Shelf) -> PlannedFault:
    return planned_fault(capture(LEVEL, {"a": 5}, REGION, shelf))


def snapshot(shelf: Shelf) -> dict[str, Any]:
    """Everything but tokens, which every write moves, and the order of sets."""
    return {
        name: {key: sorted(value) if key == "Items" else value for key, value in thing.items() if key != "Token"}
        for name, thing in shelf.things.items()
    }


# decide: the table ----------------------------------------------------------------------------------------------------

scalars = st.none() | st.integers(0, 3)
readings = st.builds(Observation, value=scalars, ready=st.booleans(), gone=st.booleans())


@given(scalars, scalars, readings, st.booleans())
def test_a_value_is_put_back_exactly_where_it_is_ours(before: Any, after: Any, now: Observation, quiet: bool) -> None:
    step = decide(setting_change(LEVEL, before=before, after=after), now, quiet)
    is_ours = now.value == after and after != before and not now.gone and now.ready
    assert (step is Next.WRITE) == is_ours


@given(scalars, scalars, readings)
def test_nothing_is_closed_before_it_is_quiet(before: Any, after: Any, now: Observation) -> None:
    assert decide(setting_change(LEVEL, before=before, after=after), now, quiet=False) in (
        Next.WRITE,
        Next.WAIT,
        Next.WATCH,
    )


@given(scalars, scalars, readings)
def test_what_is_quiet_is_closed_by_what_it_reads(before: Any, after: Any, now: Observation) -> None:
    step = decide(setting_change(LEVEL, before=before, after=after), now, quiet=True)
    if now.gone:
        assert step is Next.GONE
    elif not now.ready:
        assert step is Next.WAIT
    elif now.value == before:
        assert step is Next.RESTORED
    elif now.value != after:
        assert step is Next.CONFLICT


sets = st.sets(st.sampled_from("abcdef"))


@given(sets, sets, sets, st.booleans())
def test_a_set_never_conflicts_and_only_our_items_count(adds: Any, removes: Any, there: Any, quiet: bool) -> None:
    ours = setting_change(ITEMS, adds=tuple(sorted(adds - removes)), removes=tuple(sorted(removes)))
    step = decide(ours, Observation(sorted(there)), quiet)
    owes = (adds - removes) & there or removes - there
    assert step is (Next.WRITE if owes else Next.RESTORED if quiet else Next.WATCH)


# putting back ---------------------------------------------------------------------------------------------------------


def test_everything_is_as_it_was(scene: Scene) -> None:
    before = snapshot(scene.shelf)
    scene.apply(whole(scene.shelf))
    settled = scene.undo()
    assert snapshot(scene.shelf) == before
    assert [one.state for one in settled] == ["restored"] * 5
    assert [one.position for one in settled] == [0, 1, 2, 3, 4]
    assert settled[4].about == "thing.power of a is on"
    assert set(scene.states().values()) == {"restored"}


def test_another_process_puts_it_back_from_the_journal_alone(scene: Scene) -> None:
    before = snapshot(scene.shelf)
    scene.apply(whole(scene.shelf))
    scene.another_process()
    scene.undo()
    assert snapshot(scene.shelf) == before


def test_stages_are_undone_in_reverse(scene: Scene) -> None:
    scene.apply(whole(scene.shelf))
    scene.undo()
    undone = [(one.position, one.operation) for one in scene.called("undo")]
    assert undone == [
        (4, "turn_on"),
        (2, "put_level"),
        (3, "put_level"),
        (0, "delete_thing"),
        (1, "remove_items"),
        (1, "add_items"),
    ]


def test_undo_twice_is_harmless_and_makes_no_call(scene: Scene) -> None:
    scene.apply(whole(scene.shelf))
    scene.undo()
    before, log, reads = snapshot(scene.shelf), list(scene.shelf.log), scene.shelf.reads
    assert scene.undo() == []
    assert (snapshot(scene.shelf), scene.shelf.log, scene.shelf.reads) == (before, log, reads)


def test_a_run_that_did_nothing_has_nothing_to_undo(scene: Scene) -> None:
    assert scene.undo() == []
    assert scene.shelf.reads == 0


def test_the_undo_of_an_injection_that_failed_half_way(scene: Scene) -> None:
    before = snapshot(scene.shelf)
    scene.shelf.errors["turn_off"] = [error("AccessDenied", "turn_off")]
    with pytest.raises(ApplyFailed):
        scene.apply(whole(scene.shelf))
    settled = scene.undo()
    assert snapshot(scene.shelf) == before
    assert [one.state for one in settled] == ["restored"] * 4 + ["untouched"]


def test_undo_returns_the_changes_that_it_emits(scene: Scene) -> None:
    scene.apply(of_level(scene.shelf))
    scene.clock.sleep(60)
    (settled,) = scene.undo()
    assert (settled.position, settled.state, settled.about) == (0, "restored", "thing.level of a is 1")
    assert 1_000_060.0 <= settled.at < 1_000_061.0
    assert scene.called("undo")[0].params == {"Id": "a", "Level": 1, "Token": 1}


# late requests and stale reads ----------------------------------------------------------------------------------------


def test_a_request_that_arrives_after_the_first_look_is_put_back(scene: Scene) -> None:
    late = scene.clock.now() + LONGEST_CALL - 1
    changes = of_level(scene.shelf)
    scene.shelf.errors["put_level"] = [LOST]
    with pytest.raises(ApplyFailed):
        scene.apply(changes)

    def arrives() -> None:
        if scene.clock.now() >= late and not scene.shelf.log:
            scene.shelf.log.append("the late request")
            scene.shelf.things["a"]["Level"] = 5

    scene.shelf.before_read = arrives
    (settled,) = scene.undo()
    assert scene.shelf.log == ["the late request", "put_level a"]
    assert scene.shelf.things["a"]["Level"] == 1
    assert (settled.state, settled.at >= late) == ("restored", True)


def test_before_is_believed_only_after_the_settle_time(scene: Scene) -> None:
    scene.apply(of_level(scene.shelf))
    scene.shelf.things["a"]["Level"] = 1  # or a stale read: who could tell
    answered = scene.clock.now()
    (settled,) = scene.undo()
    assert answered + SETTLE <= settled.at < answered + SETTLE + 5


def test_before_is_believed_only_when_no_request_is_on_its_way(scene: Scene) -> None:
    scene.shelf.errors["put_level"] = [LOST]
    with pytest.raises(ApplyFailed):
        scene.apply(of_level(scene.shelf))
    began = scene.clock.now()
    (settled,) = scene.undo()
    assert began + LONGEST_CALL + SETTLE <= settled.at < began + LONGEST_CALL + SETTLE + 10


def test_a_call_that_was_answered_is_not_waited_for_again(scene: Scene) -> None:
    scene.apply(of_level(scene.shelf))
    scene.clock.sleep(SETTLE)
    began = scene.clock.now()
    scene.undo()
    assert scene.clock.now() - began < 1.0


def test_a_crash_between_intent_and_answer_counts_as_on_its_way(scene: Scene) -> None:
    with pytest.raises(Killed):
        scene.apply(of_level(scene.shelf), DyingAccount(scene.shelf, at=1))
    scene.another_process()
    began = scene.clock.now()
    scene.undo()
    assert scene.clock.now() - began >= LONGEST_CALL + SETTLE


def test_the_second_call_of_a_change_may_be_on_its_way_too(scene: Scene) -> None:
    changes = capture(ITEMS, {"a": {"adds": ["new"], "removes": ["x"]}}, REGION, scene.shelf)
    with pytest.raises(Killed):
        scene.apply(planned_fault(changes), DyingAccount(scene.shelf, at=2))
    assert scene.shelf.log == ["remove_items a"]
    scene.another_process()
    late = scene.clock.now() + 60

    def arrives() -> None:
        if scene.clock.now() >= late and "late" not in scene.shelf.log:
            scene.shelf.log.append("late")
            scene.shelf.add_items("a", ["new"])

    scene.shelf.before_read = arrives
    scene.undo()
    assert scene.shelf.things["a"]["Items"] == ["x"]
    assert scene.shelf.log == ["remove_items a", "add_items a", "late", "remove_items a"]


def test_undo_sends_one_call_at_a_time_for_each_change(scene: Scene) -> None:
    batches: list[list[str]] = []
    real = scene.shelf.call_all

    def call_all(calls: Any, paged: bool = False) -> Any:
        batches.append([call.params.get("Id", "") for call, _ in calls])
        return real(calls, paged)

    scene.apply(planned_fault(capture(ITEMS, {"a": {"adds": ["new"], "removes": ["x"]}}, REGION, scene.shelf)))
    scene.shelf.call_all = call_all
    scene.undo()
    assert [batch for batch in batches if "a" in batch] == [["a"], ["a"]]


def test_a_stale_read_of_before_is_not_believed(scene: Scene) -> None:
    changes = of_level(scene.shelf)
    old, real = dict(scene.shelf.things["a"]), scene.shelf.get_things
    scene.apply(changes)
    applied = scene.clock.now()

    def stale(**asked: Any) -> Any:
        return {"Things": [dict(old)]} if scene.clock.now() < applied + SETTLE - 0.1 else real(**asked)

    scene.shelf.get_things = stale
    (settled,) = scene.undo()
    assert settled.state == "restored"
    assert scene.shelf.things["a"]["Level"] == 1
    assert scene.shelf.log == ["put_level a", "put_level a"]


def test_a_make_that_is_not_found_yet_is_not_forgotten(scene: Scene) -> None:
    scene.apply(planned_fault([MAKE]))
    applied, real = scene.clock.now(), scene.shelf.find_things
    scene.shelf.find_things = lambda **asked: real(**asked) if scene.clock.now() >= applied + 4 else {"Found": []}
    scene.undo()
    assert list(scene.shelf.things) == ["a", "b"]


def test_a_make_whose_reply_was_lost_is_found_by_its_tag(scene: Scene) -> None:
    real = scene.shelf.make_thing

    def make_thing(**asked: Any) -> Any:
        real(**asked)
        real(**asked)  # the client tried again, and made another one
        raise LOST

    scene.shelf.make_thing = make_thing
    with pytest.raises(ApplyFailed):
        scene.apply(planned_fault([MAKE]))
    (settled,) = scene.undo()
    assert (settled.state, list(scene.shelf.things)) == ("restored", ["a", "b"])


# resources that change ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "passing", "steady"), [("Status", "updating", "steady"), ("Power", "turning", "off")]
)
def test_a_resource_that_is_changing_is_waited_for(scene: Scene, field: str, passing: str, steady: str) -> None:
    before = snapshot(scene.shelf)
    scene.apply(whole(scene.shelf))
    until = scene.clock.now() + 200
    scene.shelf.things["a"][field] = passing

    def settles() -> None:
        if scene.clock.now() >= until and scene.shelf.things["a"][field] == passing:
            scene.shelf.things["a"][field] = steady

    scene.shelf.before_read = settles
    assert {one.state for one in scene.undo()} == {"restored"}
    assert snapshot(scene.shelf) == before


def test_a_thing_in_use_is_deleted_once_it_is_free(scene: Scene) -> None:
    scene.apply(planned_fault([MAKE]))
    scene.shelf.errors["delete_thing"] = [error("InUse", "delete_thing")] * 5
    (settled,) = scene.undo()
    assert (settled.state, list(scene.shelf.things)) == ("restored", ["a", "b"])


def test_a_resource_that_is_gone_is_closed_with_a_note(scene: Scene) -> None:
    scene.apply(planned_fault(capture(LEVEL, {"a": 5, "b": 5}, REGION, scene.shelf)))
    del scene.shelf.things["a"]
    gone, back = scene.undo()
    assert (gone.state, back.state) == ("gone", "restored")
    assert scene.shelf.things["b"]["Level"] == 1


@pytest.mark.parametrize("setting", [LEVEL, ITEMS, POWER])
def test_undo_destroyed_resource_is_gone(setting: Setting, scene: Scene) -> None:
    values: dict[str, Any] = {LEVEL.name: 5, ITEMS.name: {"adds": ["y"], "removes": ["x"]}, POWER.name: "off"}
    scene.apply(planned_fault(capture(setting, {"a": values[setting.name]}, REGION, scene.shelf)))
    del scene.shelf.things["a"]
    assert [closed.state for closed in scene.undo()] == ["gone"]


def test_undo_destroyed_replaced_resource_has_healed(scene: Scene) -> None:
    changes = capture(LEVEL, {"a": 5}, REGION, scene.shelf)
    scene.apply(planned_fault([change.model_copy(update={"replaced_by": "group web"}) for change in changes]))
    del scene.shelf.things["a"]
    (closed,) = scene.undo()
    assert (closed.state, "group web replaces it" in closed.about) == ("healed", True)


@pytest.mark.parametrize("is_other_process", [False, True])
def test_undo_created_resource_without_tag_is_deleted(is_other_process: bool, scene: Scene) -> None:
    scene.apply(planned_fault([MAKE]))
    (made,) = scene.shelf.things.keys() - {"a", "b"}
    scene.shelf.things[made]["Run"] = None
    if is_other_process:
        scene.another_process()
    (closed,) = scene.undo()
    assert closed.state == "restored"
    assert list(scene.shelf.things) == ["a", "b"]


def test_observed_answer_by_id_counts_its_own_id_only() -> None:
    none, more = {"Found": []}, {"Found": [{"Id": "ours"}, {"Id": "theirs"}]}
    assert MAKE.observed([none, more], "ours") == Observation(["ours"])
    assert MAKE.observed([none, error("NotFound")], "ours") == Observation([])
    assert MAKE.observed([none, LOST], "ours") is LOST


# other people ---------------------------------------------------------------------------------------------------------


def test_somebody_elses_value_is_left_alone_and_said(scene: Scene) -> None:
    scene.apply(planned_fault(capture(LEVEL, {"a": 5, "b": 5}, REGION, scene.shelf)))
    scene.shelf.things["a"]["Level"] = 77
    conflict, restored = scene.undo()
    assert conflict.state == "conflict"
    assert conflict.about == "thing.level of a was 1, the run set 5, somebody else set 77: the undo leaves it alone"
    assert (scene.shelf.things["a"]["Level"], scene.shelf.things["b"]["Level"]) == (77, 1)
    assert scene.states() == {0: "conflict", 1: "restored"}
    assert restored.state == "restored"


def test_a_late_request_of_ours_does_not_hide_behind_a_conflict(scene: Scene) -> None:
    changes = of_level(scene.shelf)
    scene.shelf.errors["put_level"] = [LOST]
    with pytest.raises(ApplyFailed):
        scene.apply(changes)
    scene.shelf.things["a"]["Level"] = 77
    late = scene.clock.now() + 30

    def arrives() -> None:
        if scene.clock.now() >= late and scene.shelf.things["a"]["Level"] == 77:
            scene.shelf.things["a"]["Level"] = 5

    scene.shelf.before_read = arrives
    (settled,) = scene.undo()
    assert settled.state == "restored"
    assert scene.shelf.things["a"]["Level"] == 1


def test_strangers_items_survive(scene: Scene) -> None:
    changes = capture(ITEMS, {"a": {"adds": ["new"], "removes": ["x"]}}, REGION, scene.shelf)
    scene.apply(planned_fault(changes))
    scene.shelf.things["a"]["Items"].append("stranger")
    (settled,) = scene.undo()
    assert settled.state == "restored"
    assert sorted(scene.shelf.things["a"]["Items"]) == ["stranger", "x"]


@given(was=sets, adds=sets, removes=sets, comes=sets, goes=sets)
def test_undo_of_a_set_keeps_strangers_items(
    tmp_path_factory: pytest.TempPathFactory, was: Any, adds: Any, removes: Any, comes: Any, goes: Any
) -> None:
    adds, removes = adds - was, removes & was
    comes, goes = comes - adds - was, goes - adds - removes
    scene = Scene(tmp_path_factory.mktemp("set"))
    scene.shelf.things["a"]["Items"] = sorted(was)
    wanted = {"a": {"adds": sorted(adds), "removes": sorted(removes)}}
    scene.apply(planned_fault(capture(ITEMS, wanted, REGION, scene.shelf)))
    now = set(scene.shelf.things["a"]["Items"])
    scene.shelf.things["a"]["Items"] = sorted((now | comes) - goes)
    scene.undo()
    assert set(scene.shelf.things["a"]["Items"]) == (was | comes) - goes
    scene.journal.close()


# what does not go well ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["ThrottlingException", "NotNow", "AccessDenied", "InternalFailure"])
def test_a_write_that_fails_is_tried_again(scene: Scene, code: str) -> None:
    scene.apply(of_level(scene.shelf))
    scene.shelf.errors["put_level"] = [error(code)] * 10
    (settled,) = scene.undo()
    assert (settled.state, scene.shelf.things["a"]["Level"]) == ("restored", 1)


def test_a_lost_reply_of_undo_is_harmless(scene: Scene) -> None:
    scene.apply(whole(scene.shelf))
    for operation in ("turn_on", "delete_thing", "remove_items"):
        real = getattr(scene.shelf, operation)
        setattr(scene.shelf, operation, lost_once(scene.shelf, operation, real))
    assert {one.state for one in scene.undo()} == {"restored"}
    assert list(scene.shelf.things) == ["a", "b"]


def lost_once(shelf: Shelf, operation: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def happens_unheard(**params: Any) -> Any:
        setattr(shelf, operation, real)
        real(**params)
        raise LOST

    return happens_unheard


def test_one_row_that_fails_does_not_stop_the_rest(scene: Scene) -> None:
    before = snapshot(scene.shelf)
    scene.apply(whole(scene.shelf))
    began = scene.clock.now()
    scene.shelf.errors["turn_on"] = [error("AccessDenied", "turn_on")] * 1000
    settled = scene.undo()
    assert [one.state for one in settled] == ["restored"] * 4 + ["stuck"]
    assert settled[4].about == "thing.power of a: on → off: shelf.turn_on failed: AccessDenied: by test"
    assert all(one.at - began < 20 for one in settled[:4])
    assert snapshot(scene.shelf) == before | {"a": before["a"] | {"Power": "off"}}


def test_a_row_that_cannot_be_read_does_not_stop_the_rest(scene: Scene) -> None:
    scene.apply(whole(scene.shelf))
    scene.shelf.errors["get_power"] = [error("AccessDenied", "get_power")] * 1000
    settled = scene.undo()
    assert [one.state for one in settled] == ["restored"] * 4 + ["stuck"]
    assert "get_power failed: AccessDenied" in settled[4].about


def test_a_change_that_makes_no_sense_does_not_stop_the_rest(scene: Scene) -> None:
    scene.apply(planned_fault([MAKE], [*capture(LEVEL, {"a": 5}, REGION, scene.shelf)]))
    unreadable = MAKE.model_copy(update={"find": MAKE.find.model_copy(update={"params": {"Run": {"$": "no.such"}}})})
    with scene.journal._writing() as db:
        put_entries(db, RUN, [replace(scene.journal.entries(RUN)[0], change=unreadable)])
    made, level = scene.undo()
    assert (made.state, level.state) == ("stuck", "restored")
    assert "`no.such` has no value" in made.about


@pytest.mark.parametrize("operation", ["turn_on", "get_power", "find_things", "delete_thing"])
def test_a_call_that_cannot_even_be_sent_does_not_stop_the_rest(scene: Scene, operation: str) -> None:
    scene.apply(whole(scene.shelf))
    scene.shelf.errors[operation] = [InvalidInput("Id must be a number")] * 1000
    states = [one.state for one in scene.undo()]
    assert sorted(states) == ["restored"] * 4 + ["stuck"]
    assert states.index("stuck") == (4 if "power" in operation or "turn" in operation else 0)


def test_stage_that_never_ends_delays_others_for_a_while_only(scene: Scene) -> None:
    scene.apply(whole(scene.shelf))
    began = scene.clock.now()
    scene.shelf.things["a"]["Power"] = "turning"
    settled = scene.undo()
    assert [one.state for one in settled] == ["restored"] * 4 + ["stuck"]
    assert all(HOLD <= one.at - began < HOLD + 60 for one in settled[:2])


def test_what_is_stuck_can_be_tried_again(scene: Scene) -> None:
    before = snapshot(scene.shelf)
    scene.apply(whole(scene.shelf))
    scene.shelf.errors["turn_on"] = [error("AccessDenied", "turn_on")] * 1000
    scene.undo(patience=30)
    assert scene.states()[4] == "stuck"
    scene.shelf.errors.clear()
    assert [(one.position, one.state) for one in scene.undo()] == [(4, "restored")]
    assert snapshot(scene.shelf) == before


def test_a_journal_that_cannot_be_written_does_not_stop_the_undo(scene: Scene) -> None:
    before = snapshot(scene.shelf)
    scene.apply(whole(scene.shelf))
    scene.journal._db.execute("PRAGMA query_only=ON")
    settled = scene.undo()
    assert {one.state for one in settled} == {"restored"}
    assert snapshot(scene.shelf) == before
    said = [event.text for event in scene.emitted if isinstance(event, Remark)]
    assert len(said) == 1
    assert said[0].startswith("the undo continues, but the journal does not record it")
    assert set(scene.states().values()) == {"open"}


# hits --------------------------------------------------------------------------------------------------------------


def test_irreversible_action_heals_by_itself(scene: Scene) -> None:
    scene.apply(planned_fault([IRREVERSIBLE]))
    heals = scene.clock.now() + 100

    def healing() -> None:
        scene.shelf.things["a"]["Broken"] = scene.clock.now() < heals

    scene.shelf.before_read = healing
    (settled,) = scene.undo()
    assert (settled.state, settled.about) == ("healed", "a is whole")
    assert heals <= settled.at < heals + 11
    assert scene.shelf.log == ["break_thing a"]


def test_irreversible_action_never_healed_is_not_healed(scene: Scene) -> None:
    scene.apply(planned_fault([IRREVERSIBLE]))
    (settled,) = scene.undo()
    assert settled.state == "not-healed"
    assert settled.about.startswith("break a")
    assert scene.undo() == []


def test_irreversible_action_healed_within_settle_waits(scene: Scene) -> None:
    scene.apply(planned_fault([IRREVERSIBLE]))
    hit = scene.clock.now()

    def seen_late() -> None:
        scene.shelf.things["a"]["Broken"] = hit + 40 <= scene.clock.now() < hit + 90

    scene.shelf.before_read = seen_late
    (settled,) = scene.undo()
    assert settled.state == "healed"
    assert settled.at >= hit + 90


def test_irreversible_action_refused_is_untouched(scene: Scene) -> None:
    scene.shelf.errors["break_thing"] = [error("AccessDenied", "break_thing")]
    with pytest.raises(ApplyFailed):
        scene.apply(planned_fault([IRREVERSIBLE]))
    (settled,) = scene.undo()
    assert settled.state == "untouched"


def test_irreversible_action_unhealed_delays_no_other_undo(scene: Scene) -> None:
    scene.apply(planned_fault([*capture(LEVEL, {"a": 5}, REGION, scene.shelf)], [IRREVERSIBLE]))
    began = scene.clock.now()
    level, action = scene.undo()
    assert (level.state, action.state) == ("restored", "not-healed")
    assert level.at - began < SETTLE + 5


# killed anywhere ------------------------------------------------------------------------------------------------------


def calls_of(folder: Path, play: Callable[[Scene, DyingAccount], Any]) -> int:
    scene = Scene(folder)
    account = DyingAccount(scene.shelf)
    play(scene, account)
    return len(account.calls)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_at_any_call_is_restored(tmp_path: Path, when: Literal["before", "after"]) -> None:
    count = calls_of(tmp_path / "clean", lambda scene, account: scene.apply(whole(scene.shelf), account))
    assert count >= 14
    for at in range(count):
        scene = Scene(tmp_path / f"{at}")
        before = snapshot(scene.shelf)
        with pytest.raises(Killed):
            scene.apply(whole(scene.shelf), DyingAccount(scene.shelf, at, when))
        scene.another_process()
        assert {one.state for one in scene.undo()} <= {"restored"}, at
        assert snapshot(scene.shelf) == before, at
        assert scene.undo() == []
        scene.journal.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_undo_killed_at_any_call_is_finished_by_the_next(tmp_path: Path, when: Literal["before", "after"]) -> None:
    def apply_and_undo(scene: Scene, account: DyingAccount) -> None:
        scene.apply(whole(scene.shelf))
        scene.undo(account)

    count = calls_of(tmp_path / "clean", apply_and_undo)
    assert count >= 20
    for at in range(count):
        scene = Scene(tmp_path / f"{at}")
        before = snapshot(scene.shelf)
        with pytest.raises(Killed):
            apply_and_undo(scene, DyingAccount(scene.shelf, at, when))
        scene.another_process()
        scene.undo()
        assert snapshot(scene.shelf) == before, at
        assert not any(entry.is_open for entry in scene.journal.entries(RUN)), at
        scene.journal.close()
