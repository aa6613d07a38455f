"""Values of settings in words."""

from __future__ import annotations

import json

from gameday.change.call import Json
from gameday.change.placeholders import is_placeholder, shown


def brief(value: Json) -> str:
    """Return a value in few words."""
    named = "absent" if value is None else shown(value)
    text = named if isinstance(named, str) else json.dumps(named)
    return text if len(text) <= 80 else f"{text[:79]}…"


def in_full(value: Json) -> str:
    """Return a value for people: absent for None, a placeholder as `{made.acl}`, text as it is, else JSON."""
    if value is None:
        return "absent"
    if isinstance(value, list | tuple) and value and all(map(is_placeholder, value)):
        return ", ".join(str(shown(part)) for part in value)
    named = shown(value)
    return named if isinstance(named, str) else json.dumps(named, ensure_ascii=False, sort_keys=True)
