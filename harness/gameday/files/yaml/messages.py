"""Put the errors of pydantic into words for people who write YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gameday.aws.kinds import KINDS
from gameday.files.unsupported import LATER_KEYS, LATER_WORDS
from gameday.files.yaml.document import Document, Loc
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.files.yaml.model_at import Shape, keys_of
from gameday.steady_state.kpi.masks import MASK, SECRETS
from gameday.steady_state.kpi.units import exact_duration, exact_number, exact_rate, exact_share
from gameday.text import nearest, one_of, quoted

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

PATTERNS = {
    r"^[a-z][a-z0-9-]{0,62}$": ("a name: lower case letters, digits and hyphens, a letter first, 63 at most", ""),
    "^[0-9]{12}$": ("an account id: twelve digits", 'like "111122223333"; zeros in front count'),
    r"^arn:aws:iam::[0-9]{12}:role/([a-zA-Z0-9_+=,.@-]+/)*[a-zA-Z0-9_+=,.@-]{1,64}$": (
        "the ARN of an IAM role",
        "like arn:aws:iam::111122223333:role/gameday",
    ),
    r"^[^:\s][^\s]*/[^/]+$": ("Namespace/MetricName", "like AWS/Lambda/Errors"),
    **{kind.pattern: (kind.form, f"{kind.owned_as} are {kind.described}") for kind in KINDS.values()},
    r"^.{1,128}$": ("the key of a tag: 1 to 128 characters", "name the tag"),
    r"^(Sum|Average|Minimum|Maximum|SampleCount|p([0-9]{1,2}(\.[0-9]{1,10})?|100))$": (
        "a statistic of an alarm",
        "there can be: Sum, Average, Minimum, Maximum, SampleCount, or a percentile like p99",
    ),
}
"""Pattern → its meaning and an example, for fields without a `title` and `examples`."""

_TYPES = {
    "model_type": ("a mapping", "write `key: value` pairs below it"),
    "dict_type": ("a mapping", "write `key: value` pairs below it"),
    "tuple_type": ("a list", "write it in brackets: [one, two]"),
    "string_type": ("a text", ""),
    "int_type": ("a whole number", ""),
    "int_from_float": ("a whole number", ""),
    "float_type": ("a number", ""),
    "bool_type": ("true or false", ""),
}
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_TRUE = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def worded(shape: Shape, document: Document, at: Loc, errors: list[ErrorDetails]) -> Iterator[Mistake]:
    """Yield a mistake for each error, at its place. An unknown key also explains the missing key that it resembles."""
    meant = {
        (*error["loc"][:-1], _meant(shape, error["loc"])) for error in errors if error["type"] == "extra_forbidden"
    }
    for error in errors:
        kind, loc = error["type"], error["loc"]
        if kind == "missing" and loc in meant:
            continue
        around = kind == "missing" or loc[-1:] == ("[key]",)
        place = document.steps((*at, *(loc[:-1] if around else loc)))
        what, remedy = _key_words(shape, loc, kind) or (
            _value(label(place), error, document.written(place), _field(shape, loc))
            if not set(SECRETS).intersection(loc)
            else _value(label(place), _masked(error), None, _field(shape, loc))
        )
        on_key = around or kind == "extra_forbidden" or isinstance(error["input"], dict)
        yield document.mistake(place, what, remedy or _about(shape, loc), on_key, _kind(shape, error))


def _masked(error: ErrorDetails) -> ErrorDetails:
    """Return an error whose message shows none of what was written, unless nothing was: it may be a token."""
    given = error["input"]
    return {**error, "input": given if given is None or isinstance(given, dict | list) else MASK}


def _kind(shape: Shape, error: ErrorDetails) -> MistakeKind:
    """Return the kind of mistake for an error of pydantic."""
    kind, given = error["type"], error["input"]
    if kind == "missing":
        return MistakeKind.MISSING_KEY
    if kind == "extra_forbidden":
        return MistakeKind.UNSUPPORTED if _later(shape, error["loc"]) else MistakeKind.UNKNOWN_KEY
    if kind == "literal_error" and given in LATER_WORDS:
        return MistakeKind.UNSUPPORTED
    return MistakeKind.WRONG_TYPE if kind in _TYPES else MistakeKind.BAD_VALUE


def _key_words(shape: Shape, loc: Loc, kind: str) -> tuple[str, str] | None:
    """Return what is wrong with a missing or unknown key, and the remedy."""
    if kind == "missing":
        return _missing(shape, loc)
    return _unknown(shape, loc) if kind == "extra_forbidden" else None


def _value(name: str, error: ErrorDetails, written: str | None, field: FieldInfo | None) -> tuple[str, str]:
    """Return what is wrong with a value, and the remedy; `written` is the text of a scalar in the file."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    message, remedy = f"{name}: {error['msg']}", ""
    if kind == "value_error":
        message = str(context["error"])
        message = message if message.startswith(name) else f"{name}: {message}"
    elif kind in ("literal_error", "enum"):
        message, remedy = _not_one_of(name, given, str(context["expected"]))
    elif kind in _TYPES:
        message, remedy = _other_type(name, given, *_TYPES[kind])
    elif kind in _LIMITS:
        key, words = _LIMITS[kind]
        limit = _as_written(context[key], written or "")
        message = f"{name} is {words} {limit}; found {quoted(written) if written else found(given)}"
    elif kind in ("too_short", "string_too_short"):
        message, remedy = f"{name} is empty", "write at least one" if kind == "too_short" else "write a text"
    elif kind in ("too_long", "string_too_long"):
        unit = "entries" if kind == "too_long" else "characters"
        message, remedy = f"{name} has more than {context['max_length']} {unit}", "split it, or take some out"
    elif kind == "string_pattern_mismatch" and field and field.title:
        message, remedy = f"{found(given)} is not {field.title}", f"like {field.examples[0]}" if field.examples else ""
    elif kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        what, example = PATTERNS[context["pattern"]]
        message, remedy = f"{found(given)} is not {what}", example or _as_name(str(given))
    return message, remedy


