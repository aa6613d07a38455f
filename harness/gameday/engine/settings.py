"""Read a setting of many resources, and capture the values that undo writes back."""

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
"""Resources in one plural read: the smallest limit of all such calls (DescribeAutoScalingGroups: 50 names)."""


def read(
    setting: Setting, ids: Iterable[str], region: str, args: Mapping[str, dict[str, Json]], account: Account
) -> dict[str, Observation | AwsError]:
    """Read a setting of many resources, in as few calls as possible; return a reading or an error for each id."""
    return _read(setting, list(ids), region, args, account, chunk=CHUNK)


def _read(
    setting: Setting, ids: list[str], region: str, args: Mapping[str, dict[str, Json]], account: Account, *, chunk: int
) -> dict[str, Observation | AwsError]:
    reads = list(setting.read_calls(ids, args, chunk))
    answers = account.call_all([(call, region) for _, call in reads], paged=True)
    readings: dict[str, Observation | AwsError] = {}
    doubtful: list[str] = []
    for (these, _), answer in zip(reads, answers, strict=True):
        if isinstance(answer, AwsError) and answer.code in setting.gone and len(these) > 1:
            doubtful += these
        else:
            readings |= setting.observations(these, answer)
    if doubtful:
        # One missing resource fails the read of all: read each alone to find it.
        readings |= _read(setting, doubtful, region, args, account, chunk=1)
    return readings


def read_settings(changes: Mapping[int, SettingChange], account: Account) -> dict[int, Observation | GamedayError]:
    """Return what the settings of many setting changes read now, by the same keys; see `read_together`."""
    return read_together(changes, (), account)[0]


def read_together(
    changes: Mapping[int, SettingChange], others: Sequence[tuple[Call, str]], account: Account
) -> tuple[dict[int, Observation | GamedayError], list[Json | GamedayError]]:
    """Read the settings of many setting changes, and send other reads, all in parallel.

    Each setting and region takes one bulk read. Returns the readings by the keys of `changes`, and the answers in the
    order of `others`. A read that fails gives its error as the value, so that it does not hide the others.
    """

    def place(key: int) -> tuple[str, str, str]:
        # The rows of one setting may differ: a stage's name the methods that are set.
        return changes[key].setting.name, changes[key].setting.read.rows, changes[key].region

    readings: dict[int, Observation | GamedayError] = {}
    reads: list[tuple[dict[str, int], list[str], Call]] = []
    for _, group in groupby(sorted(changes, key=place), key=place):
        keys = {changes[key].id: key for key in group}
        try:
            args = {name: changes[key].args for name, key in keys.items()}
            setting = changes[min(keys.values())].setting
            reads += [(keys, ids, call) for ids, call in setting.read_calls(args, args, CHUNK)]
        except GamedayError as error:
            readings |= dict.fromkeys(keys.values(), error)
    calls = [(call, changes[keys[ids[0]]].region) for keys, ids, call in reads]
    answers = answers_of_each(account, [*calls, *others], paged=True)
    for (keys, ids, _), answer in zip(reads, answers, strict=False):
        by_id = _readings([changes[keys[id_]] for id_ in ids], answer, account)
        readings |= {keys[id_]: reading for id_, reading in by_id.items()}
    return readings, answers[len(reads) :]


def _readings(
    changes: list[SettingChange], answer: Json | GamedayError, account: Account
) -> Mapping[str, Observation | GamedayError]:
    setting, region, ids = changes[0].setting, changes[0].region, [setting_change.id for setting_change in changes]
    try:
        if isinstance(answer, AwsError) and answer.code in setting.gone and len(ids) > 1:
            # One missing resource fails the read of all: read each alone to find it.
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
    """Return the setting changes that bring settings to the wanted values; undo writes back the values read now.

    It only reads, and waits for nothing. `wanted` is id → value or, for a set, id → {"adds": [...], "removes": [...]}.
    A set's change keeps only the items that would really change. `say` gets a line for each setting that already has
    its wanted value; it needs no change.

    Raises AwsError where a read fails. Raises Refused where undo would not be possible: the resource does not exist,
    it is not ready for a change, or no call writes the value.
    """
    args = args or {}
    readings = read(setting, wanted, region, args, account)
    changes: list[SettingChange] = []
    reasons: list[str] = []
    for name, aim in wanted.items():
        now = readings[name]
        if isinstance(now, AwsError):
            raise now
        setting_change = _setting_change(
            SettingChange(region=region, setting=setting, id=name, args=args.get(name, {})), now, aim
        )
        if now.gone or not now.ready:
            reasons.append(
                f"{name} {'does not exist' if now.gone else 'is not ready for a change'}: {_as_read(setting, now)}"
            )
        elif _changes_nothing(setting_change, now):
            value = now.value if setting.shape is Shape.SET else setting_change.after
            say(f"{setting.name} of {name} already is {brief(value)}")
        elif missing := _not_writable(setting_change):
            reasons.append(f"Gameday could not undo {setting.name} of {name}: no call sets it to {brief(missing[0])}")
        else:
            changes.append(setting_change)
    if reasons:
        raise Refused(tuple(reasons))
    return changes


def _setting_change(setting_change: SettingChange, now: Observation, aim: Json) -> SettingChange:
    """Complete a setting change with the value read now and the value wanted."""
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
    # A value that holds a placeholder names what the run will create, so no setting has it yet.
    return not unbound(setting_change.after) and setting_change.reads_as("after", now)


def _not_writable(setting_change: SettingChange) -> list[Json]:
    """Return the values that no call of the setting writes; a set needs both its calls."""
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
