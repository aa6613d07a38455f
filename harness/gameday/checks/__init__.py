"""Redundancy checks: find weaknesses in an account or a twin file without any fault. They only read."""

from __future__ import annotations

from functools import partial

from gameday.checks.finding import Check
from gameday.errors import InvalidInput
from gameday.steady_state.registry import Registry


def _accept(name: str, found: object) -> Check:
    if not isinstance(found, Check) or found.id != name:
        msg = f"it must be a Check with the id {name}"
        raise ValueError(msg)
    return found


CHECKS: Registry[Check] = Registry(
    "gameday.checks",
    {
        "GD101": "gameday.checks.zones:ONE_ZONE",
        "GD102": "gameday.checks.zones:ONE_ZONE_TARGETS",
        "GD103": "gameday.checks.zones:TOO_LITTLE_WITHOUT_A_ZONE",
        "GD104": "gameday.checks.peaks:NO_ROOM_AT_THE_PEAK",
        "GD201": "gameday.checks.shared:SHARED_TABLE",
        "GD202": "gameday.checks.shared:SHARED_QUEUE",
        "GD203": "gameday.checks.shared:SHARED_FUNCTION",
        "GD204": "gameday.checks.shared:SHARED_ROLE",
        "GD205": "gameday.checks.shared:SHARED_SECURITY_GROUP",
        "GD301": "gameday.checks.waiting:CALLER_GIVES_UP_FIRST",
        "GD302": "gameday.checks.waiting:NO_TIMEOUT",
        "GD303": "gameday.checks.waiting:NO_TIME_FOR_RETRIES",
    },
    _accept,
    partial(InvalidInput, gd_code="GD-E122"),
)
"""Stable id → check: our checks, and those of installed packages."""
