"""A small, frozen part of what `make bench` measures: planted dependencies are found, and gone with their cure."""

from __future__ import annotations

import pytest

from tests.planted.plant import PLANTS, RETRYING, world
from tests.planted.score import matrix_of, seed_of

FROZEN = {
    "missing timeout": 1,
    "shared pool": 2,
    "shared table": 0,
    "retry storm": 3,
}
"""Kind → the number of a workload of five modules that has one."""


@pytest.mark.parametrize(("kind", "number"), FROZEN.items(), ids=FROZEN)
def test_a_planted_dependency_is_found_and_its_cure_ends_it(kind: str, number: int) -> None:
    made = world(seed_of("dev", 5, number), 5)
    (planted,) = made.planted
    assert planted.kind == kind
    sick, cured = (matrix_of(graph, 7) for graph in (made.sick, made.cured))
    assert [(one.source, one.module) for one in sick.hidden][:1] == [(planted.source, planted.module)]
    assert cured.hidden == ()


@pytest.mark.parametrize("size", [5, 10, 20])
def test_workload_hides_one_dependency_for_each_five_modules(size: int) -> None:
    one, two = (world(seed_of("dev", size, 0), size) for _ in range(2))
    assert one == two
    assert len(one.planted) == size // 5
    for each in one.planted:
        assert each.kind in PLANTS
        assert each.module not in one.sick.needed_by(each.source)
        assert (
            each.module in one.sick.below(each.source)
            or each.kind == "retry storm"
            or each.source in one.sick.below(each.module)
        )


def test_planted_dependencies_never_overload_a_scarce_table() -> None:
    for number in range(60):
        made = world(seed_of("dev", 10, number), 10)
        for one in made.planted:
            assert one.kind not in RETRYING or not made.sick.scarce & made.sick.below(one.source)
