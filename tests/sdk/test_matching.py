"""The choice of the rule that hits a request, as pure values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gameday.sdk.matching import Count, Request, choose, drawn, overlaps
from gameday.sdk.rule import KINDS, Rule
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

PUT = Request("dynamodb", "PutItem", "us-east-1")


def rule(kind: str = "throttle", service: str = "dynamodb", **fields: Any) -> Rule:
    return Rule.model_validate({"kind": kind, "service": service, **fields})


def hits(rules: list[Rule], requests: list[Request], seed: int = 0) -> Iterator[int | None]:
    counts = [Count() for _ in rules]
    for request in requests:
        position, counts = choose(rules, counts, request, seed)
        yield position


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({}, True),
        ({"operation": "PutItem"}, True),
        ({"operation": "put_item"}, True),
        ({"operation": "GetItem"}, False),
        ({"region": "us-east-1"}, True),
        ({"region": "eu-west-1"}, False),
        ({"service": "s3"}, False),
    ],
)
def test_means_compares_service_operation_region(fields: dict[str, str], meant: bool) -> None:
    assert list(hits([rule(**fields)], [PUT])) == [0 if meant else None]


def test_after_and_first_limit_the_hits() -> None:
    assert list(hits([rule(after=2, first=2)], [PUT] * 6)) == [None, None, 0, 0, None, None]


def test_choose_first_match_wins() -> None:
    rules = [rule(first=1), rule("delay", wait="1s", first=1), rule("fail")]
    assert list(hits(rules, [PUT] * 4)) == [0, 1, 2, 2]


@given(st.integers(0, 100), st.integers(0, 2**32))
def test_share_hits_its_share_repeatably(percent: int, seed: int) -> None:
    rules, requests = [rule(share=f"{percent}%")], [PUT] * 400
    positions = list(hits(rules, requests, seed))
    assert positions == list(hits(rules, requests, seed))
    # Six standard deviations of a binomial count, and all or nothing at the ends.
    spread = 6 * (400 * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(positions.count(0) - 4 * percent) <= spread


def test_drawn_differs_by_seed_and_position() -> None:
    streams = {tuple(drawn(seed, position, nth) < 0.5 for nth in range(64)) for seed in (0, 1) for position in (0, 1)}
    assert len(streams) == 4


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([rule(), rule("fail", operation="PutItem")], "never hits"),
        ([rule(share="50%"), rule("fail")], "the first match wins"),
        ([rule(operation="PutItem"), rule("fail")], "the first match wins"),
        ([rule(operation="PutItem"), rule("fail", operation="GetItem")], None),
        ([rule(region="us-east-1"), rule("fail", region="eu-west-1")], None),
        ([rule(), rule("fail", "s3")], None),
    ],
)
def test_overlaps_describes_overlapping_rules(rules: list[Rule], message: str | None) -> None:
    notes = list(overlaps(rules))
    assert [message in note for note in notes] == [True] if message else notes == []


@given(st.lists(st.builds(rule, share=st.just("40%"), after=st.integers(0, 3), first=st.integers(1, 3)), max_size=4))
def test_choose_keeps_every_rules_limits(rules: list[Rule]) -> None:
    positions = list(hits(rules, [PUT] * 50))
    for position, each in enumerate(rules):
        assert positions.count(position) <= (each.first or 50)
        assert position not in positions[: each.after]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"service": "dynamdb"}, "AWS has no service `dynamdb`; did you mean `dynamodb`?"),
        ({"operation": "PutItems"}, "dynamodb has no operation `PutItems`; did you mean `PutItem`?"),
        ({"operation": "put_itm"}, "dynamodb has no operation `put_itm`; did you mean `PutItem`?"),
        ({"share": "150%"}, "a share is a number from 0% to 100%"),
        ({"share": 0.5}, "a share is a number from 0% to 100% with its percent sign, like 99.5%; found 0.5"),
        ({"kind": "delay"}, "a delay rule needs `wait`, like 400ms"),
        ({"wait": "1s"}, "a throttle rule has no `wait`; its own keys: code, status"),
        ({"first": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_rule_raises_with_a_remedy(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        rule(**fields)
    assert message in str(wrong.value)


@pytest.mark.parametrize("kind", KINDS)
def test_rule_round_trips_through_json(kind: str) -> None:
    more = {"wait": "400ms"} if kind == "delay" else {}
    written = rule(kind, operation="put_item", share="12.5%", first=3, after=1, region="us-east-1", **more)
    assert Rule.model_validate_json(written.model_dump_json()) == written
    assert str(written).startswith(f"{kind} dynamodb.PutItem in us-east-1")
