"""What the changes of a journal read right now, in bulk; a change that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gameday.aws.account import Account
from gameday.change import Call, Json, Observation, SettingChange
from gameday.change.placeholders import bind
from gameday.engine.entries import Entry, setting_changes
from gameday.engine.settings import read_beside
from gameday.errors import GamedayError

BindingsOf = Callable[[Entry], dict[str, Json]]
"""The bindings that a row's calls see."""


def observe(
    entries: Mapping[int, Entry],
    known: BindingsOf,
    account: Account,
    ahead: Mapping[int, SettingChange] = MappingProxyType({}),
) -> dict[int, Observation | GamedayError]:
    """Return how the changes of entries stand, by position; an error stands where an observation would be.

    `ahead` are setting changes that are not in the journal yet, and are read in the same calls.
    """
    settings = setting_changes(entries.values())
    found: dict[int, Observation | GamedayError] = {}
    asked: dict[int, tuple[Call, str]] = {}
    for position, entry in entries.items():
        if position in settings:
            continue
        try:
            asked[position] = bind(entry.change.read_call, known(entry)), entry.change.region
        except GamedayError as error:
            found[position] = error
    read, answers = read_beside({**settings, **ahead}, list(asked.values()), account)
    others = dict(zip(asked, map(_observed, answers), strict=True))
    return found | read | others


def _observed(answer: Json | GamedayError) -> Observation | GamedayError:
    return answer if isinstance(answer, GamedayError) else Observation(answer)
