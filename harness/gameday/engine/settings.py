"""Settings at work: reading a setting of many resources, capturing what undo writes back, and the calls that set it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from gameday.aws.account import Account
from gameday.change import Call, Json, Setting, SettingChange, Shape
from gameday.engine.calls import answers_of_each
from gameday.engine.canonical import items, same
from gameday.engine.placeholders import bind, search, shown, unbound
from gameday.errors import AwsError, GamedayError, Refused

CHUNK = 50
"""Resources in one plural read: the fewest that any of them takes (DescribeAutoScalingGroups: 50 names)."""

Side = Literal["before", "after"]
"""The two sides of a setting change: what was there, and what we set."""


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A setting as just read; `value` None is "absent", `ready` is false while it changes, `gone` has no resource."""

    value: Json = None
    row: dict[str, Json] = field(default_factory=dict)
    ready: bool = True
    gone: bool = False


def read(
    setting: Setting, ids: Iterable[str], region: str, args: Mapping[str, dict[str, Json]], account: Account
) -> dict[str, SettingValue | AwsError]:
    """A setting of many resources, in as few calls as it takes; an error stands where the reading would be."""
    return _read(setting, list(ids), region, args, account, chunk=CHUNK)


def _read(
    setting: Setting, ids: list[str], region: str, args: Mapping[str, dict[str, Json]], account: Account, *, chunk: int
) -> dict[str, SettingValue | AwsError]:
    asked = list(reads(setting, ids, args, chunk))
    answers = account.call_all([(call, region) for _, call in asked], paged=True)
    found: dict[str, SettingValue | AwsError] = {}
    doubtful: list[str] = []
    for (these, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, AwsError) and answer.code in setting.gone and len(these) > 1:
            doubtful += these
        else:
            found |= readings_of(setting, these, answer)
    if doubtful:
        # One resource that is gone fails the read of all: ask one by one which it is.
        found |= _read(setting, doubtful, region, args, account, chunk=1)
    return found


def reads(
    setting: Setting, ids: Sequence[str], args: Mapping[str, dict[str, Json]], chunk: int = CHUNK
) -> Iterable[tuple[list[str], Call]]:
    """The calls that read a setting, each with the ids it answers for."""
    for _, alike in groupby(ids, key=lambda one: args.get(one, {})):
        these = list(alike)
        step = chunk if setting.read.plural else 1
        for start in range(0, len(these), step):
            some = these[start : start + step]
            yield some, bind(setting.read.call, {"id": some[0], "ids": some, "args": args.get(some[0], {})})


def readings_of(setting: Setting, ids: list[str], answer: Json | AwsError) -> Mapping[str, SettingValue | AwsError]:
    """What one read says of each resource that it was asked for, from its answer or its error."""
    if isinstance(answer, AwsError):
        if answer.code in setting.read.absent:
            return {one: SettingValue() for one in ids}
        return {one: SettingValue(gone=True) if answer.code in setting.gone else answer for one in ids}
    rows = [row for row in search(setting.read.rows, answer) or [] if row is not None]
    by_id = {str(row["id"]) if setting.read.plural else str(row.get("id") or ids[0]): row for row in rows}
    # A resource that a plural read does not list is gone; one whose own read finds no row lacks the setting.
    missing = SettingValue(gone=setting.read.plural)
    return {one: _reading(setting, by_id[one]) if one in by_id else missing for one in ids}


def _reading(setting: Setting, row: dict[str, Json]) -> SettingValue:
    value = row.get("value")
    in_passing = isinstance(value, str) and value in setting.transitional
    refuses = bool(setting.ready) and search(setting.ready, row) is False
    return SettingValue(value, row, ready=not in_passing and not refuses)


def read_settings(changes: Mapping[int, SettingChange], account: Account) -> dict[int, SettingValue | GamedayError]:
    """The settings of many setting changes as they stand, by the same keys; see `read_beside`."""
    return read_beside(changes, (), account)[0]


