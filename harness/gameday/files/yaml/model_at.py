"""Find the model for a place in a file, by the annotations of fields."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo

from gameday.steady_state.kpi.source import SOURCES, SourceSpec


@dataclass(frozen=True)
class Shape:
    """The model of a document, and its JSON: the model of a KPI's source depends on the name of the source."""

    model: type[BaseModel]
    written: JsonValue

    def at(self, loc: tuple[str | int, ...]) -> type[BaseModel] | None:
        """Return the model of the mapping at a place; steps that are tags of a union have no effect."""
        annotation: Any = self.model
        written = self.written
        for step in loc:
            annotation = _below(annotation, step, written)
            written = _entry(written, step)
        return next((_chosen(option, written) for option in _options(annotation) if _is_model(option)), None)


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the keys of a model as files write them; for a KPI without a named source, those of all sources."""
    models = SOURCES.known if model is SourceSpec else (model,)
    return {info.alias or name: info for each in models for name, info in each.model_fields.items()}


def _chosen(model: type[BaseModel], written: JsonValue) -> type[BaseModel]:
    return model.shape_of(written) if issubclass(model, SourceSpec) else model


def _entry(written: JsonValue, step: str | int) -> JsonValue:
    if isinstance(written, dict) and isinstance(step, str):
        return written.get(step, written)
    return written[step] if isinstance(written, list) and isinstance(step, int) else written


def _below(annotation: Any, step: str | int, written: JsonValue) -> Any:
    for option in _options(annotation):
        if _is_model(option) and step in (keys := keys_of(_chosen(option, written))):
            return keys[str(step)].annotation
        if get_origin(option) is dict:
            return get_args(option)[1]
        if get_origin(option) is tuple:
            return get_args(option)[0]
    return annotation


def _options(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [option for each in get_args(annotation) for option in _options(each)]
    return [] if annotation is NoneType else [annotation]


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)
