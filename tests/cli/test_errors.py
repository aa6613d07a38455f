"""Every error and mistake carries a code, every code is explained, and the page of the reference is fresh."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from gameday import errors
from gameday.cli.errors import CODES, as_markdown, exit_of
from gameday.cli.guard_codes import GUARD_CODES
from gameday.cli.main import cli
from gameday.cli.mistake_codes import MISTAKES
from gameday.errors import AwsError, GamedayError, InvalidInput, Refused
from gameday.files.yaml.mistake import InvalidFile, MistakeKind

ROOT = Path(__file__).parent.parent.parent
CLASSES = {
    **{name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, GamedayError)},
    "InvalidFile": InvalidFile,
}


def codes_of_sites() -> set[tuple[str, str]]:
    """(class, code) of every place that raises an error with a code of its own."""
    found = set()
    for path in (ROOT / "harness" / "gameday").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                found |= {
                    (node.func.id, each.value.value)
                    for each in node.keywords
                    if each.arg == "gd_code" and isinstance(each.value, ast.Constant)
                }
    return found


SITES = codes_of_sites()


def test_each_code_has_a_form_that_stays() -> None:
    assert [code for code in CODES if not re.fullmatch(r"GD-(E\d{3}|[FPW]\d{2})", code)] == []
    assert list(CODES) == sorted(CODES)


def test_each_code_that_is_raised_is_explained_and_no_other() -> None:
    raised = {each.gd_code for each in CLASSES.values()} | {code for _, code in SITES}
    assert raised | {str(kind) for kind in MistakeKind} | set(GUARD_CODES) == set(CODES)


def test_each_mistake_kind_is_explained() -> None:
    assert set(MISTAKES) == {str(kind) for kind in MistakeKind}


def test_each_class_of_errors_has_a_code_of_its_own() -> None:
    codes = [each.gd_code for each in CLASSES.values()]
    assert len(codes) == len(set(codes))


def test_each_code_exits_as_its_class_does() -> None:
    sites = {*SITES, *((name, each.gd_code) for name, each in CLASSES.items())}
    assert [site for site in sites if exit_of(site[1]) != CLASSES[site[0]].exit] == []


def test_error_text_has_code_and_remedy() -> None:
    assert str(InvalidInput("what", "do", gd_code="GD-E106")) == "what [GD-E106]\n  → do"
    assert str(Refused(("a", "b"))) == "not injecting: a [GD-E200]\nnot injecting: b [GD-E200]"


def test_aws_error_keeps_the_code_of_aws_beside_its_own() -> None:
    error = AwsError("ec2", "run_instances", "Throttling", "slow down")
    assert (error.code, error.gd_code) == ("Throttling", "GD-E400")


@pytest.mark.parametrize("written", ["GD-E204", "gd-e204", "[GD-E204]"])
def test_errors_command_explains_a_code(written: str) -> None:
    result = CliRunner().invoke(cli, ["errors", written])
    assert (result.exit_code, result.output.partition(":")[0]) == (0, "GD-E204")


def test_errors_command_lists_all_codes() -> None:
    result = CliRunner().invoke(cli, ["errors"])
    assert [line.split()[0] for line in result.output.splitlines()] == list(CODES)


def test_errors_command_refuses_an_unknown_code() -> None:
    result = CliRunner().invoke(cli, ["errors", "GD-X1"])
    assert isinstance(result.exception, InvalidInput)


def test_reference_page_is_fresh() -> None:
    assert (ROOT / "docs" / "reference" / "errors.md").read_text() == as_markdown(), "run: python docs/generate.py"
