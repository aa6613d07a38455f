"""Knobs at work: reading a setting of many resources, capturing what undo writes back, and the calls that set it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from gameday.aws.account import Account
from gameday.change import Call, Json, Knob, Shape, Turn
from gameday.engine.calls import answers_of_each
from gameday.engine.canonical import items, same
from gameday.engine.placeholders import bind, search, shown, unbound
from gameday.errors import AwsError, GamedayError, Refused

CHUNK = 50
"""Resources in one plural read: the fewest that any of them takes (DescribeAutoScalingGroups: 50 names)."""

Side = Literal["before", "after"]
"""The two sides of a Turn: what was there, and what we set."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A setting as just read; `value` None is "absent", `ready` is false while it changes, `gone` has no resource."""

    value: Json = None
    row: dict[str, Json] = field(default_factory=dict)
    ready: bool = True
    gone: bool = False


def read(
    knob: Knob, ids: Iterable[str], region: str, args: Mapping[str, dict[str, Json]], account: Account
) -> dict[str, Reading | AwsError]:
    """A setting of many resources, in as few calls as it takes; an error stands where the reading would be."""
    return _read(knob, list(ids), region, args, account, chunk=CHUNK)


def _read(
    knob: Knob, ids: list[str], region: str, args: Mapping[str, dict[str, Json]], account: Account, *, chunk: int
) -> dict[str, Reading | AwsError]:
    asked = list(reads(knob, ids, args, chunk))
    answers = account.call_all([(call, region) for _, call in asked], paged=True)
    found: dict[str, Reading | AwsError] = {}
    doubtful: list[str] = []
    for (these, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, AwsError) and answer.code in knob.gone and len(these) > 1:
            doubtful += these
        else:
            found |= readings_of(knob, these, answer)
    if doubtful:
        # One resource that is gone fails the read of all: ask one by one which it is.
        found |= _read(knob, doubtful, region, args, account, chunk=1)
    return found


def reads(
    knob: Knob, ids: Sequence[str], args: Mapping[str, dict[str, Json]], chunk: int = CHUNK
) -> Iterable[tuple[list[str], Call]]:
    """The calls that read a setting, each with the ids it answers for."""
    for _, alike in groupby(ids, key=lambda one: args.get(one, {})):
        these = list(alike)
        step = chunk if knob.read.plural else 1
        for start in range(0, len(these), step):
            some = these[start : start + step]
            yield some, bind(knob.read.call, {"id": some[0], "ids": some, "args": args.get(some[0], {})})


def readings_of(knob: Knob, ids: list[str], answer: Json | AwsError) -> Mapping[str, Reading | AwsError]:
    """What one read says of each resource that it was asked for, from its answer or its error."""
    if isinstance(answer, AwsError):
        if answer.code in knob.read.absent:
            return {one: Reading() for one in ids}
        return {one: Reading(gone=True) if answer.code in knob.gone else answer for one in ids}
    rows = [row for row in search(knob.read.rows, answer) or [] if row is not None]
    by_id = {str(row["id"]) if knob.read.plural else str(row.get("id") or ids[0]): row for row in rows}
    # A resource that a plural read does not list is gone; one whose own read finds no row lacks the setting.
    missing = Reading(gone=knob.read.plural)
    return {one: _reading(knob, by_id[one]) if one in by_id else missing for one in ids}


def _reading(knob: Knob, row: dict[str, Json]) -> Reading:
    value = row.get("value")
    in_passing = isinstance(value, str) and value in knob.transitional
    refuses = bool(knob.ready) and search(knob.ready, row) is False
    return Reading(value, row, ready=not in_passing and not refuses)


def read_turns(turns: Mapping[int, Turn], account: Account) -> dict[int, Reading | GamedayError]:
    """The settings of many Turns as they stand, by the same keys; see `read_beside`."""
    return read_beside(turns, (), account)[0]


def read_beside(
    turns: Mapping[int, Turn], others: Sequence[tuple[Call, str]], account: Account
) -> tuple[dict[int, Reading | GamedayError], list[Json | GamedayError]]:
    """The settings of many Turns, and the answers to other reads, all asked at once; a bulk read a knob and region.

    An error stands where a reading or an answer would be, so that one that fails does not hide the others.
    """

    def place(key: int) -> tuple[str, str]:
        return turns[key].knob.name, turns[key].region

    found: dict[int, Reading | GamedayError] = {}
    asked: list[tuple[dict[str, int], list[str], Call]] = []
    for _, group in groupby(sorted(turns, key=place), key=place):
        keys = {turns[key].id: key for key in group}
        try:
            args = {one: turns[key].args for one, key in keys.items()}
            asked += [(keys, ids, call) for ids, call in reads(turns[min(keys.values())].knob, list(args), args)]
        except GamedayError as error:
            found |= dict.fromkeys(keys.values(), error)
    calls = [(call, turns[keys[ids[0]]].region) for keys, ids, call in asked]
    answers = answers_of_each(account, [*calls, *others], paged=True)
    for (keys, ids, _), answer in zip(asked, answers, strict=False):
        found |= {
            keys[one]: reading for one, reading in _told([turns[keys[one]] for one in ids], answer, account).items()
        }
    return found, answers[len(asked) :]


def _told(turns: list[Turn], answer: Json | GamedayError, account: Account) -> Mapping[str, Reading | GamedayError]:
    knob, region, ids = turns[0].knob, turns[0].region, [turn.id for turn in turns]
    try:
        if isinstance(answer, AwsError) and answer.code in knob.gone and len(ids) > 1:
            # One resource that is gone fails the read of all: ask one by one which it is.
            return _read(knob, ids, region, {turn.id: turn.args for turn in turns}, account, chunk=1)
        if isinstance(answer, GamedayError) and not isinstance(answer, AwsError):
            return dict.fromkeys(ids, answer)
        return readings_of(knob, ids, answer)
    except GamedayError as error:
        return dict.fromkeys(ids, error)


