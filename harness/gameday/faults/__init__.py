"""The catalogue of faults: each a few lines of settings and one method that answers with changes."""

from functools import partial

from gameday.errors import InvalidInput
from gameday.faults.fault import Fault
from gameday.steady_state.registry import Registry


def _accept(name: str, found: object) -> type[Fault]:
    if not (isinstance(found, type) and issubclass(found, Fault)):
        msg = "it is no subclass of Fault"
        raise ValueError(msg)
    if missing := [each for each in ("name", "undo", "effect", "example") if not hasattr(found, each)]:
        msg = f"{found.__name__} does not say its {' and '.join(missing)}"
        raise ValueError(msg)
    if found.name != name:
        msg = f"it is named {found.name}"
        raise ValueError(msg)
    return found


CATALOGUE: Registry[type[Fault]] = Registry(
    "gameday.faults",
    {
        "terminate-instance": "gameday.faults.ec2:TerminateInstance",
        "stop-instance": "gameday.faults.ec2:StopInstance",
        "reboot-instance": "gameday.faults.ec2:RebootInstance",
        "az-blackhole": "gameday.faults.network:AzBlackhole",
        "isolate-module": "gameday.faults.network:IsolateModule",
        "throttle": "gameday.faults.throttle:Throttle",
    },
    _accept,
    partial(InvalidInput, gd_code="GD-E122"),
)
"""Every fault that an experiment can name: ours, and those of installed packages."""
