"""A run that dies at any step is restored: a sample of `make crash-matrix`, with every fault and every point of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from gameday.faults import CATALOGUE
from gameday.testing import CallFailure

from tests.crash_matrix.kills import killing
from tests.crash_matrix.scenario import Key, Point, bench
from tests.crash_matrix.scenarios import play_all
from tests.crash_matrix.shapes import SHAPES
from tests.crash_matrix.troubles import ALL, ROW, troubles_of
from tests.crash_matrix.troubles import KINDS as TROUBLES

PLAIN = (
    "blackhole of 1 subnet",
    "isolate a module",
    "stop 1, replacing held",
    "stop 1 that no group holds",
    "terminate 1",
    "reboot 1",
    "throttle a function that reserves nothing",
    "throttle a table",
    "throttle a stage",
    "throttle a service for a program that is throttled already",
)
SMALL = ("blackhole of 1 subnet", "throttle a table", "stop 1 that no group holds")
SAMPLE = [
    *((shape, "plain") for shape in PLAIN),
    *((shape, kind) for shape in SMALL for kind in ("later", "rough", "troubles")),
    *((shape, kind) for shape in SMALL for kind in ("nonsense", "rows of nonsense", "drips")),
    ("throttle a function that reserves nothing", "rows of nonsense"),
    *((shape, "stranger") for shape in ("blackhole of 1 subnet", "throttle a table")),
    *((shape, kind) for shape in ("throttle a stage",) for kind in ("late", "pairs")),
]


@pytest.mark.parametrize(("shape", "kind"), SAMPLE)
def test_restore_after_any_death_leaves_nothing_behind(shape: str, kind: str) -> None:
    with bench(shape) as on:
        played = list(play_all(on, kind, thin=True))
    assert played
    assert [(str(one.key), one.dirt) for one in played if one.dirt] == []
    assert len({one.key for one in played}) == len(played)


def test_the_shapes_are_the_whole_catalogue() -> None:
    assert {shape.fault for shape in SHAPES.values()} == set(CATALOGUE)
    assert {SHAPES[name].fault for name in PLAIN} == set(CATALOGUE)


def test_the_sample_has_every_trouble() -> None:
    with bench("throttle a table") as on:
        assert {one.key.kind for one in play_all(on, "troubles", thin=True)} == set(CallFailure)


def test_the_matrix_has_every_kind_of_nonsense() -> None:
    calls = [*enumerate([False] * 40), (40, True)]
    kinds = {
        str(trouble)
        for kind in TROUBLES
        for at, is_write in calls
        for trouble in troubles_of(kind, at, is_write=is_write, thin=False)
    }
    assert kinds == {name for name, trouble in ALL.items() if not name.endswith(f"happened, {ROW} in a row")}


@pytest.mark.parametrize("shape", SHAPES)
def test_how_the_world_stands_tells_a_fault_from_none(shape: str) -> None:
    with bench(shape) as on:
        before = on.stand()
        on.inject_only()
        assert (on.stand() != before) == (not shape.startswith("reboot"))


def test_a_scenario_is_found_again_by_its_key() -> None:
    key = Key("throttle a table", "plain", Point(4, "after"), Point(2, "before"))
    assert Key.of(str(key)) == key


def test_a_process_that_is_really_killed_is_restored_by_another() -> None:
    """Between the write's effect and its answer, and in the middle of the undo."""
    name = "killed: throttle a table"
    with killing() as stage, ThreadPoolExecutor(3) as pool:
        requests = stage.requests(name, "200000000000")
        into, out = (at for at, one in enumerate(requests) if one == "UpdateTable")
        wanted = [Point(into, "after"), Point(out, "after")]
        done = [pool.submit(stage.play, name, f"20000000000{n}", point) for n, point in enumerate(wanted, 1)]
        assert [one.result()[1] for one in done] == [[], []]
