from __future__ import annotations

from typing import Any

import pytest
from gameday.change import Call
from gameday.change.placeholders import bind, fill, search, shown, unbound
from gameday.errors import GamedayError
from hypothesis import assume, given
from hypothesis import strategies as st

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def test_a_placeholder_stands_for_what_its_path_finds() -> None:
    params = {"Id": {"$": "id"}, "Filters": [{"Values": {"$": "ids"}}], "Assoc": {"$": "row.association"}}
    bindings = {"id": "s-1", "ids": ["s-1", "s-2"], "row": {"association": "a-9"}}
    assert fill(params, bindings) == {"Id": "s-1", "Filters": [{"Values": ["s-1", "s-2"]}], "Assoc": "a-9"}


def test_braces_inside_strings_are_never_touched() -> None:
    policy = '{"Resource": "arn:aws:s3:::${aws:username}/{$}", "$": "id"}'
    assert fill({"Policy": policy}, {"id": "x"}) == {"Policy": policy}


@pytest.mark.parametrize("falsy", [0, False, "", [], {}])
def test_zero_false_and_empty_are_values_and_not_unbound(falsy: Any) -> None:
    assert fill({"Value": {"$": "value"}}, {"value": falsy}) == {"Value": falsy}


def test_an_unbound_placeholder_is_a_clear_error() -> None:
    with pytest.raises(GamedayError, match=r"`made\.acl` has no value; the bindings are id, made") as error:
        bind(Call(service="ec2", operation="x", params={"Acl": {"$": "made.acl"}}), {"id": "s-1", "made": {}})
    assert error.value.remedy


def test_a_path_that_makes_no_sense_is_a_clear_error() -> None:
    with pytest.raises(GamedayError, match=r"JMESPath `made\.\.acl` fails"):
        fill({"$": "made..acl"}, {"made": {}})
    with pytest.raises(GamedayError, match=r"JMESPath `length\(id\)` fails"):
        search("length(id)", {"id": 5})


def test_an_object_with_more_than_the_one_key_is_data() -> None:
    data = {"$": "id", "other": 1}
    assert fill(data, {"id": "x"}) == data
    assert fill({"$": 5}, {}) == {"$": 5}


def test_unbound_lists_each_placeholder_once_in_order() -> None:
    params = {"A": {"$": "made.acl"}, "B": [{"$": "id"}, {"C": {"$": "made.acl"}}], "D": "{$: no}"}
    assert unbound(params) == ("made.acl", "id")


def test_the_run_id_is_never_shown() -> None:
    params = {"Tag": "run-77", "Name": "gameday-acl-run-77", "Acl": {"$": "made.acl"}, "N": 3}
    assert shown(params, "run-77") == {"Tag": "{run}", "Name": "gameday-acl-{run}", "Acl": "{made.acl}", "N": 3}


@given(json_values)
def test_what_has_no_placeholder_comes_back_as_it_was(value: Any) -> None:
    assume(not unbound(value))
    assert fill(value, {}) == value


@given(json_values, json_values.filter(lambda value: value is not None))
def test_filling_leaves_no_placeholder_behind(value: Any, bound: Any) -> None:
    assume(not unbound(value) and not unbound(bound))
    filled = fill({"deep": [value, {"$": "known"}]}, {"known": bound})
    assert filled == {"deep": [value, bound]}
    assert unbound(filled) == ()
