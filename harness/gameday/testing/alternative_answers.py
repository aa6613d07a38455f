"""Alternative answers that AWS could have given: between two values, or in another notation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from gameday.change import Json, NormalForm, Setting, Shape


def in_transition(setting: Setting, answer: Json) -> Json:
    """Rewrite an answer to one during a change: a switch between its positions, or a resource that is not `ready`."""
    steady = {*setting.positions, *re.findall(r"'([^']+)'", setting.ready)}
    transitional = setting.transitional[0] if setting.transitional else "CHANGING"
    return _mapped(answer, lambda value: transitional if isinstance(value, str) and value in steady else value)


def reserialised(setting: Setting, answer: Json) -> Json:
    """Write an answer in another notation that means the same to this setting."""
    if setting.canonical is NormalForm.TEXT:
        return _mapped(answer, _as_text)
    if setting.canonical is NormalForm.DOCUMENT:
        return _mapped(answer, _rewritten)
    if setting.canonical is NormalForm.SORTED:
        return _mapped(_reversed(answer), _reversed_text)
    return _reversed(answer) if setting.shape is Shape.SET else answer


def _mapped(value: Json, change: Callable[[Json], Json]) -> Json:
    """Change every leaf of a value."""
    if isinstance(value, dict):
        return {key: _mapped(part, change) for key, part in value.items()}
    return [_mapped(part, change) for part in value] if isinstance(value, list) else change(value)


def _reversed(value: Json) -> Json:
    """Reverse every list in a value."""
    if isinstance(value, dict):
        return {key: _reversed(part) for key, part in value.items()}
    return [_reversed(part) for part in value[::-1]] if isinstance(value, list) else value


def _reversed_text(value: Json) -> Json:
    return ",".join(value.split(",")[::-1]) if isinstance(value, str) else value


def _as_text(value: Json) -> Json:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _rewritten(value: Json) -> Json:
    """Rewrite a JSON document in a text: reverse its keys, and make every single value a list."""
    try:
        document = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return value
    return json.dumps(_listed(document), indent=1) if isinstance(document, dict) else value


def _listed(value: Json) -> Json:
    if isinstance(value, dict):
        listed = {key: _listed(part) for key, part in reversed(value.items())}
        return {
            key: [part] if key in ("Action", "Resource", "AWS") and isinstance(part, str) else part
            for key, part in listed.items()
        }
    return [_listed(part) for part in value[::-1]] if isinstance(value, list) else value
