"""The second emulator: the laws of `gameday conform` and the storefront's runs hold where it carries the calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.conform.cases import cases
from gameday.errors import Exit

from tests.emulator.cases import CARRIED, NOT_CARRIED, RUNS
from tests.emulator.play import conform, experiment
from tests.emulator.server import MISSING, PROGRAM, emulator
from tests.emulator.storefront import Storefront

needs_emulator = pytest.mark.skipif(not PROGRAM.exists(), reason=MISSING)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with emulator() as url:
        yield url


def test_every_case_and_run_is_carried_or_listed() -> None:
    experiments = {path.stem for path in (Path(__file__).parents[2] / "experiments" / "storefront").glob("*-*.yaml")}
    names = {case.name for case in cases("us-east-1", "run", "111122223333", "aws")} | experiments
    assert names == {*CARRIED, *RUNS, *NOT_CARRIED}
    assert not {*CARRIED, *RUNS} & NOT_CARRIED.keys()


@needs_emulator
@pytest.mark.parametrize("name", CARRIED)
def test_laws_hold_on_the_second_emulator(name: str, url: str, tmp_path: Path) -> None:
    found = conform(url, tmp_path, name)
    assert found.code == Exit.HELD, found.said
    assert {law["held"] for law in found.laws} == {True}


@pytest.fixture(scope="module")
def world(url: str) -> Storefront:
    world = Storefront(url)
    world.build()
    return world


@needs_emulator
@pytest.mark.parametrize("name", RUNS)
def test_storefront_run_on_the_second_emulator(name: str, url: str, world: Storefront, tmp_path: Path) -> None:
    world.files(tmp_path)
    found = experiment(url, tmp_path, world, name)
    assert found.code == Exit.HELD, found.said
    assert "account restored" in found.said
    assert world.limits == {"payments": None, "recommendations": None}
