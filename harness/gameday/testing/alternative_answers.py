"""Answers as AWS might as well have given them: in passing between two values, or written another way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from gameday.change import Json, NormalForm, Setting, Shape


def in_passing(setting: Setting, answer: Json) -> Json:
    """An answer while the resource changes: a switch between its positions, or what `ready` asks for not yet so."""
    steady = {*setting.positions, *re.findall(r"'([^']+)'", setting.ready)}
    passing = setting.transitional[0] if setting.transitional else "CHANGING"
    return _mapped(answer, lambda value: passing if isinstance(value, str) and value in steady else value)


def reserialised(setting: Setting, answer: Json) -> Json:
    """An answer that means the same to this setting, written another way."""
    if setting.canonical is NormalForm.TEXT:
        return _mapped(answer, _as_text)
    if setting.canonical is NormalForm.DOCUMENT:
        return _mapped(answer, _rewritten)
    if setting.canonical is NormalForm.SORTED:
        return _mapped(_turned(answer), _turned_text)
    return _turned(answer) if setting.shape is Shape.SET else answer


def _mapped(value: Json, change: Callable[[Json], Json]) -> Json:
    """A value with every leaf changed."""
    if isinstance(value, dict):
        return {key: _mapped(part, change) for key, part in value.items()}
    return [_mapped(part, change) for part in value] if isinstance(value, list) else change(value)


def _turned(value: Json) -> Json:
    """A value with every list turned round."""
    if isinstance(value, dict):
        return {key: _turned(part) for key, part in value.items()}
    return [_turned(part) for part in value[::-1]] if isinstance(value, list) else value


def _turned_text(value: Json) -> Json:
    return ",".join(value.split(",")[::-1]) if isinstance(value, str) else value


def _as_text(value: Json) -> Json:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _rewritten(value: Json) -> Json:
    """A JSON document in a text, with its keys in another order and every single value as a list of one."""
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
