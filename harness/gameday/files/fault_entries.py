"""The entries of `faults:`, each one fault of the catalogue and its fields: `- az-blackhole: {zone: us-east-1a}`."""

from __future__ import annotations

import json
from collections.abc import Mapping as Names
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from gameday.change import Json
from gameday.faults import CATALOGUE
from gameday.faults.fault import Fault
from gameday.files.entries import Entries
from gameday.files.yaml.document import Document, Loc
from gameday.files.yaml.mistake import Mistake
from gameday.files.yaml.validate import shaped
from gameday.text import one_of, quoted


def fault_from(raw: object) -> Fault:
    """Return the fault of an entry. Raises ValueError if the name or the fields are wrong."""
    if isinstance(raw, Fault):
        return raw
    if not isinstance(raw, dict) or len(raw) != 1:
        msg = "a fault is its name and its fields"
        raise ValueError(msg)
    ((name, fields),) = raw.items()
    if name not in CATALOGUE:
        msg = f"there is no fault {quoted(name)}: {one_of(name, CATALOGUE)}"
        raise ValueError(msg)
    return CATALOGUE[name].model_validate_json(json.dumps(fields or {}), strict=True)


def entry_of(fault: Fault) -> dict[str, Json]:
    """Return a fault as an entry: its name, and the fields that the file gave."""
    fields = fault.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {fault.name: {key: _as_written(value) for key, value in fields.items()}}


def _as_written(value: Json) -> Json:
    """Return a whole number without its point: people write 2, not 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


FaultEntry = Annotated[Fault, PlainValidator(fault_from), PlainSerializer(entry_of), WithJsonSchema({"type": "object"})]
"""A fault: a value in Python, and an entry in files."""


def read_faults(document: Document, environ: Names[str, str]) -> tuple[dict[Loc, Fault], list[Mistake]]:
    """Return the valid faults by the place of their fields, and the mistakes of the others."""
    faults: dict[Loc, Fault] = {}
    mistakes: list[Mistake] = []
    entries = Entries("faults", "fault", CATALOGUE, lambda name: CATALOGUE[name].example)
    for loc, name in entries.named(document, mistakes):
        fault, more = shaped(CATALOGUE[name], document, environ, loc)
        mistakes += more
        if fault:
            faults[loc] = fault
    return faults, mistakes
