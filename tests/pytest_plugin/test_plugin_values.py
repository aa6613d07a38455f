"""Values of the plugin: the chart of a KPI, how a run ends its test, what can be asserted of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gameday.errors import InvalidInput
from gameday.pytest_plugin.outcome import ending_of
from gameday.pytest_plugin.view import RecordView
from gameday.report.sparkline import BARS, GAP, bar, scale, sparkline

from tests.report.sample import broken, held, spread, stuck
from tests.steady_state.streams import gauge, ratio


def test_a_chart_shows_the_fall_between_the_phases() -> None:
    bars, under = sparkline(broken(), "orders")
    before, during, after = bars.strip().partition(" ")[2].split("│")
    assert set(before) == {BARS[-1]}
    assert BARS[0] in during
    assert set(after[-3:]) == {BARS[-1]}
    assert [word.split()[0] for word in under.strip().partition(" ")[2].split("│")] == ["before", "during", "after"]
    assert [at for at, one in enumerate(bars) if one == "│"] == [at for at, one in enumerate(under) if one == "│"]


def test_noise_does_not_look_like_news() -> None:
    bars, _ = sparkline(held(), "pages")
    before = bars.strip().partition(" ")[2].partition("│")[0]
    assert set(before) <= set(BARS[4:])


def test_a_gap_is_shown_as_one_and_nothing_as_nothing() -> None:
    record = held()
    start, end = record.spans[2].start, record.spans[2].end
    events = tuple(
        replace(event, samples=tuple(one for one in event.samples if not start <= one.start < end))
        if event.type == "sampled"
        else event
        for event in record.events
    )
    bars, _ = sparkline(replace(record, events=events), "orders")
    assert GAP * 5 in bars
    none = tuple(event for event in record.events if event.type != "sampled")
    assert sparkline(replace(record, events=none), "orders") == ()


def test_each_outcome_ends_its_test() -> None:
    found = {name: ending_of(one) for name, one in {"held": held(), "broken": broken(), "stuck": stuck(held())}.items()}
    assert {name: ending for name, (ending, _) in found.items()} == {
        "held": "passed",
        "broken": "failed",
        "stuck": "error",
    }
    assert "The account is stuck." in found["stuck"][1]
    assert "conflict: change 7: was absent, is 5: somebody else changed it" in found["stuck"][1]
    assert ending_of(stuck(broken()))[0] == "error"


def test_contained_lists_the_broken_module_first() -> None:
    answer = RecordView(spread()).contained
    assert not answer
    assert "not contained: " in repr(answer)
    words = [line.split(":")[0].strip() for line in answer.why().splitlines()]
    assert next(one for one in words if one in ("broken", "unknown")) == "broken"


def test_a_recovery_is_judged_by_the_time_that_the_test_gives() -> None:
    view = RecordView(held())
    assert view.recovered_within("5m", sustained="30s")
    late = view.recovered_within("1s", sustained="30s")
    assert not late
    assert "not recovered within 1s of impact" in repr(late)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"within": "5"}, "within: a duration needs a number and a unit"),
        ({"within": "5m", "since": "effect"}, "from: Input should be 'impact' or 'undo'"),
        ({"within": "5m", "sustained": "long"}, "sustained: a duration needs"),
    ],
)
def test_a_mistake_in_a_question_is_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as raised:
        RecordView(held()).recovered_within(**given)
    assert "write it like record.recovered_within(" in str(raised.value)


@pytest.mark.parametrize(
    ("own", "values", "reach"),
    [
        (ratio(), [0.999, 1.0], (0.9, 1.0)),
        (ratio(), [0.2, 1.0], (0.2, 1.0)),
        (ratio(), [0.0, 0.02], (0.0, 0.1)),
        (gauge(), [4.0, 6.0], (0.0, 6.0)),
        (gauge(), [-2.0, -1.0], (-2.0, 0.0)),
    ],
)
def test_scale_of_shares_spans_ten_points_others_zero(own, values, reach) -> None:
    assert scale(own, values) == pytest.approx(reach)


def test_where_all_is_zero_the_bars_are_low() -> None:
    assert bar(0.0, *scale(gauge(), [0.0])) == BARS[0]
