"""The catalogue of faults: each a few lines of settings and one method that answers with changes."""

from gameday.faults.ec2 import RebootInstance, StopInstance, TerminateInstance
from gameday.faults.fault import Fault
from gameday.faults.network import AzBlackhole, IsolateModule
from gameday.faults.throttle import Throttle

CATALOGUE: dict[str, type[Fault]] = {
    fault.name: fault
    for fault in (TerminateInstance, StopInstance, RebootInstance, AzBlackhole, IsolateModule, Throttle)
}
"""Every fault that an experiment can name."""
