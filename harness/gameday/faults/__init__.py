"""The catalogue of faults. A fault is a few lines of settings and one method that returns changes."""

from functools import partial

from gameday.errors import InvalidInput
from gameday.faults.fault import Fault
from gameday.steady_state.registry import Registry


def _accept(name: str, fault: object) -> type[Fault]:
    if not (isinstance(fault, type) and issubclass(fault, Fault)):
        msg = "it is not a subclass of Fault"
        raise ValueError(msg)
    if missing := [field for field in ("name", "undo", "effect", "example") if not hasattr(fault, field)]:
        msg = f"{fault.__name__} does not define {' and '.join(missing)}"
        raise ValueError(msg)
    if fault.name != name:
        msg = f"its name is {fault.name}"
        raise ValueError(msg)
    return fault


CATALOGUE: Registry[type[Fault]] = Registry(
    "gameday.faults",
    {
        "terminate-instance": "gameday.faults.ec2:TerminateInstance",
        "stop-instance": "gameday.faults.ec2:StopInstance",
        "reboot-instance": "gameday.faults.ec2:RebootInstance",
        "az-blackhole": "gameday.faults.blackhole:AzBlackhole",
        "isolate-module": "gameday.faults.isolate:IsolateModule",
        "throttle": "gameday.faults.throttle:Throttle",
    },
    _accept,
    partial(InvalidInput, gd_code="GD-E122"),
)
"""Every fault that an experiment can name: those of Gameday and of installed packages."""
