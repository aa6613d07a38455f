"""The public surface is what docs/reference/stability.md lists, and `import gameday` is light."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import gameday
import pytest
from gameday.engine.sqlite import SCHEMA
from gameday.errors import Exit
from gameday.files.loader import VERSION as FILE_VERSION
from gameday.records.record import VERSION as RECORD_VERSION
from gameday.report.json_lines import FORMAT

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "stability.md").read_text()
MODULES = re.findall(r"^\| `(gameday[a-z_.]*)` \|", PAGE, re.M)
LISTED = {
    module: re.findall(r"`(\w+)`", names)
    for module, names in re.findall(r"^### `([a-z_.]+)`\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
}


@pytest.mark.parametrize("module", LISTED)
def test_listed_names_are_all_of_the_module(module: str) -> None:
    assert LISTED[module] == sorted(import_module(module).__all__)


@pytest.mark.parametrize("module", MODULES)
def test_public_module_can_be_imported(module: str) -> None:
    assert import_module(module).__doc__


def test_modules_with_a_list_are_public() -> None:
    assert {"gameday", "gameday.sdk", "gameday.testing"} == set(LISTED) <= set(MODULES)


@pytest.mark.parametrize("name", gameday.__all__)
def test_public_name_is_there(name: str) -> None:
    assert getattr(gameday, name) is not None
    assert name in dir(gameday)


def test_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = gameday.nothing


def test_import_of_gameday_loads_nothing_else() -> None:
    code = """
import sys, gameday
print([name for name in sys.modules if name.startswith(("gameday.", "pydantic", "boto"))])
"""
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed == "[]\n"


def test_page_names_the_versions_of_the_formats() -> None:
    assert f"`version: {FILE_VERSION}` at the top" in PAGE
    assert f"`format` in the first line, now {FORMAT} |" in PAGE
    assert f"`version`, now {RECORD_VERSION} |" in PAGE
    assert f"| schema {SCHEMA} |" in PAGE


def test_page_lists_every_exit_code() -> None:
    assert re.findall(r"^\| (\d+) \|", PAGE, re.M) == [f"{code:d}" for code in Exit]
