"""`gameday faults NAME --states`: the hazard table for people and for programs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from gameday.cli.reference import faults
from gameday.faults import CATALOGUE
from gameday.faults.hazards.table import rows
from gameday.report.states import as_json, terminal


@pytest.mark.parametrize("fault", CATALOGUE)
def test_json_has_a_row_for_each_state(fault: str) -> None:
    states = json.loads(as_json(fault))["states"]
    assert [(each["target"], each["state"]) for each in states] == [(row.target, row.state.name) for row in rows(fault)]
    assert all(each["source"] and each["outcome"] in ("works", "warns", "refuses") for each in states)


@pytest.mark.parametrize("fault", CATALOGUE)
def test_terminal_names_each_state_code_and_source(fault: str) -> None:
    text = terminal(fault)
    for row in rows(fault):
        assert row.state.name in text
        assert row.state.source in text
        assert row.answer.code in text
        assert row.answer.open in text


def test_terminal_of_an_unknown_fault_says_so() -> None:
    assert "no states" in terminal("of-another-package")


def test_states_option_prints_the_table() -> None:
    assert CliRunner().invoke(faults, ["stop-instance", "--states"]).output == terminal("stop-instance")
    shown = CliRunner().invoke(faults, ["stop-instance", "--states", "--json"]).output
    assert json.loads(shown)["fault"] == "stop-instance"


@pytest.mark.parametrize("arguments", [["--states"], ["--json"], ["stop-instance", "--json"]])
def test_states_option_needs_a_fault(arguments: list[str]) -> None:
    assert CliRunner().invoke(faults, arguments).exit_code == 2
