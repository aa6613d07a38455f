"""The entries of `faults:`, each one fault of the catalogue and its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping as Names
from typing import TYPE_CHECKING

from harness.faults import CATALOGUE
from harness.spec.document import Document, Loc
from harness.spec.later import LATER_IN_FAULTS
from harness.spec.mistake import Mistake, one_of, quoted
from harness.spec.shape import shaped
from harness.spec.wording import found

if TYPE_CHECKING:
    from harness.faults.fault import Fault
    from harness.spec.experiment import Experiment


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
    written = document.data.get("faults")
    entries = written if isinstance(written, list) else []
    for index, entry in enumerate(entries):
        loc: Loc = ("faults", index)
        if mistake := _malformed(document, loc, entry):
            mistakes.append(mistake)
            entries[index] = {}  # said already
            continue
        (name,) = entry
        entry[name] = {} if entry[name] is None else entry[name]
        fault, more = shaped(CATALOGUE[name], document, environ, (*loc, name))
        mistakes += more
        if fault:
            faults[(*loc, name)] = fault
    return faults, mistakes


def _malformed(document: Document, loc: Loc, entry: object) -> Mistake | None:
    """Why an entry is not one fault that we know."""
    if isinstance(entry, dict):
        return _crowded(document, loc, list(entry)) or _strange(document, loc, next(iter(entry)))
    if isinstance(entry, str) and entry in CATALOGUE:
        return document.mistake(loc, f"`{entry}` does not say what it hits", f"write `- {CATALOGUE[entry].example}`")
    if isinstance(entry, str):
        return document.mistake(loc, f"there is no fault {quoted(entry)}", one_of(entry, CATALOGUE))
    return document.mistake(loc, f"a fault is its name and its fields; found {found(entry)}", _like())


def _crowded(document: Document, loc: Loc, names: list[str]) -> Mistake | None:
    """Why an entry is not one name."""
    for name in names:
        if name in LATER_IN_FAULTS:
            what, remedy = (
                f"`{name}` of a fault is not supported yet",
                "leave it out: all faults begin and end together",
            )
            return document.mistake((*loc, name), what, remedy, key=True)
    if not names:
        return document.mistake(loc, "no fault is named here", _like())
    if len(names) == 1:
        return None
    remedy = "begin each fault with its own `-`"
    if names[0] in CATALOGUE and names[1] not in CATALOGUE:
        remedy = f"a fault's fields stand under its name: `- {CATALOGUE[names[0]].example}`"
    listed = " and ".join(quoted(name) for name in names[:4])
    return document.mistake((*loc, names[1]), f"one entry is one fault; found {listed}", remedy, key=True)


def _strange(document: Document, loc: Loc, name: str) -> Mistake | None:
    if name in CATALOGUE:
        return None
    return document.mistake((*loc, name), f"there is no fault {quoted(name)}", one_of(name, CATALOGUE), key=True)


def _like() -> str:
    return f"write it like `- {next(iter(CATALOGUE.values())).example}`"