def read_beside(
    changes: Mapping[int, SettingChange], others: Sequence[tuple[Call, str]], account: Account
) -> tuple[dict[int, SettingValue | GamedayError], list[Json | GamedayError]]:
    """The settings of many setting changes, and the answers to other reads, all asked at once.

    A bulk read a setting and region.

    An error stands where a reading or an answer would be, so that one that fails does not hide the others.
    """

    def place(key: int) -> tuple[str, str]:
        return changes[key].setting.name, changes[key].region

    found: dict[int, SettingValue | GamedayError] = {}
    asked: list[tuple[dict[str, int], list[str], Call]] = []
    for _, group in groupby(sorted(changes, key=place), key=place):
        keys = {changes[key].id: key for key in group}
        try:
            args = {one: changes[key].args for one, key in keys.items()}
            asked += [(keys, ids, call) for ids, call in reads(changes[min(keys.values())].setting, list(args), args)]
        except GamedayError as error:
            found |= dict.fromkeys(keys.values(), error)
    calls = [(call, changes[keys[ids[0]]].region) for keys, ids, call in asked]
    answers = answers_of_each(account, [*calls, *others], paged=True)
    for (keys, ids, _), answer in zip(asked, answers, strict=False):
        found |= {
            keys[one]: reading for one, reading in _told([changes[keys[one]] for one in ids], answer, account).items()
        }
    return found, answers[len(asked) :]


def _told(
    changes: list[SettingChange], answer: Json | GamedayError, account: Account
) -> Mapping[str, SettingValue | GamedayError]:
    setting, region, ids = changes[0].setting, changes[0].region, [setting_change.id for setting_change in changes]
    try:
        if isinstance(answer, AwsError) and answer.code in setting.gone and len(ids) > 1:
            # One resource that is gone fails the read of all: ask one by one which it is.
            return _read(
                setting,
                ids,
                region,
                {setting_change.id: setting_change.args for setting_change in changes},
                account,
                chunk=1,
            )
        if isinstance(answer, GamedayError) and not isinstance(answer, AwsError):
            return dict.fromkeys(ids, answer)
        return readings_of(setting, ids, answer)
    except GamedayError as error:
        return dict.fromkeys(ids, error)


def stands_at(setting_change: SettingChange, side: Side, now: SettingValue) -> bool:
    """Whether a setting stands as it was before, or as we set it; of a set, only our own items count."""
    if setting_change.setting.shape is Shape.SET:
        return not _to_move(setting_change, side, now)
    return same(
        setting_change.setting.canonical, now.value, setting_change.before if side == "before" else setting_change.after
    )


def writes(setting_change: SettingChange, side: Side, now: SettingValue, bindings: Mapping[str, Json]) -> list[Call]:
    """The calls that bring a setting to one side of its Turn, given what was just read. Raises GamedayError."""
    known = {
        **bindings,
        "id": setting_change.id,
        "ids": [setting_change.id],
        "args": setting_change.args,
        "row": now.row,
    }
    if setting_change.setting.shape is Shape.SET:
        return [bind(call, {**known, "value": value}) for call, value in _to_move(setting_change, side, now)]
    value = setting_change.before if side == "before" else setting_change.after
    call = setter(setting_change.setting, value)
    if call is None:
        raise GamedayError(f"no call sets {setting_change.subject} to {said(value)}", "mend the setting")
    return [bind(call, {**known, "value": value})]


def setter(setting: Setting, value: Json) -> Call | None:
    """The call that sets a scalar or a switch to a value; None where there is none."""
    if setting.shape is Shape.SWITCH:
        return setting.positions.get(str(value))
    return setting.clear if value is None else setting.write


def _to_move(setting_change: SettingChange, side: Side, now: SettingValue) -> list[tuple[Call, list[Json]]]:
    """What is still to be removed from a set and added to it, item by item: others' items are never touched."""
    setting = setting_change.setting
    there = items(setting.canonical, now.value)
    out, into = (
        (setting_change.adds, setting_change.removes)
        if side == "before"
        else (setting_change.removes, setting_change.adds)
    )
    extra = [item for key, item in items(setting.canonical, out).items() if key in there]
    lacking = [item for key, item in items(setting.canonical, into).items() if key not in there]
    return [(call, moved) for call, moved in ((setting.remove, extra), (setting.add, lacking)) if call and moved]


