"""The engine with one thing left out or wrong: each is what a hurried hand would write, and each must make a mess.

`MUTANTS` names, for each, the engine's part, what to put in its place, and the part of the matrix that must find it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError
from gameday.aws import connection
from gameday.aws.account import LONGEST_CALL
from gameday.aws.client import Aws, _ours, plain
from gameday.change import Call, Change, Json, Observation
from gameday.engine import undo as engine
from gameday.engine.entries import CallOutcome, Entry
from gameday.engine.journal import Journal
from gameday.engine.undo import Next, Undo, _Step
from gameday.errors import GamedayError


@dataclass(frozen=True)
class Mutant:
    shape: str
    kind: str
    patches: tuple[tuple[Any, str, Any], ...]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The engine is mutated for as long as the block lasts."""
        with ExitStack() as stack:
            for what, name, instead in self.patches:
                stack.enter_context(patch.object(what, name, instead))
            yield


def _no_intents(self: Journal, run: str, rows: Sequence[Entry]) -> None:
    """Nothing is written before the calls."""


_intend, _answer, _end = Journal.intend, Journal.answer, Journal.end
_held: dict[str, list[Entry]] = {}


def _intent_later(self: Journal, run: str, rows: Sequence[Entry]) -> None:
    _held[run] = [*rows]


def _intent_with_the_answer(self: Journal, run: str, outcomes: Mapping[int, CallOutcome]) -> None:
    _intend(self, run, _held.pop(run, []))
    _answer(self, run, outcomes)


_decide = engine.decide


def _without_compare(change: Change, now: Observation, quiet: bool, was: Json = None) -> Next:
    found = _decide(change, now, quiet=True, was=was)
    return Next.WRITE if found is Next.CONFLICT else _decide(change, now, quiet, was)


def _without_settle(self: Undo, row: Entry) -> float:
    return self.began + LONGEST_CALL if row.answered is None else min(row.answered, self.began)


def _without_the_late(self: Undo, row: Entry) -> float:
    return self.began + row.change.settle_time


def _first_stages_first(self: Undo, position: int) -> tuple[int, int]:
    return 1000 - self.open[position].planned_fault, 1000 - self.open[position].stage


_step = Undo._step


def _swallowed(self: Undo, row: Entry, found: Any) -> _Step:
    try:
        return _step(self, row, found)
    except GamedayError as error:
        return _Step(Next.RESTORED, error.what)


def _believing(self: Undo, row: Entry, found: Any) -> _Step:
    step = _step(self, row, found)
    return _Step(Next.RESTORED, step.about) if step.next is Next.WRITE and row.position in self.wrote else step


def _by_remembered_id(self: Undo, row: Entry, found: Any) -> _Step:
    if row.change.creates and row.made is None:
        return _Step(Next.RESTORED, "nothing is known to be made")
    return _step(self, row, found)


def _end_with_open_rows(self: Journal, run: str, note: str = "") -> bool:
    open_entries = {row.position: ("restored", "closed with its run") for row in self.entries(run) if row.is_open}
    if open_entries:
        _settle(self, run, open_entries)  # type: ignore[arg-type]
    return _end(self, run, note)


_settle = Journal.settle


def _by_a_list(self: Aws, call: Call, region: str, paged: bool) -> Json:
    """The door before it caught every exception: botocore's two trees alone."""
    try:
        raw = self._send(call, region, paged)
    except (ClientError, BotoCoreError) as error:
        raise _ours(self.connection, call, error) from error
    return plain(raw)


def _without_body_check(model: object, answer: object) -> None:
    """A body of any kind is an answer."""


ACL = "blackhole of 1 subnet"
MUTANTS: dict[str, Mutant] = {
    "skip the journal": Mutant("throttle a table", "plain", ((Journal, "intend", _no_intents),)),
    "intent after the call": Mutant(
        "throttle a table",
        "plain",
        ((Journal, "intend", _intent_later), (Journal, "answer", _intent_with_the_answer)),
    ),
    "forget the compare": Mutant("throttle a table", "stranger", ((engine, "decide", _without_compare),)),
    "skip the settle": Mutant(ACL, "rough", ((Undo, "_quiet_from", _without_settle),)),
    "look only once, though a request is late": Mutant(
        "throttle a table", "later", ((Undo, "_quiet_from", _without_the_late),)
    ),
    "reverse the order of stages": Mutant(ACL, "plain", ((Undo, "_stage", _first_stages_first),)),
    "swallow an error": Mutant("throttle a table", "troubles", ((Undo, "_step", _swallowed),)),
    "believe a write": Mutant("throttle a table", "rough", ((Undo, "_step", _believing),)),
    "find what was made by a remembered id": Mutant(ACL, "plain", ((Undo, "_step", _by_remembered_id),)),
    "know what a call raises by a list": Mutant(
        ACL, "nonsense", ((Aws, "_of_aws", _by_a_list), (connection, "must_be_answer", _without_body_check))
    ),
    "take an empty body for an empty answer": Mutant(
        "throttle a function that reserves nothing",
        "rows of nonsense",
        ((connection, "must_be_answer", _without_body_check),),
    ),
    "end a run with open rows": Mutant("throttle a table", "troubles", ((Journal, "end", _end_with_open_rows),)),
}
"""Every mutant: what it does wrong, and the part of the matrix that finds it."""
