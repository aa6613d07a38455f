"""Experiments written in a test: the keys of the file as keywords, with the same checks as the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from gameday.errors import InvalidInput
from gameday.faults.fault import Fault
from gameday.files.fault_entries import entry_of
from gameday.files.load import load_experiment
from gameday.files.loaded import LoadedExperiment
from gameday.files.yaml.mistake import InvalidFile, Mistake


def written(keys: dict[str, Any], item: pytest.Item) -> LoadedExperiment:
    """Load the experiment; name and hypothesis default to those of the test. Raises InvalidInput.

    A mistake shows the path of its key, like `guard.orders.at_least`.
    """
    name = _name(item.name)
    raw = {
        "version": 1,
        "kind": "experiment",
        "name": name,
        "hypothesis": _first_line(item) or name.replace("-", " "),
        **keys,
        "faults": [_fault(fault) for fault in _listed(keys.get("faults", []))],
    }
    try:
        text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise InvalidInput(
            f"gameday_run: YAML cannot hold a value: {why}",
            "write the value as in an experiment file",
            gd_code="GD-E121",
        ) from error
    with TemporaryDirectory() as folder:
        file = Path(folder) / "experiment.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            return load_experiment(file)
        except InvalidFile as wrong:
            paths = _paths(yaml.compose(text, yaml.SafeLoader))
            mistakes = [
                _named(mistake, item, paths) if mistake.file == str(file) else mistake for mistake in wrong.mistakes
            ]
    raise InvalidFile(mistakes)


Paths = dict[tuple[int, int], str]
"""(line, column) of each key and value in the text → the path of keys that leads to it."""


def _paths(root: yaml.Node | None) -> Paths:
    paths: Paths = {}
    left = [(root, "")] if root else []
    while left:
        node, path = left.pop(0)
        if paths.setdefault(_place(node), path) != path:
            continue  # YAML writes a value once that occurs in two places
        if isinstance(node, yaml.SequenceNode):
            left += [(child, f"{path}[{number}]") for number, child in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                at = f"{path}.{key.value}" if path else str(key.value)
                paths.setdefault(_place(key), at)
                left.append((value, at))
    return paths


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _named(mistake: Mistake, item: pytest.Item, paths: Paths) -> Mistake:
    """Name a mistake by the path of its key: the test has no line of YAML."""
    path = paths.get((mistake.line, mistake.column), "")
    return replace(mistake, file=f"{item.nodeid}: {path}" if path else item.nodeid, line=0, column=0, source="")


def _fault(fault: object) -> object:
    if isinstance(fault, Fault):
        return entry_of(fault)
    return fault


def _listed(raw: object) -> list[object]:
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def _name(text: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower().removeprefix("test_")).split()
    return "-".join(words)[:60].strip("-") or "experiment"


def _first_line(item: pytest.Item) -> str:
    doc = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return doc.strip().partition("\n")[0]
