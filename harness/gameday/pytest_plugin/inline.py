"""An experiment written in a test: the keys of its file as keywords, checked as the file would be."""

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
    """The experiment; name and hypothesis are the test's where they are not given. Raises InvalidInput.

    A mistake is named by the path of its key, like `guard.orders.at_least`.
    """
    name = _name(item.name)
    raw = {
        "version": 1,
        "kind": "experiment",
        "name": name,
        "hypothesis": _first_line(item) or name.replace("-", " "),
        **keys,
        "faults": [_fault(one) for one in _listed(keys.get("faults", []))],
    }
    try:
        text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise InvalidInput(
            f"gameday_run: not a value of YAML: {told}", "write it as in an experiment file", gd_code="GD-E121"
        ) from error
    with TemporaryDirectory() as folder:
        file = Path(folder) / "experiment.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            return load_experiment(file)
        except InvalidFile as wrong:
            paths = _paths(yaml.compose(text, yaml.SafeLoader))
            mistakes = [_named(one, item, paths) if one.file == str(file) else one for one in wrong.mistakes]
    raise InvalidFile(mistakes)


Paths = dict[tuple[int, int], str]
"""Of each key and value, by its line and column in the text: the keys that lead to it."""


def _paths(root: yaml.Node | None) -> Paths:
    found: Paths = {}
    left = [(root, "")] if root else []
    while left:
        node, path = left.pop(0)
        if found.setdefault(_place(node), path) != path:
            continue  # one value at two places, which YAML writes once
        if isinstance(node, yaml.SequenceNode):
            left += [(one, f"{path}[{number}]") for number, one in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                at = f"{path}.{key.value}" if path else str(key.value)
                found.setdefault(_place(key), at)
                left.append((value, at))
    return found


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _named(mistake: Mistake, item: pytest.Item, paths: Paths) -> Mistake:
    """A mistake by the path of its key, in place of a line that nobody wrote."""
    path = paths.get((mistake.line, mistake.column), "")
    return replace(mistake, file=f"{item.nodeid}: {path}" if path else item.nodeid, line=0, column=0, source="")


def _fault(one: object) -> object:
    if isinstance(one, Fault):
        return entry_of(one)
    return one


def _listed(raw: object) -> list[object]:
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def _name(text: str) -> str:
    words = "".join(one if one.isalnum() else " " for one in text.lower().removeprefix("test_")).split()
    return "-".join(words)[:60].strip("-") or "experiment"


def _first_line(item: pytest.Item) -> str:
    doc = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return doc.strip().partition("\n")[0]
