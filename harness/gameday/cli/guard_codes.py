"""Explain the codes of guards, from their registries: why a plan is refused (GD-P) or carries a warning (GD-W)."""

from __future__ import annotations

from typing import Never

from gameday.cli.error_codes import ErrorCode
from gameday.plan.guards.guard import InjectionGuard
from gameday.plan.guards.registry import GUARDS, NOT_RESTORABLE, READ_FAILED
from gameday.run.baseline_guards import BASELINE_GUARDS

_CHANGE_IT = "Change what the message names. `gameday plan` shows all messages without a run."
_CHANGE_BASELINE = "Change what the message names. Only a run can find this, at the end of its baseline."
_READ_IT = "Read the message. The run goes on."
_NO_PLAN = {
    READ_FAILED: ErrorCode(
        "the plan could not be made",
        "A read of the account failed, so Gameday does not know what the fault would do.",
        "Check credentials, region and permissions: `gameday policy` prints what a run needs.",
    ),
    NOT_RESTORABLE: ErrorCode(
        "a setting could not be put back",
        "A resource is gone, is not ready for a change, or has a value that no call writes.",
        "Wait until the resource is steady, or name another target.",
    ),
}
_ALL: tuple[InjectionGuard[Never], ...] = (*GUARDS, *BASELINE_GUARDS)
_REFUSALS = {
    guard.refuses: ErrorCode(guard.name, guard.about, _CHANGE_BASELINE if guard in BASELINE_GUARDS else _CHANGE_IT)
    for guard in _ALL
    if guard.refuses
}
_WARNINGS = {guard.warns: ErrorCode(f"warning: {guard.name}", guard.about, _READ_IT) for guard in _ALL if guard.warns}

GUARD_CODES = dict(sorted({**_NO_PLAN, **_REFUSALS, **_WARNINGS}.items()))
"""Every code that a guard can give."""
