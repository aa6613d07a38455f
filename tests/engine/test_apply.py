from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.change import Call
from gameday.engine.settings import capture
from gameday.errors import ApplyFailed, AwsError, GamedayError, JournalError, Unreachable

from tests.doubles.runs import RUN, Scene
from tests.doubles.shelf import (
    IRREVERSIBLE,
    ITEMS,
    LEVEL,
    MAKE,
    POWER,
    REGION,
    Shelf,
    call,
    error,
    planned_fault,
    setting_change,
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def levels(shelf: Shelf, **wanted: Any) -> list[Any]:
    return list(capture(LEVEL, wanted, REGION, shelf))


# order and parallel calls ---------------------------------------------------------------------------------------------


def test_settings_are_brought_about_and_things_are_made(scene: Scene) -> None:
    shelf = scene.shelf
    items = capture(ITEMS, {"b": {"adds": ["new"], "removes": ["x"]}}, REGION, shelf)
    power = capture(POWER, {"a": "off"}, REGION, shelf)
    scene.apply(planned_fault([MAKE], [*levels(shelf, a=5, b=None), *items], power))
    assert (shelf.things["a"]["Level"], shelf.things["a"]["Power"]) == (5, "off")
    assert (shelf.things["b"]["Level"], shelf.things["b"]["Items"]) == (None, ["new"])
    assert shelf.find_things(RUN)["Found"] == [{"Id": "made-2"}]
    assert shelf.things["made-2"]["Items"] == ["x", "new"]


class Watching:
    """An account that looks into the journal at every mutating call."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.seen: list[tuple[str, int]] = []
        self.batches: list[int] = []

    def call(self, call: Call, region: str) -> Any:
        return self.scene.shelf.call(call, region)

    pages = call

    def call_all(self, calls: Any, paged: bool = False) -> list[Any]:
        if not paged:
            self.batches.append(len(calls))
            self.seen += [(str(call), len(self.scene.journal.entries(RUN))) for call, _ in calls]
        return self.scene.shelf.call_all(calls, paged)


def test_every_intent_of_a_stage_is_journalled_before_its_calls(scene: Scene) -> None:
    shelf, watching = scene.shelf, Watching(scene)
    scene.apply(
        planned_fault(levels(shelf, a=5, b=6), [*capture(POWER, {"a": "off"}, REGION, shelf), IRREVERSIBLE]), watching
    )
    assert watching.seen == [
        ("shelf.put_level", 2),
        ("shelf.put_level", 2),
        ("shelf.turn_off", 4),
        ("shelf.break_thing", 4),
    ]


def test_the_calls_of_a_stage_go_out_together(scene: Scene) -> None:
    watching = Watching(scene)
    ids = [f"t{number}" for number in range(50)]
    for name in ids:
        scene.shelf.put(name)
    scene.apply(planned_fault(levels(scene.shelf, **dict.fromkeys(ids, 9))), watching)
    assert watching.batches == [50]


def test_fifty_turns_take_two_reads_beside_their_writes(scene: Scene) -> None:
    ids = [f"t{number}" for number in range(50)]
    for name in ids:
        scene.shelf.put(name)
    changes = levels(scene.shelf, **dict.fromkeys(ids, 9))
    scene.shelf.reads = 0
    scene.apply(planned_fault(changes))
    assert (scene.shelf.reads, len(scene.shelf.log)) == (2, 50)


def test_a_later_stage_sees_what_an_earlier_one_made(scene: Scene) -> None:
    needs = setting_change(LEVEL, before=1, after={"$": "made.thing"})
    scene.apply(planned_fault([MAKE], [needs]))
    assert scene.shelf.things["a"]["Level"] == "made-2"
    assert scene.journal.entries(RUN)[1].change.after == "made-2"


def test_values_may_carry_the_runs_id(scene: Scene) -> None:
    ours = setting_change(ITEMS, adds=({"Sid": {"$": "run"}},))
    scene.apply(planned_fault([ours]))
    assert scene.shelf.things["a"]["Items"] == ["x", {"Sid": RUN}]
    assert scene.journal.entries(RUN)[0].change.adds == ({"Sid": RUN},)


def test_the_journal_knows_when_and_what(scene: Scene) -> None:
    scene.apply(planned_fault([MAKE], levels(scene.shelf, a=5)))
    made, level = scene.journal.entries(RUN)
    assert (made.made, made.answered, made.planned_fault, made.stage) == ("made-2", 1_000_000.0, 0, 0)
    assert (level.sent, level.answered, level.planned_fault, level.stage) == (1_000_000.0, 1_000_000.0, 0, 1)
    assert level.change.before == 1


# events --------------------------------------------------------------------------------------------------------------


def test_apply_emits_every_mutating_call_without_run_id(scene: Scene) -> None:
    scene.apply(planned_fault([MAKE], levels(scene.shelf, a=5)))
    emitted = [(one.position, one.operation, one.params, one.error) for one in scene.called("inject")]
    assert emitted == [
        (0, "make_thing", {"Run": "{run}"}, None),
        (0, "add_items", {"Id": "made-2", "Items": ["new"]}, None),
        (1, "put_level", {"Id": "a", "Level": 5, "Token": 0}, None),
    ]


# when it fails --------------------------------------------------------------------------------------------------------


def test_an_error_stops_before_the_next_stage_and_names_the_call(scene: Scene) -> None:
    scene.shelf.errors["put_level"] = [error("AccessDenied")]
    with pytest.raises(ApplyFailed, match=r"thing\.level of a: 1 → 5: shelf\.put_level failed: AccessDenied"):
        scene.apply(planned_fault(levels(scene.shelf, a=5, b=6), [IRREVERSIBLE]))
    assert scene.shelf.log == ["put_level b"]
    denied, done = scene.journal.entries(RUN)
    assert (denied.error, denied.answered) == ("AccessDenied", 1_000_000.0)
    assert done.error is None
    assert [one.error for one in scene.called("inject")] == ["AccessDenied", None]


@pytest.mark.parametrize(
    "lost", [Unreachable("shelf", "put_level", "ReadTimeout", ""), error("InternalFailure"), error("503")]
)
def test_a_call_without_an_answer_counts_as_still_on_its_way(scene: Scene, lost: AwsError) -> None:
    scene.shelf.errors["put_level"] = [lost]
    with pytest.raises(ApplyFailed):
        scene.apply(planned_fault(levels(scene.shelf, a=5)))
    assert scene.journal.entries(RUN)[0].answered is None


def test_create_that_breaks_off_counts_as_still_on_its_way(scene: Scene) -> None:
    scene.shelf.errors["add_items"] = [Unreachable("shelf", "add_items", "ReadTimeout", "")]
    with pytest.raises(ApplyFailed):
        scene.apply(planned_fault([MAKE]))
    assert (scene.journal.entries(RUN)[0].made, scene.journal.entries(RUN)[0].answered) == ("made-2", None)


def test_nothing_is_called_where_the_journal_cannot_be_written(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)
    scene.journal._db.execute("DROP TABLE entries")
    with pytest.raises(JournalError):
        scene.apply(planned_fault(changes))
    assert scene.shelf.log == []


def test_a_setting_that_moved_since_the_plan_is_not_touched(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5, b=6)
    scene.shelf.things["b"]["Level"] = 3
    with pytest.raises(ApplyFailed, match=r"thing\.level of b now reads 3"):
        scene.apply(planned_fault(changes))
    assert (scene.shelf.log, scene.journal.entries(RUN)) == ([], [])


def test_a_resource_that_is_gone_since_the_plan_stops_it(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)
    del scene.shelf.things["a"]
    with pytest.raises(ApplyFailed, match="a is gone"):
        scene.apply(planned_fault(changes))


def test_item_of_somebody_else_since_the_plan_is_not_ours(scene: Scene) -> None:
    changes = capture(ITEMS, {"a": {"adds": ["new"], "removes": []}}, REGION, scene.shelf)
    scene.shelf.things["a"]["Items"].append("new")
    with pytest.raises(ApplyFailed, match="it has changed since the plan was made"):
        scene.apply(planned_fault(changes))
    assert scene.shelf.log == []


def test_a_read_that_fails_stops_it_before_anything_is_sent(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)
    scene.shelf.errors["get_things"] = [error("AccessDenied", "get_things")]
    with pytest.raises(ApplyFailed, match="AccessDenied"):
        scene.apply(planned_fault(changes))
    assert (scene.shelf.log, scene.journal.entries(RUN)) == ([], [])


def test_unbound_placeholder_stops_before_anything_is_sent(scene: Scene) -> None:
    with pytest.raises(GamedayError, match=r"`made\.acl` has no value"):
        scene.apply(planned_fault([setting_change(LEVEL, before=1, after={"$": "made.acl"})]))
    assert (scene.shelf.log, scene.journal.entries(RUN)) == ([], [])


def test_call_that_cannot_be_built_stops_before_anything_is_sent(scene: Scene) -> None:
    asks_too_much = LEVEL.model_copy(update={"write": call("put_level", Id={"$": "id"}, Token={"$": "row.nothing"})})
    with pytest.raises(GamedayError, match=r"`row\.nothing` has no value"):
        scene.apply(planned_fault([setting_change(asks_too_much, before=1, after=5)]))
    assert (scene.shelf.log, scene.journal.entries(RUN)) == ([], [])


def test_a_write_without_effect_fails(scene: Scene) -> None:
    scene.shelf.put_level = lambda **_: {}
    with pytest.raises(ApplyFailed, match="reads do not show the change after 300 s"):
        scene.apply(planned_fault(levels(scene.shelf, a=5)))


def test_a_write_that_cannot_be_read_says_why(scene: Scene) -> None:
    put, get = scene.shelf.put_level, scene.shelf.get_things
    denied: list[bool] = []

    def put_once(**params: Any) -> Any:
        denied.append(True)
        return put(**params)

    def get_before(*args: Any, **params: Any) -> Any:
        if denied:
            raise error("AccessDenied")
        return get(*args, **params)

    changes = levels(scene.shelf, a=5)
    scene.shelf.put_level, scene.shelf.get_things = put_once, get_before
    with pytest.raises(ApplyFailed, match=r"could not read the result: .* AccessDenied"):
        scene.apply(planned_fault(changes))


def test_a_thing_whose_answer_names_no_id_fails(scene: Scene) -> None:
    with pytest.raises(ApplyFailed, match=r"`Made\.Name` finds no id in the answer of shelf\.make_thing"):
        scene.apply(planned_fault([MAKE.model_copy(update={"made": "Made.Name"})]))


# not now --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["NotNow", "ThrottlingException", "RequestLimitExceeded"])
def test_not_now_is_waited_out(scene: Scene, code: str) -> None:
    scene.shelf.errors["put_level"] = [error(code), error(code)]
    scene.apply(planned_fault(levels(scene.shelf, a=5)))
    assert scene.shelf.things["a"]["Level"] == 5
    assert [one.error for one in scene.called("inject")] == [code, code, None]
    assert scene.clock.now() > 1_000_000.0


def test_not_now_is_not_waited_out_for_ever(scene: Scene) -> None:
    scene.shelf.errors["put_level"] = [error("NotNow")] * 1000
    with pytest.raises(ApplyFailed, match='AWS answered "not now" for 120 s'):
        scene.apply(planned_fault(levels(scene.shelf, a=5)))
    assert 1_000_120.0 <= scene.clock.now() <= 1_000_130.0
    assert scene.journal.entries(RUN)[0].answered is None


def test_look_up_that_went_stale_is_read_before_the_next_try(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)
    real = scene.shelf.put_level

    def put_level(**params: Any) -> Any:
        scene.shelf.put_level = real
        scene.shelf.things["a"]["Token"] = 40
        return real(**params)

    scene.shelf.put_level = put_level
    scene.apply(planned_fault(changes))
    assert [(one.params["Token"], one.error) for one in scene.called("inject")] == [(0, "NotNow"), (40, None)]


def test_write_of_a_third_party_between_tries_is_kept(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)

    def put_level(**params: Any) -> Any:
        scene.shelf.things["a"]["Level"] = 77
        raise error("NotNow")

    scene.shelf.put_level = put_level
    with pytest.raises(ApplyFailed, match="now reads 77"):
        scene.apply(planned_fault(changes))
    assert scene.shelf.things["a"]["Level"] == 77


def test_a_resource_that_is_changing_is_waited_for(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)
    scene.shelf.things["a"]["Status"] = "updating"

    def steady_after_a_while() -> None:
        if scene.clock.now() >= 1_000_010.0:
            scene.shelf.things["a"]["Status"] = "steady"

    scene.shelf.before_read = steady_after_a_while
    scene.apply(planned_fault(changes))
    assert scene.shelf.things["a"]["Level"] == 5


def test_a_resource_that_never_stops_changing_is_left_alone(scene: Scene) -> None:
    changes = levels(scene.shelf, a=5)
    scene.shelf.things["a"]["Status"] = "updating"
    with pytest.raises(ApplyFailed, match="a is still changing after 120 s"):
        scene.apply(planned_fault(changes))
    assert scene.shelf.log == []


def test_a_stale_read_after_a_write_is_waited_out(scene: Scene) -> None:
    old = dict(scene.shelf.things["a"])
    real = scene.shelf.get_things
    scene.shelf.get_things = lambda **asked: (
        real(**asked) if scene.clock.now() > 1_000_004.0 else {"Things": [dict(old)]}
    )
    scene.apply(planned_fault(levels(scene.shelf, a=5)))
    assert scene.clock.now() > 1_000_004.0
    assert scene.shelf.log == ["put_level a"]


def test_irreversible_action_is_never_sent_twice(scene: Scene) -> None:
    scene.shelf.errors["break_thing"] = [error("ThrottlingException", "break_thing")]
    with pytest.raises(ApplyFailed, match=r"break a: .*ThrottlingException"):
        scene.apply(planned_fault([IRREVERSIBLE]))
    assert [one.error for one in scene.called("inject")] == ["ThrottlingException"]


def test_irreversible_action_keeps_what_its_probe_read(scene: Scene) -> None:
    healed = IRREVERSIBLE.healed.model_copy(update={"value": "Things[0].Level"})
    scene.apply(planned_fault([IRREVERSIBLE.model_copy(update={"healed": healed})]))
    assert scene.journal.entries(RUN)[0].was == 1


# twice ----------------------------------------------------------------------------------------------------------------


def test_applying_twice_makes_nothing_twice(scene: Scene) -> None:
    power = capture(POWER, {"a": "off"}, REGION, scene.shelf)
    items = capture(ITEMS, {"b": {"adds": ["new"], "removes": ["x"]}}, REGION, scene.shelf)
    whole = planned_fault([MAKE], [*levels(scene.shelf, a=5), *items, *power, IRREVERSIBLE])
    scene.apply(whole)
    first = list(scene.shelf.log)
    entries = scene.journal.entries(RUN)
    scene.apply(whole)
    assert scene.shelf.log == first
    assert scene.journal.entries(RUN) == entries


def test_applying_again_after_undo_is_refused(scene: Scene) -> None:
    whole = planned_fault(levels(scene.shelf, a=5))
    scene.apply(whole)
    scene.undo()
    log = list(scene.shelf.log)
    with pytest.raises(ApplyFailed, match="has undone it already"):
        scene.apply(whole)
    assert scene.shelf.log == log


def test_a_thing_may_be_made_without_further_calls(scene: Scene) -> None:
    scene.apply(planned_fault([MAKE.model_copy(update={"then": ()})]))
    assert scene.shelf.log == ["make_thing"]


def test_what_was_made_must_be_found_before_the_next_stage(scene: Scene) -> None:
    scene.shelf.errors["find_things"] = [error("NotNow", "find_things"), error("NotNow", "find_things")]
    scene.apply(planned_fault([MAKE], [setting_change(LEVEL, before=1, after={"$": "made.thing"})]))
    assert scene.clock.now() > 1_000_000.0
