"""Which model reads what stands at a place, found by walking the annotations of fields."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model of the mapping at a place; steps that are a union's tag are passed over."""
    annotation: Any = model
    for step in loc:
        annotation = _below(annotation, step)
    return next((each for each in _options(annotation) if _is_model(each)), None)


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys that a model reads, as they are written."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _below(annotation: Any, step: str | int) -> Any:
    for option in _options(annotation):
        if _is_model(option) and step in keys_of(option):
            return keys_of(option)[str(step)].annotation
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
