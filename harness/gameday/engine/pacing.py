"""How the undo's share of AWS's rate limits slows an injection: which calls cannot all go out at once."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.rate_limits import needs
from gameday.change import Change
from gameday.steady_state.kpi.units import show_duration


def slowed(changes: Iterable[Change]) -> list[str]:
    """Return a line for each API whose calls cannot all go out at once, because the undo keeps its share."""
    calls = [(template.call, change.region) for change in changes for template in change.apply_templates()]
    return [
        f"Gameday sends {at_once} of {number} calls of {api} in {region} at once and the others within "
        f"{show_duration(seconds)}: AWS takes {bucket.size:g} at once and {bucket.refill:g} a second, "
        "and Gameday keeps half of that for the undo"
        for (api, region), (number, at_once, seconds, bucket) in needs(calls).items()
        if seconds
    ]
