"""An experiment written in a test: the keys of its file as keywords, checked as the file would be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from harness.errors import InvalidInput
from harness.faults.fault import Fault
from harness.spec.load import load_experiment
from harness.spec.loaded import LoadedExperiment
from harness.spec.mistake import InvalidFile


def written(keys: dict[str, Any], item: pytest.Item) -> LoadedExperiment:
    """The experiment; name and hypothesis are the test's where they are not given. Raises InvalidInput."""
    name = _name(item.name)
    raw = {
        "version": 1,
        "kind": "experiment",
        "name": name,
        "hypothesis": _first_line(item) or name.replace("-", " "),
        **keys,
        "faults": [_fault(one) for one in _listed(keys.get("faults", []))],
    }
    with TemporaryDirectory() as folder:
        file = Path(folder) / "experiment.yaml"
        try:
            file.write_text(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True), encoding="utf-8")
        except yaml.YAMLError as error:
            told = " ".join(str(error).split())
            raise InvalidInput(
                f"gameday_run: not a value of YAML: {told}", "write it as in an experiment file"
            ) from error
        try:
            return load_experiment(file)
        except InvalidFile as wrong:
            here = f"{item.nodeid}, as YAML"
            mistakes = [replace(one, file=here) if one.file == str(file) else one for one in wrong.mistakes]
    raise InvalidFile(mistakes)


def _fault(one: object) -> object:
    if isinstance(one, Fault):
        return {one.name: one.model_dump(mode="json", by_alias=True, exclude_unset=True)}
    return one


def _listed(raw: object) -> list[object]:
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def _name(text: str) -> str:
    words = "".join(one if one.isalnum() else " " for one in text.lower().removeprefix("test_")).split()
    return "-".join(words)[:60].strip("-") or "experiment"


def _first_line(item: pytest.Item) -> str:
    doc = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return doc.strip().partition("\n")[0]
