from __future__ import annotations

from typing import Any

import pytest
from gameday.change import NormalForm, Observation, Read, Setting, Shape
from gameday.engine.settings import CHUNK, capture, read, read_settings
from gameday.errors import AwsError, GamedayError, Refused

from tests.doubles.shelf import ITEMS, LEVEL, POWER, REGION, Shelf, call, error, setting_change


class Answering:
    """An account that answers every read the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def call_all(self, calls: Any, paged: bool = False) -> list[Any]:
        return [self.answer for _ in calls]


# read -----------------------------------------------------------------------------------------------------------------


def test_many_resources_are_read_in_one_call() -> None:
    shelf = Shelf("a", "b", "c")
    shelf.things["b"]["Level"] = None
    found = read(LEVEL, ["a", "b", "c"], REGION, {}, shelf)
    assert {one: reading.value for one, reading in found.items()} == {"a": 1, "b": None, "c": 1}
    assert found["a"].row["token"] == 0
    assert shelf.reads == 1


def test_more_resources_than_a_read_takes_are_read_in_chunks() -> None:
    ids = [f"t{number}" for number in range(2 * CHUNK + 1)]
    shelf = Shelf(*ids)
    assert list(read(LEVEL, ids, REGION, {}, shelf)) == ids
    assert shelf.reads == 3


def test_a_read_that_is_not_plural_is_made_for_each() -> None:
    shelf = Shelf("a", "b")
    shelf.things["b"]["Power"] = "off"
    found = read(POWER, ["a", "b"], REGION, {}, shelf)
    assert (found["a"].value, found["b"].value) == ("on", "off")
    assert shelf.reads == 2


def test_rows_that_were_not_asked_for_are_dropped() -> None:
    answer = {"Things": [{"Id": "a", "Level": 1}, {"Id": "stranger", "Level": 2}]}
    assert list(read(LEVEL, ["a"], REGION, {}, Answering(answer))) == ["a"]


def test_one_resource_that_is_gone_does_not_hide_the_others() -> None:
    shelf = Shelf("a", "c")
    found = read(LEVEL, ["a", "b", "c"], REGION, {}, shelf)
    assert [found[one].gone for one in "abc"] == [False, True, False]
    assert found["c"].value == 1


def test_what_a_plural_read_does_not_list_is_gone() -> None:
    assert read(LEVEL, ["a"], REGION, {}, Answering({"Things": []}))["a"] == Observation(gone=True)


@pytest.mark.parametrize("answer", [{}, AwsError("shelf", "get_power", "NoPower", "none set")])
def test_a_setting_that_is_absent_is_no_resource_that_is_gone(answer: Any) -> None:
    reading = read(POWER, ["a"], REGION, {}, Answering(answer))["a"]
    assert (reading.value, reading.gone, reading.ready) == (None, False, True)


def test_a_read_that_fails_answers_with_its_error() -> None:
    shelf = Shelf("a", "b")
    denied = error("AccessDenied", "get_power")
    shelf.errors["get_power"] = [denied]
    found = read(POWER, ["a", "b"], REGION, {}, shelf)
    assert found["a"] is denied
    assert found["b"].value == "on"


@pytest.mark.parametrize("value", [0, False, [], ""])
def test_zero_and_empty_are_not_absent(value: Any) -> None:
    reading = read(LEVEL, ["a"], REGION, {}, Answering({"Things": [{"Id": "a", "Level": value}]}))["a"]
    assert reading.value == value
    assert reading.value is not None


def test_a_resource_in_passing_is_not_ready() -> None:
    shelf = Shelf("a", "b")
    shelf.things["a"] |= {"Power": "turning", "Status": "updating"}
    assert [read(POWER, ["a", "b"], REGION, {}, shelf)[one].ready for one in "ab"] == [False, True]
    assert [read(LEVEL, ["a", "b"], REGION, {}, shelf)[one].ready for one in "ab"] == [False, True]


def test_a_read_sees_the_arguments_of_each_resource() -> None:
    setting = Setting(
        name="x",
        about="",
        shape=Shape.SCALAR,
        read=Read(call=call("get_power", Id={"$": "args.real"}), rows="[{value: Power}]", plural=False),
    )
    shelf = Shelf("real")
    assert read(setting, ["alias"], REGION, {"alias": {"real": "real"}}, shelf)["alias"].value == "on"


def test_changes_of_many_settings_take_one_read_per_setting() -> None:
    shelf = Shelf("a", "b")
    changes = {
        7: setting_change(LEVEL),
        3: setting_change(ITEMS, "b"),
        5: setting_change(LEVEL, "b"),
        9: setting_change(POWER),
    }
    found = read_settings(changes, shelf)
    assert {key: reading.value for key, reading in found.items()} == {7: 1, 3: ["x"], 5: 1, 9: "on"}
    assert shelf.reads == 3


def test_invalid_setting_does_not_hide_other_readings() -> None:
    broken = LEVEL.model_copy(update={"name": "broken", "read": Read(call=LEVEL.read.call, rows="length(Nothing)")})
    found = read_settings({0: setting_change(broken), 1: setting_change(POWER)}, Shelf())
    assert isinstance(found[0], GamedayError)
    assert found[1].value == "on"


# writes ---------------------------------------------------------------------------------------------------------------


def operations(found: list[Any]) -> list[tuple[str, Any]]:
    return [(one.operation, one.params) for one in found]


def test_a_scalar_is_written_whole_with_what_was_just_read() -> None:
    now = Observation(1, {"id": "a", "value": 1, "token": 7})
    there = operations(setting_change(LEVEL, before=1, after=0).writes("after", now, {}))
    assert there == [("put_level", {"Id": "a", "Level": 0, "Token": 7})]


def test_nothing_is_written_by_the_call_that_clears() -> None:
    now = Observation(5, {"token": 7})
    assert operations(setting_change(LEVEL, before=None, after=5).writes("before", now, {})) == [
        ("clear_level", {"Id": "a"})
    ]


def test_a_switch_takes_the_call_of_its_position() -> None:
    power = setting_change(POWER, before="on", after="off")
    assert operations(power.writes("after", Observation("on"), {})) == [("turn_off", {"Id": "a"})]
    assert operations(power.writes("before", Observation("off"), {})) == [("turn_on", {"Id": "a"})]


def test_of_a_set_only_our_own_items_move() -> None:
    ours = setting_change(ITEMS, adds=("new", "newer"), removes=("old",))
    now = Observation(["stranger", "new"])
    assert operations(ours.writes("before", now, {})) == [
        ("remove_items", {"Id": "a", "Items": ["new"]}),
        ("add_items", {"Id": "a", "Items": ["old"]}),
    ]
    assert operations(ours.writes("after", now, {})) == [("add_items", {"Id": "a", "Items": ["newer"]})]


def test_a_value_that_no_call_writes_is_a_clear_error() -> None:
    with pytest.raises(GamedayError, match=r"no call sets thing\.power of a to broken"):
        setting_change(POWER, before="broken", after="off").writes("before", Observation("off"), {})


def test_strangers_items_do_not_count_for_how_a_set_stands() -> None:
    ours = setting_change(ITEMS, adds=("new",), removes=("old",))
    assert ours.reads_as("before", Observation(["old", "stranger"]))
    assert ours.reads_as("after", Observation(["stranger", "new"]))
    assert not ours.reads_as("before", Observation(["stranger"]))
    assert not ours.reads_as("after", Observation(["new", "old"]))


# capture --------------------------------------------------------------------------------------------------------------


def test_what_stands_now_is_what_undo_writes_back() -> None:
    shelf = Shelf("a", "b")
    shelf.things["b"]["Level"] = None
    captured = capture(LEVEL, {"a": 0, "b": 3}, REGION, shelf)
    assert [(one.id, one.before, one.after) for one in captured] == [("a", 1, 0), ("b", None, 3)]
    assert captured[0].about == "thing.level of a: 1 → 0"
    assert shelf.log == []


def test_a_value_known_only_later_is_captured_as_it_is_written() -> None:
    captured = capture(LEVEL, {"a": {"$": "made.level"}}, REGION, Shelf())
    assert captured[0].after == {"$": "made.level"}
    assert captured[0].about == "thing.level of a: 1 → {made.level}"


def test_of_a_set_only_what_really_changes_is_captured() -> None:
    shelf = Shelf("a")
    shelf.things["a"]["Items"] = ["x", "old"]
    captured = capture(ITEMS, {"a": {"adds": ["x", "new"], "removes": ["old", "never"]}}, REGION, shelf)
    assert (captured[0].adds, captured[0].removes) == (("new",), ("old",))


def test_what_would_change_nothing_is_left_out_and_said() -> None:
    said: list[str] = []
    shelf = Shelf("a", "b")
    assert capture(LEVEL, {"a": 1, "b": 2}, REGION, shelf, say=said.append)[0].id == "b"
    assert capture(ITEMS, {"a": {"adds": ["x"], "removes": []}}, REGION, shelf, say=said.append) == []
    assert said == ["thing.level of a already is 1", 'thing.items of a already is ["x"]']


def test_zero_is_not_what_absent_already_is() -> None:
    shelf = Shelf("a")
    shelf.things["a"]["Level"] = None
    assert capture(LEVEL, {"a": 0}, REGION, shelf)[0].before is None


def test_what_could_not_be_put_back_is_refused_with_every_reason() -> None:
    shelf = Shelf("a", "b", "c")
    shelf.things["b"]["Power"] = "turning"
    shelf.things["c"]["Power"] = "burnt"
    with pytest.raises(Refused) as refused:
        capture(POWER, {"a": "off", "b": "off", "c": "off", "d": "off"}, REGION, shelf)
    assert tuple(reason.text for reason in refused.value.reasons) == (
        'b is not ready for a change: thing.power reads {"value": "turning"}',
        "Gameday could not undo thing.power of c: no call sets it to burnt",
        "d does not exist: thing.power reads nothing",
    )


def test_a_set_that_cannot_be_emptied_again_is_refused() -> None:
    one_way = ITEMS.model_copy(update={"remove": None})
    with pytest.raises(Refused, match="could not undo"):
        capture(one_way, {"a": {"adds": ["new"], "removes": []}}, REGION, Shelf())


def test_a_read_that_fails_fails_the_plan() -> None:
    shelf = Shelf()
    shelf.errors["get_things"] = [error("AccessDenied", "get_things")]
    with pytest.raises(AwsError, match="AccessDenied"):
        capture(LEVEL, {"a": 0}, REGION, shelf)


def test_values_are_compared_in_the_settings_normal_form() -> None:
    setting = LEVEL.model_copy(update={"canonical": NormalForm.SORTED})
    shelf = Shelf("a")
    shelf.things["a"]["Level"] = "s-2,s-1"
    assert capture(setting, {"a": "s-1,s-2"}, REGION, shelf) == []
