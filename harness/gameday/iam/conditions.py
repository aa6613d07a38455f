"""Conditions of IAM statements: the operators that our policies, and most others, use. An unknown one is an error.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators", "Set operators for multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gameday.change import Json
from gameday.errors import GamedayError
from gameday.iam.patterns import Context, arn_like, like, plain, value_of, with_variables

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda asked, given: plain(asked) == given,
    "StringEqualsIgnoreCase": lambda asked, given: plain(asked).lower() == given.lower(),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda asked, given: plain(asked).lower() == given.lower(),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def met(conditions: Json, context: Context, unknown: bool | None = None) -> bool:
    """Whether all conditions of a statement are met. Raises GamedayError for an operator that cannot be judged.

    Without `unknown`, a key that the context lacks is a key that the request lacks. With `unknown`, nothing is known
    about such a key, and its condition counts as met (true) or not met (false).
    """
    return all(
        _met(operator, listed(asked), key, context, unknown)
        for operator, keys in _mapping(conditions).items()
        for key, asked in _mapping(keys).items()
    )


def _mapping(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise GamedayError(f"a condition is {value!r}, not a mapping", "mend that policy")
    return value


def listed(value: Json) -> list[str]:
    """Return a value, or a list of values, as a list of texts: policies may write either."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]


def _met(operator: str, asked: list[str], key: str, context: Context, unknown: bool | None) -> bool:
    given = value_of(context, key)
    if given is None and unknown is not None:
        return unknown
    if operator == "Null":
        return asked == ["true" if given is None else "false"]
    of_set, _, named = operator.rpartition(":")
    named, optional, _ = named.partition("IfExists")
    base = _NEGATED.get(named, named)
    if base not in _OPERATORS or of_set not in ("", "ForAllValues", "ForAnyValue"):
        raise GamedayError(f"Gameday does not support the condition operator {operator}", "check that policy by hand")
    if given is None:
        return bool(optional) or of_set == "ForAllValues" or (named in _NEGATED and of_set == "")
    patterns = [filled for filled in (with_variables(pattern, context) for pattern in asked) if filled is not None]
    return _of_values(of_set, [given] if isinstance(given, str) else given, patterns, base, named in _NEGATED)


def _of_values(of_set: str, given: Sequence[str], patterns: list[str], base: str, negated: bool) -> bool:
    fits = [any(_OPERATORS[base](pattern, value) for pattern in patterns) is not negated for value in given]
    # Without a set operator a key has a single value; if it has more, all of them must fit.
    return any(fits) if of_set == "ForAnyValue" else all(fits)
