"""Placeholders: `{"$": path}` in a call or a value, filled when the value is needed.

`path` is a JMESPath over the bindings (listed in `change`). Only an object with that single key and a text is a
placeholder. Braces inside strings stay as they are, since IAM documents contain `${…}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from gameday.change.call import Call, Json, JsonLike
from gameday.errors import GamedayError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult


@lru_cache(maxsize=1024)
def _compiled(path: str) -> ParsedResult:
    import jmespath  # late: `validate` searches nothing

    return jmespath.compile(path)


def search(path: str, data: JsonLike) -> Json:
    """Return what a JMESPath finds in `data`, or None; raises GamedayError where the path is invalid."""
    from jmespath.exceptions import JMESPathError

    try:
        found: Json = _compiled(path).search(data)
    except JMESPathError as error:
        raise GamedayError(
            f"the JMESPath `{path}` fails: {error}", "correct the setting or fault that uses it"
        ) from error
    return found


def search_list(path: str, data: JsonLike) -> list[Json]:
    """What a JMESPath finds in `data`, where that is a list; empty where it is nothing else."""
    found = search(path, data)
    return found if isinstance(found, list) else []


def bind(call: Call, bindings: Mapping[str, JsonLike]) -> Call:
    """Return a call with its placeholders filled; raises GamedayError for one without a value."""
    return call.model_copy(update={"params": filled(call.params, bindings)})


def filled(values: Mapping[str, JsonLike], bindings: Mapping[str, JsonLike]) -> dict[str, Json]:
    """Return named values with their placeholders filled; raises GamedayError for one without a value."""
    return {key: fill(value, bindings) for key, value in values.items()}


def fill(value: JsonLike, bindings: Mapping[str, JsonLike]) -> Json:
    """Return a value with its placeholders filled; raises GamedayError for one without a value."""
    path = _path(value)
    if path is not None:
        bound = search(path, dict(bindings))
        if bound is None:
            raise GamedayError(
                f"the placeholder `{path}` has no value; the bindings are {', '.join(sorted(bindings)) or 'empty'}",
                "correct the setting or fault that uses it",
            )
        return bound
    if isinstance(value, Mapping):
        return filled(value, bindings)
    if value is None or isinstance(value, str | int | float):
        return value
    return [fill(part, bindings) for part in value]


def is_placeholder(value: JsonLike) -> bool:
    """Return whether a value is a placeholder, and nothing else."""
    return _path(value) is not None


def unbound(value: JsonLike) -> tuple[str, ...]:
    """Return the paths of the placeholders in a value, each once, in their order."""
    return tuple(dict.fromkeys(_paths(value)))


def shown(value: JsonLike, run: str = "") -> Json:
    """Return a value for people and events: placeholders as `{path}`, and the run's random id as `{run}`."""
    path = _path(value)
    if path is not None:
        return f"{{{path}}}"
    if isinstance(value, Mapping):
        return {key: shown(part, run) for key, part in value.items()}
    if isinstance(value, str):
        return value.replace(run, "{run}") if run else value
    if value is None or isinstance(value, int | float):
        return value
    return [shown(part, run) for part in value]


def _path(value: JsonLike) -> str | None:
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("$"), str):
        return str(value["$"])
    return None


def _paths(value: JsonLike) -> Iterator[str]:
    path = _path(value)
    if path is not None:
        yield path
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _paths(part)
