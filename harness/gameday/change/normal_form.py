"""Normal forms: whether two values of a setting are equal, since AWS reorders, retypes and reserialises values.

Each form is a text that is equal for equal meanings, so code can compare values, sort them and look them up by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from enum import StrEnum

from gameday.change.call import Json


class NormalForm(StrEnum):
    """The form in which two values of a setting are compared, since AWS reorders and reserialises."""

    PLAIN = "plain"  # equal as JSON
    SORTED = "sorted"  # a list whose order means nothing (and a comma-separated text of such)
    TEXT = "text"  # numbers and booleans may come back as text
    DOCUMENT = "document"  # a policy: single value ↔ list, key order, JSON text ↔ object


_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,99})?([eE][+-]?[0-9]{1,3})?")
_ROOT = re.compile(r"arn:aws[\w-]*:iam::([0-9]{12}):root")
_PRINCIPALS = ("Principal", "NotPrincipal")


def canonical(form: NormalForm, value: Json) -> str:
    """Return a text that is equal for two values exactly where they mean the same setting."""
    return _text(_FORMS[form](value))


def same(form: NormalForm, one: Json, other: Json) -> bool:
    """Return whether two values mean the same setting."""
    return canonical(form, one) == canonical(form, other)


def items(form: NormalForm, value: Json | Sequence[Json]) -> dict[str, Json]:
    """Return the items of a set by their canonical text; None is the empty set."""
    return {canonical(form, item): item for item in value} if isinstance(value, list | tuple) else {}


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sorted(value: Json) -> Json:
    if isinstance(value, str):
        return [*sorted(part.strip() for part in value.split(",") if part.strip())]
    if isinstance(value, list | tuple):
        return sorted((_plain(part) for part in value), key=_text)
    return _plain(value)


def _as_text(value: Json) -> Json:
    """Return numbers and booleans as text, and give texts that look like a number or boolean the same form."""
    if isinstance(value, dict):
        return {key: _as_text(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(part) for part in value]
    if value is None:
        return None
    word = str(value)
    if word.lower() in ("true", "false"):
        return word.lower()
    from fractions import Fraction  # late: `validate` compares nothing

    # An account id like 012345678901 is not a number: it keeps its zero.
    return str(Fraction(word)) if _NUMBER.fullmatch(word) else word


def _document(value: Json) -> Json:
    """Return a form of a policy that is equal for policies with the same meaning.

    A list with a single item equals that item, and order means nothing (IAM User Guide, "Policy grammar": "elements
    that allow multiple values"). An account as a principal equals its root's ARN, and `*` equals {"AWS": "*"} (IAM User
    Guide, "AWS JSON policy elements: Principal").
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return _meaning(value, within=())


def _meaning(value: Json, within: tuple[str, ...]) -> Json:
    if isinstance(value, dict):
        parts = {key: _meaning(part, (*within, key)) for key, part in value.items()}
        is_anyone = parts == {"AWS": "*"} and within[-1:] and within[-1] in _PRINCIPALS
        return "*" if is_anyone else parts
    if isinstance(value, list | tuple):
        # Each once: repeating a statement or value does not change the meaning.
        parts_by_text = {_text(part): part for part in (_meaning(part, within) for part in value)}
        parts_in_order = [parts_by_text[text] for text in sorted(parts_by_text)]
        return parts_in_order[0] if len(parts_in_order) == 1 else parts_in_order
    root = _ROOT.fullmatch(value) if isinstance(value, str) else None
    if root and within[-1:] == ("AWS",) and within[-2:-1] and within[-2] in _PRINCIPALS:
        return root[1]
    return _as_text(value)


_FORMS: dict[NormalForm, Callable[[Json], Json]] = {
    NormalForm.PLAIN: _plain,
    NormalForm.SORTED: _sorted,
    NormalForm.TEXT: _as_text,
    NormalForm.DOCUMENT: _document,
}