def _as_written(limit: float, written: str) -> str:
    """Return a limit in the unit of what was written."""
    if written.endswith("%"):
        return exact_share(limit)
    if re.search("/ *[smh]$", written):
        return exact_rate(limit)
    return exact_duration(limit) if limit and re.match("[0-9. ]+(ms|[smhd])", written) else exact_number(float(limit))


def _field(shape: Shape, loc: Loc) -> FieldInfo | None:
    """Return the field for a place."""
    holder = shape.at(loc[:-1]) if loc else None
    return keys_of(holder).get(str(loc[-1])) if holder else None


def _about(shape: Shape, loc: Loc) -> str:
    """Describe what belongs at a place: by an example of the fault, or by the text of the key or the model."""
    if example := getattr(shape.model, "example", ""):
        return f"write it like `- {example}`"
    for end in range(len(loc), 0, -1):
        holder, key = shape.at(loc[: end - 1]), str(loc[end - 1])
        here = shape.at(loc[:end]) if end == len(loc) else None
        if here and here is not holder and here.__doc__:
            return here.__doc__.splitlines()[0]
        if holder and key in keys_of(holder) and (about := keys_of(holder)[key].description):
            return f"`{key}`: {about}"
    return (shape.model.__doc__ or "").splitlines()[0]


def _missing(shape: Shape, loc: Loc) -> tuple[str, str]:
    key, holder = str(loc[-1]), shape.at(loc[:-1])
    about = keys_of(holder)[key].description if holder else None
    return f"`{key}` is missing", f"add `{key}:`" + (f" ({about})" if about else "")


def _unknown(shape: Shape, loc: Loc) -> tuple[str, str]:
    key, holder = str(loc[-1]), shape.at(loc[:-1])
    if instead := _later(shape, loc):
        return f"{quoted(key)} is not supported yet", instead
    return f"unknown key {quoted(key)}", one_of(key, keys_of(holder), "there can be") if holder else ""


def _later(shape: Shape, loc: Loc) -> str | None:
    """Return what to do instead of a key that a later version brings."""
    holder = shape.at(loc[:-1])
    return LATER_KEYS.get(holder.__name__, {}).get(str(loc[-1])) if holder else None


def _meant(shape: Shape, loc: Loc) -> str | None:
    holder = shape.at(loc[:-1])
    return nearest(str(loc[-1]), keys_of(holder)) if holder else None


def _other_type(name: str, given: Any, what: str, remedy: str) -> tuple[str, str]:
    if given is None:
        return f"{name} is empty", f"write {what}, or remove the key"
    if what == "true or false" and str(given).lower() in _TRUE:
        remedy = f"write {_TRUE[str(given).lower()]}"
    return f"{name} is {what}; found {found(given)}", remedy


def _not_one_of(name: str, given: Any, expected: str) -> tuple[str, str]:
    options = re.findall(r"'([^']*)'", expected) or [expected]
    there = f"there can be: {', '.join(options)}"
    if given in LATER_WORDS:
        return f"{quoted(given)} is not supported yet", there
    if given is None:
        return f"{name} is empty", there
    meant = nearest(given, options) if isinstance(given, str) else None
    return f"{name} is {' or '.join(options)}; found {found(given)}", f"did you mean `{meant}`?" if meant else ""


def label(loc: Loc) -> str:
    """Describe a place in words: the key, or the entry of a list under it."""
    key = next((step for step in reversed(loc) if isinstance(step, str)), "the file")
    return f"entry {loc[-1] + 1} of {quoted(key)}" if loc and isinstance(loc[-1], int) else quoted(key)


def found(given: Any) -> str:
    """Describe a value in a few words."""
    if isinstance(given, dict):
        return "a mapping" if given else "an empty mapping"
    if isinstance(given, list):
        return "a list" if given else "an empty list"
    if given is None:
        return "nothing"
    return quoted(str(given).lower() if isinstance(given, bool) else str(given))


def _as_name(given: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", given).lower()).strip("-")[:63]
    return f"did you mean `{name}`?" if re.fullmatch(r"[a-z][a-z0-9-]*", name) else ""
