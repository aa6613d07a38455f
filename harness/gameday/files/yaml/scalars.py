"""Turn nodes into values: numbers, booleans and null of YAML 1.2's core schema, with `${NAME}` replaced."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Names
from typing import TYPE_CHECKING

from gameday.files.yaml.mistake import MistakeKind
from gameday.files.yaml.parse_errors import ParseProblem
from gameday.files.yaml.parser import Items, Node, Scalar

if TYPE_CHECKING:
    from gameday.change import Json

# YAML 1.2.2, section 10.3.2, "Tag Resolution". Infinity and not-a-number stay texts: no field takes them.
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_BASED = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_REAL = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,4})?")
_VARIABLE = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\})?")


def value_of(node: Node, environ: Names[str, str], troubles: list[ParseProblem]) -> Json:
    """Return a node as JSON. A variable without a value adds a problem to `troubles`, and becomes null."""
    if isinstance(node, Scalar):
        try:
            return scalar_of(node, environ)
        except ParseProblem as trouble:
            troubles.append(trouble)
            return None
    if isinstance(node, Items):
        return [value_of(item, environ, troubles) for item in node.items]
    return {key: value_of(entry.value, environ, troubles) for key, entry in node.entries.items()}


def scalar_of(node: Scalar, environ: Names[str, str]) -> str | int | float | bool | None:
    """Return the value of a scalar. Raises ParseProblem if a variable has no value."""
    text = text_of(node, environ)
    if not node.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _REAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def text_of(node: Scalar, environ: Names[str, str]) -> str:
    """Return the text of a scalar (012 keeps its zero), with variables replaced. Raises ParseProblem."""
    if "${" not in node.text:
        return node.text

    def filled(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if name is None:
            raise ParseProblem(
                node.place, "`${` begins a variable", "write ${NAME} or ${NAME:-default}", MistakeKind.VARIABLE
            )
        if value := environ.get(name):
            return value
        if default is None:
            what = f"the environment variable {name} is {'empty' if name in environ else 'not set'}"
            remedy = f"set it, or give a default: ${{{name}:-default}}"
            raise ParseProblem(node.place, what, remedy, MistakeKind.VARIABLE)
        return default

    return _VARIABLE.sub(filled, node.text)