def capture(
    setting: Setting,
    wanted: Mapping[str, Json],
    region: str,
    account: Account,
    args: Mapping[str, dict[str, Json]] | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> list[SettingChange]:
    """Setting changes that bring settings to the values wanted, with what stands now as what undo writes back.

    Reads only.

    `wanted` is id → value or, for a set, id → {"adds": [...], "removes": [...]}; of those only what would really change
    is kept, and a setting change that would change nothing is left out, which `say` is told. Nothing is waited
    for. Raises AwsError where a read fails, and Refused for what could not be put back: a resource that is gone
    or changing right now, or a value that no call writes.
    """
    args = args or {}
    found = read(setting, wanted, region, args, account)
    changes: list[SettingChange] = []
    reasons: list[str] = []
    for name, aim in wanted.items():
        now = found[name]
        if isinstance(now, AwsError):
            raise now
        setting_change = _setting_change(
            SettingChange(region=region, setting=setting, id=name, args=args.get(name, {})), now, aim
        )
        if now.gone or not now.ready:
            reasons.append(
                f"{name} {'is not there' if now.gone else 'is changing right now'}: {_as_read(setting, now)}"
            )
        elif _changes_nothing(setting_change, now):
            value = now.value if setting.shape is Shape.SET else setting_change.after
            say(f"{setting.name} of {name} already is {said(value)}")
        elif missing := _not_writable(setting_change):
            reasons.append(f"{setting.name} of {name} could not be put back: no call sets it to {said(missing[0])}")
        else:
            changes.append(setting_change)
    if reasons:
        raise Refused(tuple(reasons))
    return changes


def _setting_change(setting_change: SettingChange, now: SettingValue, aim: Json) -> SettingChange:
    """A bare setting change with what stands now, and what is to be."""
    setting = setting_change.setting
    if setting.shape is not Shape.SET:
        about = f"{setting.name} of {setting_change.id}: {said(now.value)} → {said(aim)}"
        return setting_change.model_copy(update={"before": now.value, "after": aim, "about": about})
    there = items(setting.canonical, now.value)
    adds = tuple(item for key, item in items(setting.canonical, aim.get("adds")).items() if key not in there)
    removes = tuple(item for key, item in items(setting.canonical, aim.get("removes")).items() if key in there)
    moved = [*(f"+ {said(item)}" for item in adds), *(f"− {said(item)}" for item in removes)]
    return setting_change.model_copy(
        update={"adds": adds, "removes": removes, "about": f"{setting.name} of {setting_change.id}: {' '.join(moved)}"}
    )


def _changes_nothing(setting_change: SettingChange, now: SettingValue) -> bool:
    if setting_change.setting.shape is Shape.SET:
        return not (setting_change.adds or setting_change.removes)
    # A value that is known only later (what the run will make) is never there already.
    return not unbound(setting_change.after) and stands_at(setting_change, "after", now)


def _not_writable(setting_change: SettingChange) -> list[Json]:
    """The values that no call of the setting writes; a set needs both its calls."""
    if setting_change.setting.shape is Shape.SET:
        return (
            []
            if setting_change.setting.add and setting_change.setting.remove
            else [[*setting_change.adds, *setting_change.removes]]
        )
    return [
        value
        for value in (setting_change.before, setting_change.after)
        if setter(setting_change.setting, value) is None
    ]


def _as_read(setting: Setting, now: SettingValue) -> str:
    return f"{setting.name} reads {'nothing' if now.gone else said(now.row or now.value)}"


def said(value: Json) -> str:
    """A value in few words."""
    named = "absent" if value is None else shown(value)
    text = named if isinstance(named, str) else json.dumps(named)
    return text if len(text) <= 80 else f"{text[:79]}…"
