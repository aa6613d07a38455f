from __future__ import annotations

import json
from typing import Any

import pytest
from gameday.change import NormalForm
from gameday.change.normal_form import canonical, items, same
from hypothesis import given
from hypothesis import strategies as st

PLAIN, SORTED, TEXT, DOCUMENT = NormalForm.PLAIN, NormalForm.SORTED, NormalForm.TEXT, NormalForm.DOCUMENT

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=10
)


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (PLAIN, 5, 5.0),
        (PLAIN, {"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}),
        (SORTED, ["sg-2", "sg-1"], ["sg-1", "sg-2"]),
        (SORTED, "subnet-b, subnet-a", "subnet-a,subnet-b"),
        (SORTED, "subnet-b,subnet-a", ["subnet-a", "subnet-b"]),
        (SORTED, [{"b": 1}, {"a": 2}], [{"a": 2}, {"b": 1}]),
        (SORTED, "", []),
        (TEXT, {"rate": 100.0, "on": True}, {"rate": "100", "on": "true"}),
        (TEXT, "0.50", 0.5),
        (DOCUMENT, '{"Action": "s3:Get*", "Effect": "Allow"}', {"Effect": "Allow", "Action": ["s3:Get*"]}),
        (DOCUMENT, {"Statement": {"Sid": "a"}}, {"Statement": [{"Sid": "a"}]}),
        (DOCUMENT, {"Statement": [{"Sid": "a"}, {"Sid": "b"}]}, {"Statement": [{"Sid": "b"}, {"Sid": "a"}]}),
        (DOCUMENT, {"Principal": {"AWS": ["b", "a"]}}, {"Principal": {"AWS": ["a", "b"]}}),
        (
            DOCUMENT,
            {"Principal": {"AWS": "111122223333"}},
            {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        ),
        (DOCUMENT, {"Principal": "*"}, {"Principal": {"AWS": "*"}}),
        (DOCUMENT, {"Condition": {"Bool": {"aws:Secure": True}}}, {"Condition": {"Bool": {"aws:Secure": ["true"]}}}),
    ],
)
def test_what_means_the_same_is_the_same(form: NormalForm, one: Any, other: Any) -> None:
    assert same(form, one, other)


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (PLAIN, 0, None),
        (PLAIN, 0, False),
        (PLAIN, 1, True),
        (PLAIN, [], None),
        (PLAIN, [1, 2], [2, 1]),
        (PLAIN, "1", 1),
        (SORTED, ["a"], ["a", "a"]),
        (SORTED, [], None),
        (SORTED, ["a"], ["b"]),
        (TEXT, "012345678901", "12345678901"),
        (TEXT, None, "None"),
        (TEXT, 0, False),
        (DOCUMENT, {"Effect": "Allow"}, {"Effect": "Deny"}),
        (DOCUMENT, {"Resource": "*"}, {"Resource": {"AWS": "*"}}),
        (DOCUMENT, {"Resource": "arn:aws:iam::111122223333:root"}, {"Resource": "111122223333"}),
        (DOCUMENT, {"Principal": {"AWS": "111122223333"}}, {"Principal": {"AWS": "999922223333"}}),
        (DOCUMENT, "not JSON", "not json"),
    ],
)
def test_what_means_something_else_is_not_the_same(form: NormalForm, one: Any, other: Any) -> None:
    assert not same(form, one, other)


def test_the_items_of_a_set_are_found_by_meaning() -> None:
    there = items(DOCUMENT, [{"Sid": "a", "Action": ["s3:*"]}, {"Sid": "b"}])
    assert there[canonical(DOCUMENT, {"Action": "s3:*", "Sid": "a"})] == {"Sid": "a", "Action": ["s3:*"]}
    assert items(PLAIN, None) == {}


@given(st.sampled_from(list(NormalForm)), values)
def test_a_value_is_the_same_as_itself_after_a_trip_through_json(form: NormalForm, value: Any) -> None:
    assert same(form, value, json.loads(json.dumps(value)))


@given(values, values)
def test_plain_values_are_the_same_exactly_where_their_json_is(one: Any, other: Any) -> None:
    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: typed(part) for key, part in value.items()}
        if isinstance(value, list):
            return [typed(part) for part in value]
        return (isinstance(value, bool), value)

    assert same(PLAIN, one, other) == (typed(one) == typed(other))


@given(st.lists(values, max_size=5), st.randoms())
def test_order_means_nothing_to_sorted(value: list[Any], random: Any) -> None:
    other = list(value)
    random.shuffle(other)
    assert same(SORTED, value, other)


def rewritten(value: Any, random: Any) -> Any:
    """A document as AWS might write it: keys and lists in another order, a list of one as that one, and the reverse."""
    if isinstance(value, dict):
        pairs = [(key, rewritten(part, random)) for key, part in value.items()]
        random.shuffle(pairs)
        return dict(pairs)
    if isinstance(value, list):
        parts = [rewritten(part, random) for part in value]
        random.shuffle(parts)
        return parts[0] if len(parts) == 1 and random.random() < 0.5 else parts
    return [value] if isinstance(value, str) and random.random() < 0.5 else value


statements = st.fixed_dictionaries(
    {"Sid": st.text(min_size=1, max_size=4), "Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Action": st.lists(st.sampled_from(["s3:*", "sqs:SendMessage", "kms:Decrypt"]), min_size=1, max_size=3),
        "Principal": st.sampled_from(["*", {"AWS": ["111122223333", "444455556666"]}, {"Service": "sns"}]),
        "Resource": st.lists(st.sampled_from(["*", "arn:aws:s3:::b"]), min_size=1, max_size=2),
    },
)


@given(st.lists(statements, min_size=1, max_size=4), st.randoms(), st.booleans())
def test_a_policy_is_the_same_however_it_is_written(written: list[Any], random: Any, as_text: bool) -> None:
    policy = {"Version": "2012-10-17", "Statement": written}
    other = rewritten(policy, random)
    assert same(DOCUMENT, policy, json.dumps(other, indent=random.choice([None, 1])) if as_text else other)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_a_number_is_the_same_as_its_text(value: Any) -> None:
    assert same(TEXT, value, str(value))
