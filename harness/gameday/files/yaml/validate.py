"""Validate a document by the model of its kind: return the value, or every mistake with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping as Names
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from gameday.files.yaml.document import Document, Loc, entry_at, value_at
from gameday.files.yaml.messages import worded
from gameday.files.yaml.mistake import Mistake
from gameday.files.yaml.model_at import Shape
from gameday.files.yaml.parser import Node, Scalar
from gameday.files.yaml.scalars import text_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from gameday.change import Json

M = TypeVar("M", bound=BaseModel)


def shaped(
    model: type[M], document: Document, environ: Names[str, str], at: Loc = (), apart: str = ""
) -> tuple[M | None, list[Mistake]]:
    """Return the value at a place of the document, or None and its mistakes.

    It leaves out mistakes in the entries below the key `apart`, which other code reads. A field that needs a text takes
    a plain scalar as the file has it, and `document.data` then holds that text.
    """
    raw = value_at(document.data, at)
    value, errors = _validated(model, raw)
    if value is None and _take_as_text(raw, _node(document.root, at), errors, environ):
        value, errors = _validated(model, raw)
    ours = [each for each in errors if not (apart and each["loc"][0] == apart and each["loc"][1:])]
    return value, list(worded(Shape(model, raw), document, at, ours))


def sound_parts(model: type[BaseModel], data: dict[str, Json]) -> dict[str, Any]:
    """Return the valid fields of a model; of mappings, the valid entries."""
    parts = {}
    for name, field in model.model_fields.items():
        raw = data.get(field.alias or name)
        if raw is None and not field.is_required():
            parts[name] = field.get_default()
        elif raw is not None:
            with suppress(ValidationError):
                parts[name] = _sound(_adapter(model, name), raw)
    return parts


def _sound(adapter: TypeAdapter[Any], raw: Json) -> Any:
    try:
        return adapter.validate_json(json.dumps(raw), by_alias=True, by_name=False)
    except ValidationError as error:
        if not isinstance(raw, dict):
            raise
        wrong = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
    sound = {key: value for key, value in raw.items() if key not in wrong}
    return adapter.validate_json(json.dumps(sound), by_alias=True, by_name=False)


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    read: Any = Annotated[field.annotation, field]
    return TypeAdapter(read)


def _validated(model: type[M], raw: Json) -> tuple[M | None, list[ErrorDetails]]:
    # Strictly as JSON: a quoted text is no number, `yes` is no boolean, but a list may become a tuple.
    text = json.dumps(raw)
    try:
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        errors = [each for each in error.errors(include_url=False) if not _untrue(each)]
    if errors:
        return None, errors
    try:
        return model.model_validate_json(text, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _untrue(error: ErrorDetails) -> bool:
    """Return whether pydantic reports an error where there is none. Two kinds are known."""
    # Below a validator that runs before its model, pydantic forgets that a list came from JSON, and demands a tuple.
    forgets = error["type"] == "tuple_type" and isinstance(error["input"], list)
    # It counts only the valid entries.
    return forgets or (error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _take_as_text(raw: Json, root: Node, errors: list[ErrorDetails], environ: Names[str, str]) -> bool:
    """Replace scalars by their texts where a field needs a text. Return whether there was any."""
    taken = False
    for error in errors:
        if error["type"] != "string_type" or error["input"] is None:
            continue
        node, way = root, []
        for step in error["loc"]:
            if entry := entry_at(node, step):
                node = entry.value
                way.append(step)
        if isinstance(node, Scalar) and way:
            _put(value_at(raw, tuple(way[:-1])), way[-1], text_of(node, environ))
            taken = True
    return taken


def _put(holder: Json, step: str | int, text: str) -> None:
    if isinstance(holder, dict):
        holder[str(step)] = text
    elif isinstance(holder, list) and isinstance(step, int):
        holder[step] = text


def _node(root: Node, loc: Loc) -> Node:
    node = root
    for step in loc:
        entry = entry_at(node, step)
        node = entry.value if entry else node
    return node
