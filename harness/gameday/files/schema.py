"""JSON Schemas of the files, for editors: they complete and check what people write, before `gameday validate` does.

Draft 7 (https://json-schema.org/draft-07), which YAML's language server reads. Pydantic writes draft 2020-12; the only
difference that matters here is the name of `$defs`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gameday.errors import InvalidInput
from gameday.faults import CATALOGUE
from gameday.files.experiment import Experiment
from gameday.files.fault_entries import FaultTimes
from gameday.files.gameday import Gameday
from gameday.files.rules_file import RulesFile
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.sdk.rule import EXAMPLES, OWN_FIELDS, Rule, RuleKind
from gameday.steady_state.kpi.source import SOURCES, SourceSpec
from gameday.steady_state.kpi.units import exact_duration, exact_rate, exact_share
from gameday.steady_state.registry import Unusable

if TYPE_CHECKING:
    from gameday.change import Json

MODELS: dict[str, type[BaseModel]] = {
    "workload": Workload,
    "experiment": Experiment,
    "gameday": Gameday,
    "twin": TwinFile,
    "rules": RulesFile,
}

_VARIABLE = r"\$\{"
"""A variable may expand to a text of any form."""


_NOISE = {"title", "propertyNames"}
"""Keywords that are useless to an editor: names of our classes."""
_LIMITS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
"""Pydantic's names for the limits of what a text means. No keyword of JSON Schema states them, so words do."""


def schemas() -> dict[str, dict[str, Json]]:
    """Return the JSON Schema of each kind of file."""
    return {kind: _schema(model) for kind, model in MODELS.items()}


def write_schemas(folder: Path) -> list[Path]:
    """Write KIND.schema.json for each kind into a folder, and return the paths. Raises InvalidInput."""
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, schema in schemas().items():
            path = folder / f"{kind}.schema.json"
            path.write_text(as_text(schema), encoding="utf-8")
            paths.append(path)
    except OSError as error:
        raise InvalidInput(
            f"Gameday cannot write the schemas into {folder}: {error.strerror}",
            "name another folder",
            gd_code="GD-E108",
        ) from error
    return paths


def as_text(schema: dict[str, Json]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel]) -> dict[str, Json]:
    raw = model.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = raw.pop("$defs", {})
    if model is Workload:
        definitions["SourceSpec"] = _sources(definitions)
    if model is Experiment:
        raw["properties"]["faults"]["items"] = _fault_entry(definitions)
    if model is RulesFile:
        raw["properties"]["rules"]["items"] = _entry("rule", {kind: _rule(kind) for kind in EXAMPLES})
    whole = _every({**raw, "definitions": definitions}, _for_editors)
    top = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Gameday: {raw['properties']['kind']['const']}",
    }
    return {**top, **whole, "patternProperties": {"^x-": {"description": "ignored: a place for anchors"}}}


def _fault_entry(definitions: dict[str, Json]) -> Json:
    """Return the schema of one fault: its name, and its fields."""
    faults: dict[str, Json] = {}
    for name, fault in CATALOGUE.items():
        fields = fault.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
        definitions.update(fields.pop("$defs", {}))
        about = f"{cleandoc(fault.__doc__ or '')}\n\nUndo: {fault.undo}.\nExample: {fault.example}"
        faults[name] = {**fields, "description": about}
    beside = FaultTimes.model_json_schema(by_alias=True)["properties"]
    return _entry("fault", faults, beside)


def _sources(definitions: dict[str, Json]) -> Json:
    """Return the schema of a KPI's source. Raises InvalidInput if the source of an installed package is unusable."""
    try:
        for source in SOURCES.values():
            fields = source.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
            definitions.update(fields.pop("$defs", {}))
            definitions[source.__name__] = {**fields, "description": _described(source)}
        listed: list[Json] = [{"$ref": f"#/definitions/{source.__name__}"} for source in SOURCES.values()]
    except Unusable as error:
        raise InvalidInput(error.what, error.remedy, gd_code="GD-E122") from error
    return {"description": cleandoc(SourceSpec.__doc__ or ""), "anyOf": listed}


def _described(source: type[SourceSpec]) -> str:
    return f"{cleandoc(source.__doc__ or '')}\n\nExample: {source.example}"


