"""Each kind of mistake in a file carries its code."""

from __future__ import annotations

from pathlib import Path

import pytest
from gameday.files.load import load_experiment, validate_files
from gameday.files.starter import write_starter
from gameday.files.yaml.mistake import InvalidFile, MistakeKind

KINDS = [
    ("name: lose", "name: [lose", MistakeKind.SYNTAX),
    ("hypothesis: ", "hypothesis: ${NOT_SET_ANYWHERE} ", MistakeKind.VARIABLE),
    ("lasts: ", "lastz: ", MistakeKind.UNKNOWN_KEY),
    ("lasts: ", "x-lasts: ", MistakeKind.MISSING_KEY),
    ("allow: [irreversible]", "allow: irreversible", MistakeKind.WRONG_TYPE),
    ("from: impact", "from: impct", MistakeKind.BAD_VALUE),
    ("module: orders", "module: ordres", MistakeKind.BAD_REFERENCE),
    ("terminate-instance:", "terminat-instance:", MistakeKind.BAD_REFERENCE),
    ("kind: experiment", "kind: experiment\nkind: experiment", MistakeKind.DUPLICATE),
    ("allow: [irreversible]", "allow: [conflict-prone]", MistakeKind.UNSUPPORTED),
    ("version: 1", "version: 2", MistakeKind.UNSUPPORTED),
    ("allow: [irreversible]", "allow: []", MistakeKind.CONFLICT),
    ("workload: workload.yaml", "workload: twin.yaml", MistakeKind.WRONG_KIND),
]


def written(folder: Path, old: str, new: str) -> Path:
    """The starter's experiment with one text replaced."""
    file = next(path for path in write_starter(folder) if path.name == "lose-an-instance.yaml")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


@pytest.mark.parametrize(("old", "new", "kind"), KINDS)
def test_mistake_has_the_code_of_its_kind(tmp_path: Path, old: str, new: str, kind: MistakeKind) -> None:
    assert kind in {mistake.kind for mistake in validate_files([written(tmp_path, old, new)])}


def test_file_that_is_missing_has_its_code(tmp_path: Path) -> None:
    (mistake,) = validate_files([tmp_path / "no.yaml"])
    assert mistake.kind is MistakeKind.UNREADABLE


def test_invalid_file_shows_each_code_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as raised:
        load_experiment(written(tmp_path, "from: impact", "from: impct"))
    assert str(raised.value).count("[GD-") == 1
