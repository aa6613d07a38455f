"""What the undo's share of AWS's rates means for an injection: which calls cannot all go out at once."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.rate_limits import needs
from gameday.change import Call, CreatedResource, IrreversibleAction, SettingChange, Shape
from gameday.engine.settings import setter
from gameday.steady_state.kpi.units import show_duration


def slowed(changes: Iterable[SettingChange | CreatedResource | IrreversibleAction]) -> list[str]:
    """What cannot be injected at once because of the undo's share, in a line for each API."""
    calls = [(call, change.region) for change in changes for call in _sent(change)]
    return [
        f"of {number} calls of {api} in {region}, {at_once} go out at once and the others within "
        f"{show_duration(seconds)}: AWS takes {bucket.size:g} at once and {bucket.refill:g} a second, "
        "and half of that is kept for the undo"
        for (api, region), (number, at_once, seconds, bucket) in needs(calls).items()
        if seconds
    ]


def _sent(change: SettingChange | CreatedResource | IrreversibleAction) -> list[Call]:
    """The calls that bring a change about."""
    if isinstance(change, IrreversibleAction):
        return [change.call]
    if isinstance(change, CreatedResource):
        return [change.create, *change.then]
    setting = change.setting
    if setting.shape is Shape.SET:
        moved = ((setting.add, change.adds), (setting.remove, change.removes))
        return [call for call, items in moved if call and items]
    call = setter(setting, change.after)
    return [call] if call else []
