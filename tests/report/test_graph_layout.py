"""Graphs in layers: dependents are left, nodes never overlap, and long edges bend between."""

from __future__ import annotations

from itertools import pairwise

from gameday.report.graph_layout import BEND, layered
from hypothesis import given
from hypothesis import strategies as st

NAMES = tuple("abcdefgh")
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


def test_chain_is_a_row_and_a_shortcut_bends_around_it() -> None:
    drawn = layered("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    assert [drawn.places[name][0] for name in "abc"] == [0, 1, 2]
    ((layer, height),) = drawn.bends["a", "c"]
    assert layer == 1
    assert abs(height - drawn.places["b"][1]) >= (1 + BEND) / 2 - 1e-9


def test_the_last_link_of_a_cycle_runs_against_the_grain() -> None:
    drawn = layered("ab", [("a", "b"), ("b", "a")])
    assert drawn.places["a"][0] < drawn.places["b"][0]
    assert set(drawn.bends) == {("a", "b")}


@given(EDGES)
def test_edges_run_right_and_nodes_never_overlap(edges: list[tuple[str, str]]) -> None:
    drawn = layered(NAMES, edges)
    assert layered(NAMES, edges) == drawn
    assert set(drawn.bends) <= set(edges)
    for (start, end), bends in drawn.bends.items():
        layers = [drawn.places[start][0], *(layer for layer, _ in bends), drawn.places[end][0]]
        assert layers == list(range(layers[0], layers[0] + len(layers)))
    places = [*drawn.places.values(), *(bend for bends in drawn.bends.values() for bend in bends)]
    for layer in {layer for layer, _ in places}:
        heights = sorted(height for at, height in places if at == layer)
        assert all(0 < height < drawn.rows for height in heights)
        assert all(b - a >= BEND - 1e-9 for a, b in pairwise(heights))
