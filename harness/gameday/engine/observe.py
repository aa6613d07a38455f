"""Read in bulk how the changes of a journal are now. A change that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType

from gameday.aws.account import Account
from gameday.change import Call, Json, Observation, SettingChange
from gameday.engine.entries import Entry, setting_changes
from gameday.engine.settings import read_together
from gameday.errors import AwsError, GamedayError

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
    reads: dict[int, list[tuple[Call, str]]] = {}
    for position, entry in entries.items():
        if position in settings:
            continue
        try:
            calls = entry.change.reads(entry.made, known(entry))
            reads[position] = [(call, entry.change.region) for call in calls]
        except GamedayError as error:
            unsent[position] = error
    of_settings, answers = read_together(
        {**settings, **ahead}, [read for some in reads.values() for read in some], account
    )
    left = iter(answers)
    others = {position: _observed(entries[position], [*islice(left, len(some))]) for position, some in reads.items()}
    return unsent | of_settings | others


def _observed(entry: Entry, answers: list[Json | GamedayError]) -> Observation | GamedayError:
    plain = [answer for answer in answers if isinstance(answer, AwsError) or not isinstance(answer, GamedayError)]
    unsent = next((answer for answer in answers if answer not in plain and isinstance(answer, GamedayError)), None)
    return unsent or entry.change.observed(plain, entry.made)
