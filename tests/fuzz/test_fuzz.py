"""A short sample of the fuzzer, the same each time; and that the fuzzer sees what it looks for."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from gameday.cli import run as cli_run
from gameday.errors import InvalidInput
from gameday.sdk.proxy import control_api

from tests.fuzz.cases import Case, failure_of, outcomes_of, shrunk
from tests.fuzz.commands import Theme
from tests.fuzz.mutations import EDGES, mutate
from tests.fuzz.projects import project


def case(theme: Theme = Theme.LOOK, seed: int = 1) -> Case:
    """A project without changes."""
    return Case(project(Random(seed)), "arguments", theme)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project that has run; the cases of this module share it."""
    return tmp_path_factory.mktemp("saved")


@pytest.mark.parametrize("number", range(10))
def test_fuzzed_case_ends_as_promised(tmp_path: Path, saved: Path, number: int) -> None:
    chosen = Case.of(7, number, saved)
    assert [outcome for outcome in outcomes_of(chosen, tmp_path / "project") if outcome.failure] == []


def test_project_without_changes_is_valid_and_can_be_planned(tmp_path: Path) -> None:
    outcomes = list(outcomes_of(case(), tmp_path / "project"))
    assert {outcome.code for outcome in outcomes if outcome.verb == "validate"} == {0}
    assert {outcome.verb for outcome in outcomes} >= {"plan", "check", "matrix", "proxy"}


def test_case_is_the_same_for_the_same_seed(saved: Path) -> None:
    assert [Case.of(7, number, saved) for number in range(10)] == [Case.of(7, number, saved) for number in range(10)]
    assert Case.of(7, 0, saved) != Case.of(8, 0, saved)


def test_mutation_changes_one_place_with_every_edge_in_reach() -> None:
    tree = {"a": 1, "b": [2, {"c": "x"}]}
    made = [mutate(tree, Random(seed)) for seed in range(2000)]
    assert tree == {"a": 1, "b": [2, {"c": "x"}]}
    seen = {repr(one["a"]) for one in made if isinstance(one, dict) and "a" in one}
    assert len(seen) > len(EDGES) / 2


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (KeyError("x"), "traceback: KeyError"),
        (InvalidInput("no", "x"), "valid, then exit 2"),
        (SystemExit(9), "exit 9"),
    ],
)
def test_fuzzer_sees_a_command_that_breaks_its_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, failure: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(cli_run, "make", broken)
    found = failure_of(case(), tmp_path / "project")
    assert found
    assert found.outcome.verb == "plan"
    assert found.outcome.failure.startswith(failure)


def test_fuzzer_sees_a_proxy_that_lists_what_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_api, "MOST_RULES", 0)
    rules = Case({"rules.yaml": project(Random(1))["rules.yaml"]}, "", Theme.LOOK)
    monkeypatch.setattr("tests.fuzz.commands._put", lambda *_: 500)
    found = failure_of(rules, tmp_path / "project")
    assert found
    assert found.outcome.verb == "proxy"


def test_shrinking_keeps_what_makes_the_case_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cli_run.load_any

    def strict(path: Path) -> object:
        if "customers" in Path("twin.yaml").read_text():
            raise KeyError("customers")
        return real(path)

    monkeypatch.setattr("gameday.cli.matrix.load_any", strict)
    whole = case()
    found = failure_of(whole, tmp_path / "project")
    assert found
    smaller = shrunk(whole, found, tmp_path / "project")
    assert len(smaller.files["twin.yaml"]) <= len(found.files["twin.yaml"])
    assert "customers" in smaller.files["twin.yaml"]