def _rule(kind: RuleKind) -> Json:
    """Return the fields of one kind of rule, without the fields of other kinds."""
    fields = Rule.model_json_schema(by_alias=True)
    others = {"kind", *frozenset().union(*OWN_FIELDS.values())} - OWN_FIELDS[kind]
    for name in others:
        del fields["properties"][name]
    required = ["service", *(["wait"] if kind == "delay" else [])]
    about = f"{cleandoc(Rule.__doc__ or '')}\n\nExample: {EXAMPLES[kind]}"
    return {**fields, "required": required, "description": about}


def _entry(noun: str, named: dict[str, Json], beside: Mapping[str, Json] = MappingProxyType({})) -> Json:
    """Return the schema of an entry: one of the names, and the keys that may be beside it."""
    one_name: dict[str, Json] = {"oneOf": [{"required": [name]} for name in named]} if beside else {"minProperties": 1}
    return {
        "description": f"one {noun}: its name, and its fields",
        "type": "object",
        "properties": {**named, **beside},
        "additionalProperties": False,
        **one_name,
        "maxProperties": 1 + len(beside),
    }


def _each(value: Json, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Json:
    """Return a value with every schema in it changed."""
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    return _every(value, change) if isinstance(value, dict) else value


def _every(value: dict[str, Json], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Json]:
    """Return a schema with every schema in it changed; keys of `properties` and `definitions` are no keywords."""
    if value.get("format") == "kpi-source":  # see `SourceSpec`
        return {"$ref": "#/definitions/SourceSpec"}
    changed = change(value)
    for key, below in changed.items():
        if key in ("properties", "definitions", "patternProperties"):
            changed[key] = {name: _each(each, change) for name, each in below.items()}
        elif key in ("items", "additionalProperties", "propertyNames", "anyOf", "oneOf", "allOf"):
            changed[key] = _each(below, change)
    return changed


def _for_editors(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove noise, and allow what the loader allows: variables, and plain scalars as texts."""
    kept = {key: value for key, value in schema.items() if key not in _NOISE}
    if (default := _default(kept)) is None:
        kept.pop("default", None)
    else:
        kept["default"] = default
    limits = ", ".join(f"{words} {_as_written(kept.pop(key), kept)}" for key, words in _LIMITS.items() if key in kept)
    if limits:
        kept["description"] = f"{kept['description']} ({limits})" if "description" in kept else limits
    if "description" in kept:
        kept["description"] = cleandoc(kept["description"])
    if [each.get("type") for each in kept.get("anyOf", ())][1:] == ["null"]:
        return _or_nothing(kept)
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    if "const" in kept or "enum" in kept:
        return kept
    if kept.get("format") == "date":
        kept["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    if "pattern" in kept:
        return {**kept, "pattern": f"{kept['pattern']}|{_VARIABLE}"}
    if kept.get("type") == "string":
        return {**kept, "type": ["string", "number", "boolean"]}
    if kept.get("type") in ("integer", "number", "boolean"):
        return {**kept, "type": [kept["type"], "string"], "pattern": _VARIABLE}
    return kept


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `X or null` as one schema, if X is a plain type."""
    one, null = schema["anyOf"]
    if "type" not in one or one.keys() & {"const", "enum"}:
        return schema
    whole = _for_editors({**one, **{key: value for key, value in schema.items() if key != "anyOf"}})
    types = whole["type"] if isinstance(whole["type"], list) else [whole["type"]]
    return {**whole, "type": [*types, null["type"]]}


def _default(schema: dict[str, Any]) -> str | float | None:
    """Return a default as people write it, where it is a scalar."""
    default = schema.get("default")
    if isinstance(default, float) and schema.get("type") == "string":
        return _as_written(default, schema)
    return default if isinstance(default, str | int | float) else None


def _as_written(value: float, schema: dict[str, Any]) -> str:
    """Return a value as the texts of its field write it; the field's example shows how."""
    like = str(schema.get("examples", [""])[0])
    if like.endswith("%"):
        return exact_share(value)
    return exact_rate(value) if like.endswith("/s") else exact_duration(value)
