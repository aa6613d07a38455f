"""The entries of `faults:`, each one fault of the catalogue and its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping as Names
from typing import TYPE_CHECKING

from gameday.faults import CATALOGUE
from gameday.files.entries import Entries
from gameday.files.yaml.document import Document, Loc
from gameday.files.yaml.mistake import Mistake
from gameday.files.yaml.validate import shaped

if TYPE_CHECKING:
    from gameday.faults.fault import Fault
    from gameday.files.experiment import Experiment


def faults_of(experiment: Experiment) -> tuple[Fault, ...]:
    """The faults of an experiment that was loaded."""
    return tuple(
        CATALOGUE[name].model_validate_json(json.dumps(fields or {}), strict=True)
        for entry in experiment.faults
        for name, fields in entry.items()
    )


def read_faults(document: Document, environ: Names[str, str]) -> tuple[dict[Loc, Fault], list[Mistake]]:
    """The faults that are right in themselves, each with where its fields stand, and the mistakes of the others."""
    faults: dict[Loc, Fault] = {}
    mistakes: list[Mistake] = []
    entries = Entries("faults", "fault", {name: fault.example for name, fault in CATALOGUE.items()})
    for loc, name in entries.named(document, mistakes):
        fault, more = shaped(CATALOGUE[name], document, environ, loc)
        mistakes += more
        if fault:
            faults[loc] = fault
    return faults, mistakes
