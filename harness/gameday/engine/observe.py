"""What the changes of a journal read right now, in bulk; a change that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gameday.aws.account import Account
from gameday.change import Call, Json, Turn
from gameday.engine.entries import Row
from gameday.engine.placeholders import bind
from gameday.engine.settings import Reading, read_beside
from gameday.errors import GamedayError

Known = Callable[[Row], dict[str, Json]]
"""The bindings that a row's calls see."""


def look(rows: Mapping[int, Row], known: Known, account: Account) -> dict[int, Reading | Json | GamedayError]:
    """By position: a Turn's reading, the answer of a Make's find or of a Strike's probe, or the error in its place."""
    turns = {position: row.change for position, row in rows.items() if isinstance(row.change, Turn)}
    found: dict[int, Reading | Json | GamedayError] = {}
    asked: dict[int, tuple[Call, str]] = {}
    for position, row in rows.items():
        try:
            if not isinstance(row.change, Turn):
                template = row.change.find if row.change.kind == "make" else row.change.healed.call
                asked[position] = bind(template, known(row)), row.change.region
        except GamedayError as error:
            found[position] = error
    readings, answers = read_beside(turns, list(asked.values()), account)
    return found | readings | dict(zip(asked, answers, strict=True))
