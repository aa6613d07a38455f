"""What the undo keeps: changes that protect others stay until those are whole again."""

from __future__ import annotations

from collections.abc import Mapping

from gameday.aws.account import Account
from gameday.change import Json, Probe
from gameday.change.placeholders import bind
from gameday.engine.calls import answers_of_each, as_error
from gameday.engine.entries import Entry
from gameday.engine.observe import BindingsOf
from gameday.errors import GamedayError


def reasons_to_stay(entries: Mapping[int, Entry], known: BindingsOf, account: Account) -> dict[int, str]:
    """Return why changes must stay, by position: a probe of `undo_probes` does not hold, or cannot be read."""
    asked = [(position, probe) for position, entry in entries.items() for probe in entry.change.undo_probes]
    answers: list[Json | GamedayError]
    try:
        calls = [(bind(probe.call, known(entries[at])), entries[at].change.region) for at, probe in asked]
        answers = answers_of_each(account, calls, paged=True) if calls else []
    except Exception as error:  # noqa: BLE001 - what cannot be read stays, and the undo goes on
        answers = [as_error(error)] * len(asked)
    reasons: dict[int, str] = {}
    for (position, probe), answer in zip(asked, answers, strict=True):
        if why := _reason(probe, answer):
            reasons.setdefault(position, why)
    return reasons


def _reason(probe: Probe, answer: Json | GamedayError) -> str:
    try:
        if isinstance(answer, GamedayError):
            raise answer
        return "" if probe.says_yes(answer, None) else f"it stays until {probe.about}"
    except GamedayError as error:
        return f"it stays, since Gameday could not read whether {probe.about}: {error.what}"


def protectors(entries: Mapping[int, Entry], stuck: int) -> list[int]:
    """Return the changes that protect a stuck one: of earlier stages of its fault, with probes of their own."""
    of = entries[stuck]
    return [
        position
        for position, entry in entries.items()
        if entry.change.undo_probes and entry.planned_fault == of.planned_fault and entry.stage < of.stage
    ]
