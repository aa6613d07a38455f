"""Settings at work: reading a setting of many resources, capturing what undo writes back, and the calls that set it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from gameday.aws.account import Account
from gameday.change import Call, Json, Observation, Setting, SettingChange, Shape
from gameday.change.normal_form import items
from gameday.change.placeholders import unbound
from gameday.change.words import brief
from gameday.engine.calls import answers_of_each
from gameday.errors import AwsError, GamedayError, Refused

CHUNK = 50
"""Resources in one plural read: the fewest that any of them takes (DescribeAutoScalingGroups: 50 names)."""


def read(
    setting: Setting, ids: Iterable[str], region: str, args: Mapping[str, dict[str, Json]], account: Account
) -> dict[str, Observation | AwsError]:
    """A setting of many resources, in as few calls as it takes; an error stands where the reading would be."""
    return _read(setting, list(ids), region, args, account, chunk=CHUNK)


def _read(
    setting: Setting, ids: list[str], region: str, args: Mapping[str, dict[str, Json]], account: Account, *, chunk: int
) -> dict[str, Observation | AwsError]:
    asked = list(setting.read_calls(ids, args, chunk))
    answers = account.call_all([(call, region) for _, call in asked], paged=True)
    found: dict[str, Observation | AwsError] = {}
    doubtful: list[str] = []
    for (these, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, AwsError) and answer.code in setting.gone and len(these) > 1:
            doubtful += these
        else:
            found |= setting.observations(these, answer)
    if doubtful:
        # One resource that is gone fails the read of all: ask one by one which it is.
        found |= _read(setting, doubtful, region, args, account, chunk=1)
    return found


def read_settings(changes: Mapping[int, SettingChange], account: Account) -> dict[int, Observation | GamedayError]:
    """The settings of many setting changes as they stand, by the same keys; see `read_beside`."""
    return read_beside(changes, (), account)[0]


def read_beside(
    changes: Mapping[int, SettingChange], others: Sequence[tuple[Call, str]], account: Account
) -> tuple[dict[int, Observation | GamedayError], list[Json | GamedayError]]:
    """The settings of many setting changes, and the answers to other reads, all asked at once.

    A bulk read a setting and region.

    An error stands where a reading or an answer would be, so that one that fails does not hide the others.
    """

    def place(key: int) -> tuple[str, str]:
        return changes[key].setting.name, changes[key].region

    found: dict[int, Observation | GamedayError] = {}
    asked: list[tuple[dict[str, int], list[str], Call]] = []
    for _, group in groupby(sorted(changes, key=place), key=place):
        keys = {changes[key].id: key for key in group}
        try:
            args = {name: changes[key].args for name, key in keys.items()}
            setting = changes[min(keys.values())].setting
            asked += [(keys, ids, call) for ids, call in setting.read_calls(args, args, CHUNK)]
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
) -> Mapping[str, Observation | GamedayError]:
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
        return setting.observations(ids, answer)
    except GamedayError as error:
        return dict.fromkeys(ids, error)


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
            say(f"{setting.name} of {name} already is {brief(value)}")
        elif missing := _not_writable(setting_change):
            reasons.append(f"{setting.name} of {name} could not be put back: no call sets it to {brief(missing[0])}")
        else:
            changes.append(setting_change)
    if reasons:
        raise Refused(tuple(reasons))
    return changes


def _setting_change(setting_change: SettingChange, now: Observation, aim: Json) -> SettingChange:
    """A bare setting change with what stands now, and what is to be."""
    setting = setting_change.setting
    if setting.shape is not Shape.SET:
        about = f"{setting.name} of {setting_change.id}: {brief(now.value)} → {brief(aim)}"
        return setting_change.model_copy(update={"before": now.value, "after": aim, "about": about})
    there, wanted = items(setting.canonical, now.value), aim if isinstance(aim, dict) else {}
    adds = tuple(item for key, item in items(setting.canonical, wanted.get("adds")).items() if key not in there)
    removes = tuple(item for key, item in items(setting.canonical, wanted.get("removes")).items() if key in there)
    moved = [*(f"+ {brief(item)}" for item in adds), *(f"− {brief(item)}" for item in removes)]
    return setting_change.model_copy(
        update={"adds": adds, "removes": removes, "about": f"{setting.name} of {setting_change.id}: {' '.join(moved)}"}
    )


def _changes_nothing(setting_change: SettingChange, now: Observation) -> bool:
    if setting_change.is_set:
        return not (setting_change.adds or setting_change.removes)
    # A value that is known only later (what the run will make) is never there already.
    return not unbound(setting_change.after) and setting_change.stands_at("after", now)


def _not_writable(setting_change: SettingChange) -> list[Json]:
    """The values that no call of the setting writes; a set needs both its calls."""
    if setting_change.is_set:
        return (
            []
            if setting_change.setting.add and setting_change.setting.remove
            else [[*setting_change.adds, *setting_change.removes]]
        )
    return [
        value for value in (setting_change.before, setting_change.after) if setting_change.setting.setter(value) is None
    ]


def _as_read(setting: Setting, now: Observation) -> str:
    return f"{setting.name} reads {'nothing' if now.gone else brief(now.row or now.value)}"
