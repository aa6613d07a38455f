"""The shapes of AWS answers: as botocore's models have them, and an answer of another shape is an error of ours."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import get_args, get_origin, get_type_hints

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ListShape, MapShape, Shape, StructureShape
from gameday.aws import answers
from gameday.aws.answers.operation import Operation
from gameday.change import Json
from typing_extensions import is_typeddict

SCALARS = {
    "string": {str},
    "integer": {int},
    "long": {int},
    "float": {float},
    "double": {float},
    "boolean": {bool},
    "timestamp": {float},  # as `plain` makes it
    "blob": {str},
}
PARSED = {"policyDocumentType"}
"""Texts that botocore parses as JSON."""


def operations() -> list[Operation[object]]:
    modules = [import_module(f"{answers.__name__}.{module.name}") for module in iter_modules(answers.__path__)]
    values = [value for module in modules for value in vars(module).values()]
    listed = [item for value in values for item in (value.values() if isinstance(value, dict) else [value])]
    return list(dict.fromkeys(item for item in listed if isinstance(item, Operation)))


def misfits(hint: object, shape: Shape, place: str) -> list[str]:
    """Where a type hint is not of the botocore shape."""
    if hint is Json or shape.name in PARSED:
        return []
    if is_typeddict(hint):
        if not isinstance(shape, StructureShape):
            return [place]
        hints = get_type_hints(hint)
        unknown = [f"{place}.{key}" for key in hints if key not in shape.members]
        known = [(key, shape.members[key]) for key in hints if key in shape.members]
        return unknown + [found for key, member in known for found in misfits(hints[key], member, f"{place}.{key}")]
    if get_origin(hint) is list:
        return misfits(get_args(hint)[0], shape.member, f"{place}[]") if isinstance(shape, ListShape) else [place]
    if get_origin(hint) is dict:
        return misfits(get_args(hint)[1], shape.value, f"{place}.*") if isinstance(shape, MapShape) else [place]
    return [] if hint in SCALARS.get(shape.type_name, set()) else [f"{place}: {hint} for {shape.type_name}"]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: f"{operation.service}.{operation.name}")
def test_operation_has_the_shape_of_botocores_model(operation: Operation[object]) -> None:
    model = botocore.session.get_session().get_service_model(operation.service)
    named = {xform_name(name): name for name in model.operation_names}
    output = model.operation_model(named[operation.name]).output_shape
    hints = get_type_hints(operation.shape)
    if output is None:
        assert hints == {}
    else:
        assert misfits(operation.shape, output, operation.name) == []
