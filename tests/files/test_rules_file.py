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
    ("entry", "place", "what", "remedy"),
    [
        (
            "throttle: {service: dynamdb}",
            "4:25",
            "AWS has no service `dynamdb`; did you mean `dynamodb`?",
            "boto3 names",
        ),
        ("fail: {service: s3, operation: PutObjct}", "4:36", "s3 has no operation `PutObjct`; did you mean", "PutItem"),
        ("fail: {service: s3, share: 150%}", "4:32", "a share is a number from 0% to 100%", "share"),
        ("delay: {service: s3}", "4:5", "a delay rule needs `wait`, like 400ms", ""),
        ("delay: {service: s3, wait: 400}", "4:32", "a duration needs a number and a unit", "wait"),
        ("timeout: {service: s3, code: X}", "4:5", "a timeout rule has no `code`; of its own it has: wait", ""),
        ("fail: {service: s3, status: 200}", "4:33", "`status` is at least 400; found `200`", "status"),
        ("fail: {service: s3, cod: X}", "4:25", "unknown key `cod`", "did you mean `code`?"),
        ("fail: {service: s3, kind: fail}", "4:25", "unknown key `kind`", "its name says it"),
        ("fial: {service: s3}", "4:5", "there is no rule `fial`", "did you mean `fail`?"),
        ("throttle", "4:5", "`throttle` does not say what it hits", "write `- throttle: {service: dynamodb"),
        ("throttle:", "4:5", "`service` is missing", "add `service:`"),
        (
            "{fail: {service: s3}, delay: {service: s3}}",
            "4:27",
            "one entry is one rule",
            "begin each rule with its own",
        ),
    ],
)
def test_a_wrong_rule_is_told_at_its_place(tmp_path: Path, entry: str, place: str, what: str, remedy: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(f"{HEAD}  - {entry}\n")
    with pytest.raises(InvalidFile) as wrong:
        load_rules(file)
    (mistake,) = wrong.value.mistakes
    assert f"{mistake.line}:{mistake.column}" == place
    assert what in mistake.what
    assert remedy in mistake.remedy


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "twin.yaml").write_text("version: 1\nkind: rules\nrules: []\n")
    with pytest.raises(InvalidFile, match="`rules` is empty"):
        load_rules(tmp_path / "twin.yaml")
