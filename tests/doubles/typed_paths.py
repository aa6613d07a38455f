"""The type of what a JMESPath finds, given the shape of its data in botocore's models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jmespath
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape


class Untyped(AssertionError):
    """A path names what the shape does not have, or compares with what it never is."""


@dataclass(frozen=True)
class Items:
    """A list of this type."""

    of: Any


@dataclass(frozen=True)
class Value:
    """A literal."""

    value: Any


ANY = object()
"""What nothing is known of."""
NUMBERS = ("integer", "long", "float", "double", "timestamp")


def typed(path: str, root: Any) -> Any:
    """Return the type of what a path finds: a shape, Items, a mapping of types, a Value or ANY. Raises Untyped."""
    return _type(jmespath.compile(path).parsed, root)


def _type(node: Mapping[str, Any], at: Any) -> Any:
    kind, children = node["type"], node["children"]
    if kind == "field":
        return _member(at, node["value"])
    if kind == "literal":
        return Value(node["value"])
    return _KINDS[kind](children, at, node)


def _member(at: Any, name: str) -> Any:
    if at is ANY:
        return ANY
    if isinstance(at, StructureShape) and name in at.members:
        return at.members[name]
    if isinstance(at, MapShape):
        return at.value
    if isinstance(at, Mapping) and name in at:
        return at[name]
    raise Untyped(f"{at} has no {name}")


def _element(at: Any) -> Any:
    if at is ANY:
        return ANY
    if isinstance(at, Items):
        return at.of
    if isinstance(at, ListShape):
        return at.member
    if isinstance(at, Value) and isinstance(at.value, list):
        return ANY
    raise Untyped(f"{at} is no list")


def _flattened(children: Sequence[Any], at: Any, _: Any) -> Any:
    element = _element(_type(children[0], at))
    return Items(_element(element) if isinstance(element, Items | ListShape) else element)


def _projected(children: Sequence[Any], at: Any, _: Any) -> Any:
    return Items(_type(children[1], _element(_type(children[0], at))))


def _filtered(children: Sequence[Any], at: Any, _: Any) -> Any:
    element = _element(_type(children[0], at))
    _type(children[2], element)
    return Items(_type(children[1], element))


def _in_order(children: Sequence[Any], at: Any, _: Any) -> Any:
    for child in children:
        at = _type(child, at)
    return at


def _values(children: Sequence[Any], at: Any, _: Any) -> Any:
    of = _type(children[0], at)
    return Items(_type(children[1], of.value if isinstance(of, MapShape) else ANY))


def _compared(children: Sequence[Any], at: Any, _: Any) -> Any:
    left, right = (_type(child, at) for child in children)
    _comparable(left, right)
    _comparable(right, left)
    return ANY


def _comparable(shape: Any, literal: Any) -> None:
    """Raise where a shape never has a literal's value."""
    if not isinstance(shape, Shape) or not isinstance(literal, Value) or literal.value is None:
        return
    value = literal.value
    if isinstance(value, str):
        if not isinstance(shape, StringShape) and shape.type_name != "string":
            raise Untyped(f"{shape} is no text: it never is {value!r}")
        if (known := getattr(shape, "enum", None)) and value not in known:
            raise Untyped(f"{shape} never is {value!r}; it is one of {', '.join(known)}")
    elif isinstance(value, bool) != (shape.type_name == "boolean") or (
        not isinstance(value, bool) and isinstance(value, int | float) and shape.type_name not in NUMBERS
    ):
        raise Untyped(f"{shape} never is {value!r}")


def _called(children: Sequence[Any], at: Any, node: Any) -> Any:
    found = [_type(child, at) for child in children]
    if node["value"] == "contains":
        holder, item = found
        if isinstance(holder, Value) and isinstance(holder.value, list):
            for value in holder.value:
                _comparable(item, Value(value))
        elif isinstance(holder, Items | ListShape):
            _comparable(_element(holder), item)
    return ANY


def _either(children: Sequence[Any], at: Any, _: Any) -> Any:
    left, right = (_type(child, at) for child in children)
    return right if left is ANY or isinstance(left, Value) else left


def _listed(children: Sequence[Any], at: Any, _: Any) -> Any:
    first, *_rest = [_type(child, at) for child in children]
    return Items(first)


_KINDS: Mapping[str, Callable[[Sequence[Any], Any, Any], Any]] = {
    "identity": lambda _, at, __: at,
    "current": lambda _, at, __: at,
    "subexpression": _in_order,
    "pipe": _in_order,
    "index_expression": _in_order,
    "index": lambda _, at, __: _element(at),
    "slice": lambda _, at, __: Items(_element(at)),
    "flatten": _flattened,
    "projection": _projected,
    "filter_projection": _filtered,
    "value_projection": _values,
    "comparator": _compared,
    "or_expression": _either,
    "and_expression": lambda children, at, _: [_type(child, at) for child in children][-1],
    "not_expression": lambda children, at, _: (_type(children[0], at), ANY)[1],
    "multi_select_list": _listed,
    "multi_select_dict": lambda children, at, _: {
        child["value"]: _type(child["children"][0], at) for child in children
    },
    "function_expression": _called,
}