def stands_at(turn: Turn, side: Side, now: Reading) -> bool:
    """Whether a setting stands as it was before, or as we set it; of a set, only our own items count."""
    if turn.knob.shape is Shape.SET:
        return not _to_move(turn, side, now)
    return same(turn.knob.canonical, now.value, turn.before if side == "before" else turn.after)


def writes(turn: Turn, side: Side, now: Reading, bindings: Mapping[str, Json]) -> list[Call]:
    """The calls that bring a setting to one side of its Turn, given what was just read. Raises GamedayError."""
    known = {**bindings, "id": turn.id, "ids": [turn.id], "args": turn.args, "row": now.row}
    if turn.knob.shape is Shape.SET:
        return [bind(call, {**known, "value": value}) for call, value in _to_move(turn, side, now)]
    value = turn.before if side == "before" else turn.after
    call = setter(turn.knob, value)
    if call is None:
        raise GamedayError(f"no call sets {turn.knob.name} of {turn.id} to {said(value)}", "mend the knob")
    return [bind(call, {**known, "value": value})]


def setter(knob: Knob, value: Json) -> Call | None:
    """The call that sets a scalar or a switch to a value; None where there is none."""
    if knob.shape is Shape.SWITCH:
        return knob.positions.get(str(value))
    return knob.clear if value is None else knob.write


def _to_move(turn: Turn, side: Side, now: Reading) -> list[tuple[Call, list[Json]]]:
    """What is still to be removed from a set and added to it, item by item: others' items are never touched."""
    knob = turn.knob
    there = items(knob.canonical, now.value)
    out, into = (turn.adds, turn.removes) if side == "before" else (turn.removes, turn.adds)
    extra = [item for key, item in items(knob.canonical, out).items() if key in there]
    lacking = [item for key, item in items(knob.canonical, into).items() if key not in there]
    return [(call, moved) for call, moved in ((knob.remove, extra), (knob.add, lacking)) if call and moved]


def capture(
    knob: Knob,
    wanted: Mapping[str, Json],
    region: str,
    account: Account,
    args: Mapping[str, dict[str, Json]] | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> list[Turn]:
    """Turns that bring settings to the values wanted, with what stands now as what undo writes back; reads only.

    `wanted` is id → value or, for a set, id → {"adds": [...], "removes": [...]}; of those only what would really change
    is kept, and a Turn that would change nothing is left out, which `say` is told. Nothing is waited for. Raises
    AwsError where a read fails, and Refused for what could not be put back: a resource that is gone or changing right
    now, or a value that no call writes.
    """
    args = args or {}
    found = read(knob, wanted, region, args, account)
    turns: list[Turn] = []
    reasons: list[str] = []
    for name, aim in wanted.items():
        now = found[name]
        if isinstance(now, AwsError):
            raise now
        turn = _turn(Turn(region=region, knob=knob, id=name, args=args.get(name, {})), now, aim)
        if now.gone or not now.ready:
            reasons.append(f"{name} {'is not there' if now.gone else 'is changing right now'}: {_as_read(knob, now)}")
        elif _changes_nothing(turn, now):
            say(f"{knob.name} of {name} already is {said(turn.after if knob.shape is not Shape.SET else now.value)}")
        elif missing := _not_writable(turn):
            reasons.append(f"{knob.name} of {name} could not be put back: no call sets it to {said(missing[0])}")
        else:
            turns.append(turn)
    if reasons:
        raise Refused(tuple(reasons))
    return turns


def _turn(turn: Turn, now: Reading, aim: Json) -> Turn:
    """A bare Turn with what stands now, and what is to be."""
    knob = turn.knob
    if knob.shape is not Shape.SET:
        about = f"{knob.name} of {turn.id}: {said(now.value)} → {said(aim)}"
        return turn.model_copy(update={"before": now.value, "after": aim, "about": about})
    there = items(knob.canonical, now.value)
    adds = tuple(item for key, item in items(knob.canonical, aim.get("adds")).items() if key not in there)
    removes = tuple(item for key, item in items(knob.canonical, aim.get("removes")).items() if key in there)
    moved = [*(f"+ {said(item)}" for item in adds), *(f"− {said(item)}" for item in removes)]
    return turn.model_copy(
        update={"adds": adds, "removes": removes, "about": f"{knob.name} of {turn.id}: {' '.join(moved)}"}
    )


def _changes_nothing(turn: Turn, now: Reading) -> bool:
    if turn.knob.shape is Shape.SET:
        return not (turn.adds or turn.removes)
    # A value that is known only later (what the run will make) is never there already.
    return not unbound(turn.after) and stands_at(turn, "after", now)


def _not_writable(turn: Turn) -> list[Json]:
    """The values that no call of the knob writes; a set needs both its calls."""
    if turn.knob.shape is Shape.SET:
        return [] if turn.knob.add and turn.knob.remove else [[*turn.adds, *turn.removes]]
    return [value for value in (turn.before, turn.after) if setter(turn.knob, value) is None]


def _as_read(knob: Knob, now: Reading) -> str:
    return f"{knob.name} reads {'nothing' if now.gone else said(now.row or now.value)}"


def said(value: Json) -> str:
    """A value in few words."""
    named = "absent" if value is None else shown(value)
    text = named if isinstance(named, str) else json.dumps(named)
    return text if len(text) <= 80 else f"{text[:79]}…"
