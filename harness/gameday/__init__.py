"""Gameday: proves that an AWS workload survives failure.

These names are public, and so are the modules that docs/reference/stability.md lists. A name is imported when it is
asked for, so that `import gameday` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gameday.change import (
        Call,
        CreatedResource,
        Effect,
        Excess,
        IrreversibleAction,
        NormalForm,
        PlannedFault,
        Probe,
        Read,
        Setting,
        SettingChange,
        Shape,
    )
    from gameday.checks.finding import Check, CheckContext, Finding, Practice
    from gameday.errors import (
        ApplyFailed,
        AwsError,
        Exit,
        GamedayError,
        InvalidInput,
        JournalError,
        LeaseLost,
        Refused,
        Unplanned,
        Unreachable,
    )
    from gameday.faults.fault import Fault, FaultContext, InstanceTargets

__version__ = "0.1.0"

__all__ = [
    "ApplyFailed",
    "AwsError",
    "Call",
    "Check",
    "CheckContext",
    "CreatedResource",
    "Effect",
    "Excess",
    "Exit",
    "Fault",
    "FaultContext",
    "Finding",
    "GamedayError",
    "InstanceTargets",
    "InvalidInput",
    "IrreversibleAction",
    "JournalError",
    "LeaseLost",
    "NormalForm",
    "PlannedFault",
    "Practice",
    "Probe",
    "Read",
    "Refused",
    "Setting",
    "SettingChange",
    "Shape",
    "Unplanned",
    "Unreachable",
    "__version__",
]
_CHANGE = (
    "Call CreatedResource Effect Excess IrreversibleAction NormalForm PlannedFault Probe Read Setting SettingChange"
)
_HOMES = {
    **dict.fromkeys((*_CHANGE.split(), "Shape"), "change"),
    **dict.fromkeys(("Check", "CheckContext", "Finding", "Practice"), "checks.finding"),
    **dict.fromkeys(("Fault", "FaultContext", "InstanceTargets"), "faults.fault"),
}
"""Name → its module; the others are errors."""


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for (PEP 562)."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
