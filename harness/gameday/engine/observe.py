"""What the changes of a journal read right now, in bulk; a change that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gameday.aws.account import Account
from gameday.change import Call, Json, SettingChange
from gameday.engine.entries import Entry
from gameday.engine.placeholders import bind
from gameday.engine.settings import SettingValue, read_beside
from gameday.errors import GamedayError

BindingsOf = Callable[[Entry], dict[str, Json]]
"""The bindings that a row's calls see."""


def observe(
    entries: Mapping[int, Entry], known: BindingsOf, account: Account
) -> dict[int, SettingValue | Json | GamedayError]:
    """By position.

    A setting change's reading, the answer of a created resource's find or of an irreversible action's probe, or
    the error in its place.
    """
    changes = {position: entry.change for position, entry in entries.items() if isinstance(entry.change, SettingChange)}
    found: dict[int, SettingValue | Json | GamedayError] = {}
    asked: dict[int, tuple[Call, str]] = {}
    for position, entry in entries.items():
        try:
            if not isinstance(entry.change, SettingChange):
                template = entry.change.find if entry.change.kind == "create" else entry.change.healed.call
                asked[position] = bind(template, known(entry)), entry.change.region
        except GamedayError as error:
            found[position] = error
    readings, answers = read_beside(changes, list(asked.values()), account)
    return found | readings | dict(zip(asked, answers, strict=True))
