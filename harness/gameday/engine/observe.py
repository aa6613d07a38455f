"""Read in bulk how the changes of a journal are now. A change that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gameday.aws.account import Account
from gameday.change import Call, Json, Observation, SettingChange
from gameday.change.placeholders import bind
from gameday.engine.entries import Entry, setting_changes
from gameday.engine.settings import read_together
from gameday.errors import GamedayError

BindingsOf = Callable[[Entry], dict[str, Json]]
"""Return the bindings for the calls of an entry."""


def observe(
    entries: Mapping[int, Entry],
    known: BindingsOf,
    account: Account,
    ahead: Mapping[int, SettingChange] = MappingProxyType({}),
) -> dict[int, Observation | GamedayError]:
    """Return what the change of each entry reads now, by position: an observation, or the error of its read.

    `ahead` holds setting changes that are not in the journal yet; the same calls read them too.
    """
    settings = setting_changes(entries.values())
    unsent: dict[int, Observation | GamedayError] = {}
    reads: dict[int, tuple[Call, str]] = {}
    for position, entry in entries.items():
        if position in settings:
            continue
        try:
            reads[position] = bind(entry.change.read_call, known(entry)), entry.change.region
        except GamedayError as error:
            unsent[position] = error
    of_settings, answers = read_together({**settings, **ahead}, list(reads.values()), account)
    others = {
        position: answer if isinstance(answer, GamedayError) else entries[position].change.observation(answer)
        for position, answer in zip(reads, answers, strict=True)
    }
    return unsent | of_settings | others
