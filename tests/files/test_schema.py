"""What the JSON Schemas promise: editors complete and check what the loader reads, and the committed ones are fresh."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from gameday.errors import InvalidInput
from gameday.faults import CATALOGUE
from gameday.files.load import validate_files
from gameday.files.schema import MODELS, as_text, schemas, write_schemas
from jsonschema import Draft7Validator

ROOT = Path(__file__).parent.parent.parent
EXPERIMENTS = ROOT / "experiments"
STARTER = ROOT / "harness" / "gameday" / "files" / "starter"
FILES = sorted([*EXPERIMENTS.rglob("*.yaml"), *STARTER.glob("*.yaml")])
SCHEMAS = schemas()


def wrong(data):
    """What an editor would underline."""
    return [error.message for error in Draft7Validator(SCHEMAS[data["kind"]]).iter_errors(data)]


def read(path):
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("kind", MODELS)
def test_the_committed_schemas_are_fresh(kind):
    committed = (EXPERIMENTS / f"{kind}.schema.json").read_text()
    assert committed == as_text(SCHEMAS[kind]), "stale: gameday schema experiments"


@pytest.mark.parametrize("kind", MODELS)
def test_a_schema_is_draft_7_and_explains_every_key(kind):
    Draft7Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$defs" not in as_text(SCHEMAS[kind])
    assert [key for key, below in SCHEMAS[kind]["properties"].items() if not below.get("description")] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_that_load_are_right_in_an_editor(path):
    assert validate_files([path]) == []
    assert wrong(read(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_name_the_schema_of_their_kind(path):
    first = path.read_text().splitlines()[0]
    kind = read(path)["kind"]
    folder = "../" if EXPERIMENTS in path.parents else ".schemas/"
    assert first == f"# yaml-language-server: $schema={folder}{kind}.schema.json"


EXPERIMENT = read(STARTER / "lose-an-instance.yaml")
WORKLOAD = read(STARTER / "workload.yaml")


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_is_spelled_out(name):
    assert wrong({**EXPERIMENT, "faults": [yaml.safe_load(CATALOGUE[name].example)]}) == []
    written = SCHEMAS["experiment"]["properties"]["faults"]["items"]["properties"][name]
    assert set(written["properties"]) == set(CATALOGUE[name].model_fields)
    assert CATALOGUE[name].example in written["description"]
    assert all(below.get("description") for below in written["properties"].values())


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (EXPERIMENT, {"hypotesis": "x"}),
        (EXPERIMENT, {"version": 2}),
        (EXPERIMENT, {"lasts": 5}),
        (EXPERIMENT, {"lasts": "5"}),
        (EXPERIMENT, {"steady_state": []}),
        (EXPERIMENT, {"faults": [{"reboot": {}}]}),
        (EXPERIMENT, {"faults": ["reboot-instance"]}),
        (EXPERIMENT, {"faults": [{"reboot-instance": {"moduel": "x"}}]}),
        (EXPERIMENT, {"faults": [{"reboot-instance": {}, "stop-instance": {}}]}),
        (EXPERIMENT, {"during": {"orders": "all"}}),
        (EXPERIMENT, {"detected_by": {}}),
        (WORKLOAD, {"account": "123"}),
        (WORKLOAD, {"production": "yes"}),
        (WORKLOAD, {"modules": {"Web": {"owns": {}}}}),
        (WORKLOAD, {"freezes": [{"from": "today", "to": "2026-12-20", "why": "x"}]}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_the_loader_refuses_is_underlined(base, change):
    assert wrong(base) == []
    assert wrong({**base, **change})


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (WORKLOAD, {"account": 111122223333}),
        (WORKLOAD, {"account": "${ACCOUNT}"}),
        (WORKLOAD, {"limits": {"instances": "${COUNT:-5}", "module_share": "50%"}}),
        (WORKLOAD, {"owns": {"tags": {"build": 12, "live": True}}}),
        (WORKLOAD, {"twin": None, "opt_in": None}),
        (WORKLOAD, {"x-anchors": {"any": ["thing"]}}),
        (EXPERIMENT, {"lasts": "1h30m", "region": None, "recovery": None}),
        (EXPERIMENT, {"during": {"orders": "any", "orders-latency": {"p99.9": "1s"}}}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_the_loader_reads_is_not_underlined(base, change):
    assert wrong({**base, **change}) == []


def test_defaults_are_shown_as_people_write_them():
    properties = SCHEMAS["experiment"]["properties"]
    assert properties["baseline"]["default"] == "5m"
    assert SCHEMAS["workload"]["definitions"]["Limits"]["properties"]["module_share"]["default"] == "50%"
    assert "default" not in properties["during"]


def test_schemas_are_written_into_a_folder(tmp_path):
    paths = write_schemas(tmp_path / "new")
    assert [path.name for path in paths] == [f"{kind}.schema.json" for kind in MODELS]
    assert json.loads(paths[0].read_text()) == SCHEMAS["workload"]


def test_a_folder_that_cannot_be_written_is_invalid_input(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"cannot write the schemas into (?s:.*)→ name another folder"):
        write_schemas(tmp_path / "file")
