"""The rules file: what it becomes, and its mistakes at their places."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from gameday.files.load import load_rules
from gameday.files.schema import schemas
from gameday.files.yaml.mistake import InvalidFile
from gameday.sdk.rule import EXAMPLES, Rule
from jsonschema import Draft7Validator
from syrupy.assertion import SnapshotAssertion

HEAD = "version: 1\nkind: rules\nrules:\n"


def test_every_example_of_a_rule_loads_and_is_right_in_an_editor(tmp_path: Path) -> None:
    text = HEAD.replace("rules:\n", "seed: 7\nrules:\n") + "".join(f"  - {example}\n" for example in EXAMPLES.values())
    (tmp_path / "rules.yaml").write_text(text)
    loaded = load_rules(tmp_path / "rules.yaml")
    assert [rule.kind for rule in loaded.rules] == list(EXAMPLES)
    assert loaded.rules[0] == Rule(kind="throttle", service="dynamodb", operation="PutItem", share="50%")
    assert loaded.seed == 7
    assert list(Draft7Validator(schemas()["rules"]).iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("throttle: {service: dynamdb}", "4:25"),
        ("fail: {service: s3, operation: PutObjct}", "4:36"),
        ("fail: {service: s3, share: 150%}", "4:32"),
        ("delay: {service: s3}", "4:5"),
        ("delay: {service: s3, wait: 400}", "4:32"),
        ("timeout: {service: s3, code: X}", "4:5"),
        ("fail: {service: s3, status: 200}", "4:33"),
        ("fail: {service: s3, cod: X}", "4:25"),
        ("fail: {service: s3, kind: fail}", "4:25"),
        ("fial: {service: s3}", "4:5"),
        ("throttle", "4:5"),
        ("throttle:", "4:5"),
        ("{fail: {service: s3}, delay: {service: s3}}", "4:27"),
    ],
)
def test_invalid_rule_is_reported_at_its_place(
    tmp_path: Path, entry: str, place: str, snapshot: SnapshotAssertion
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(f"{HEAD}  - {entry}\n")
    with pytest.raises(InvalidFile) as wrong:
        load_rules(file)
    (mistake,) = wrong.value.mistakes
    assert f"{mistake.line}:{mistake.column}" == place
    assert f"{mistake.what}\n→ {mistake.remedy}" == snapshot


def test_file_of_other_kind_is_reported(tmp_path: Path) -> None:
    (tmp_path / "twin.yaml").write_text("version: 1\nkind: rules\nrules: []\n")
    with pytest.raises(InvalidFile, match="`rules` is empty"):
        load_rules(tmp_path / "twin.yaml")
