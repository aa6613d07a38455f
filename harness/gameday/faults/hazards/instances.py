"""States of EC2 instances, and what faults do with an instance in them.

Every row is planned for one instance by its id; az-blackhole and isolate-module hit it beside a sound one.
"""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, Answer, TargetState, loses, refuses, still_open, warns

GUIDE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
LIFECYCLE = f'{GUIDE}ec2-instance-lifecycle.html, "Amazon EC2 instance state changes"'
STOP_START = f'{GUIDE}how-ec2-instance-stop-start-works.html, "What happens when you stop an instance"'
DIFFERENCES = f'{GUIDE}ec2-instance-lifecycle.html, "Differences between instance states"'
SPOT = f'{GUIDE}using-spot-instances-request.html, "Stop a Spot Instance"'
KEYS = "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html"


def each_instance(
    terminate: Answer = WORKS,
    stop: Answer = WORKS,
    reboot: Answer = WORKS,
    blackhole: Answer = WORKS,
    isolate: Answer = WORKS,
) -> dict[str, Answer]:
    """Return the answers of the faults that meet an instance."""
    return {
        "terminate-instance": terminate,
        "stop-instance": stop,
        "reboot-instance": reboot,
        "az-blackhole": blackhole,
        "isolate-module": isolate,
    }


def not_chosen(words: str) -> dict[str, Answer]:
    """Return the answers where no fault may choose the instance: it carries no load."""
    refused = refuses("GD-P10", words)
    return each_instance(terminate=refused, stop=refused, reboot=refused)


def not_running(words: str) -> dict[str, Answer]:
    """Return the same for one that does not run: its interface then keeps isolate-module from its subnet's ACL."""
    isolate = warns("GD-W10", "let everything in that can reach them")
    return not_chosen(words) | {"isolate-module": isolate}


_NOT_REPLACED = warns("GD-W10", "nothing known replaces it")
_LAUNCHED_AGAIN = warns("GD-W10", "launches another instance")

INSTANCES = (
    TargetState("running", "State.Name is running", LIFECYCLE, each_instance(), values=("running",)),
    TargetState(
        "between states",
        "State.Name is pending or stopping",
        LIFECYCLE,
        not_running("carries no load"),
        values=("pending", "stopping"),
    ),
    TargetState("stopped", "State.Name is stopped", LIFECYCLE, not_running("it is stopped"), values=("stopped",)),
    TargetState(
        "hibernated",
        "stopped, StateReason Client.UserInitiatedHibernate",
        f'{GUIDE}Hibernate.html, "Hibernate your Amazon EC2 instance"',
        not_running("it is stopped"),
    ),
    TargetState(
        "shutting down",
        "State.Name is shutting-down: its interfaces are still there",
        LIFECYCLE,
        not_running("no such instance"),
        values=("shutting-down",),
    ),
    TargetState(
        "terminated",
        "State.Name is terminated: AWS shows it for about an hour",
        LIFECYCLE,
        not_chosen("no such instance"),
        values=("terminated",),
    ),
    TargetState(
        "termination protection",
        "DisableApiTermination is true: TerminateInstances fails",
        f'{GUIDE}Using_ChangingDisableAPITermination.html, "Change instance termination protection"',
        each_instance(terminate=refuses("GD-P29", "its termination protection is on")),
    ),
    TargetState(
        "stop protection",
        "DisableApiStop is true: StopInstances and TerminateInstances fail",
        f'{GUIDE}ec2-stop-protection.html, "Considerations"',
        each_instance(
            terminate=refuses("GD-P29", "its stop protection is on"),
            stop=refuses("GD-P29", "its stop protection is on"),
        ),
    ),
    TargetState(
        "shutdown behavior terminate",
        "InstanceInitiatedShutdownBehavior is terminate: it counts for a shutdown from within alone",
        f"{GUIDE}Using_ChangingInstanceInitiatedShutdownBehavior.html",
        each_instance(),
    ),
    TargetState(
        "root on an instance store",
        "RootDeviceType is instance-store: it cannot be stopped, only terminated",
        f"{GUIDE}RootDeviceStorage.html",
        each_instance(
            terminate=loses("the data on its instance store volumes"),
            stop=refuses("GD-P10", "its root volume is an instance store"),
        ),
    ),
    TargetState(
        "instance store volumes",
        "its type has instance store volumes beside an EBS root",
        STOP_START,
        each_instance(
            terminate=loses("the data on its instance store volumes"),
            stop=refuses("GD-P12", "the data on its instance store volumes"),
        ),
    ),
    TargetState(
        "address that AWS assigned",
        "Association.IpOwnerId is amazon: a stop releases the public IPv4 address",
        STOP_START,
        each_instance(terminate=loses("its public IPv4 address"), stop=refuses("GD-P12", "its public IPv4 address")),
    ),
    TargetState(
        "Elastic IP address",
        "Association.IpOwnerId is the account: the address stays with the instance over a stop",
        STOP_START,
        each_instance(),
    ),
    TargetState(
        "volume deleted on termination",
        "DeleteOnTermination is true for one of its volumes",
        f"{GUIDE}preserving-volumes-on-termination.html",
        each_instance(terminate=loses("deleted on termination")),
    ),
    TargetState(
        "customer managed key",
        "a volume's key has KeyManager CUSTOMER: who starts the instance needs kms:CreateGrant",
        KEYS,
        each_instance(stop=warns("GD-W29", "needs kms:CreateGrant")),
    ),
    TargetState(
        "key that is not enabled",
        "KeyState of a volume's key is not Enabled: a start is accepted, then dropped",
        KEYS,
        each_instance(stop=refuses("GD-P29", "of an encrypted volume is not enabled")),
        values=("Disabled", "PendingDeletion", "PendingImport", "Unavailable"),
    ),
    TargetState("AWS managed key", "a volume's key has KeyManager AWS", KEYS, each_instance()),
    TargetState(
        "one-time Spot request",
        "Type of its Spot request is one-time: only an instance of a persistent request can be stopped",
        SPOT,
        each_instance(_NOT_REPLACED, refuses("GD-P29", "its Spot request is one-time")),
    ),
    TargetState(
        "Spot launch group",
        "its Spot request names a LaunchGroup: such an instance cannot be stopped",
        SPOT,
        each_instance(_LAUNCHED_AGAIN, refuses("GD-P29", "or for a group")),
    ),
    TargetState(
        "persistent Spot request",
        "Type of its Spot request is persistent: EC2 starts or launches one again only while it has Spot capacity",
        f'{GUIDE}using-spot-instances-request.html, "Stop a Spot Instance", "Terminate a Spot Instance"',
        each_instance(_LAUNCHED_AGAIN, refuses("GD-P12", "its Spot capacity")),
    ),
    TargetState(
        "cancelled Spot request",
        "State of its persistent Spot request is cancelled: the instance runs on, and EC2 launches no other",
        f"{GUIDE}using-spot-instances-cancel.html",
        each_instance(_NOT_REPLACED, refuses("GD-P29", "its Spot request is one-time, cancelled")),
    ),
    TargetState(
        "Spot Instance of a group or fleet",
        "a scaling group or a fleet launched it: it cannot be stopped",
        SPOT,
        each_instance(stop=refuses("GD-P10", "a Spot Instance of a fleet or scaling group")),
    ),
    TargetState(
        "other lifecycle",
        "InstanceLifecycle is scheduled, capacity-block or interruptible-capacity-reservation",
        "EC2 API Reference, Instance, InstanceLifecycle",
        each_instance(
            stop=still_open(WORKS, "AWS does not document whether such an instance starts again after a stop")
        ),
        values=("scheduled", "capacity-block", "interruptible-capacity-reservation"),
    ),
    TargetState(
        "dedicated tenancy",
        "Placement.Tenancy is dedicated",
        f"{GUIDE}dedicated-instance.html",
        each_instance(),
    ),
    TargetState(
        "Dedicated Host",
        "Placement.Tenancy is host: after a stop it needs room on a host of its account",
        f'{GUIDE}dedicated-hosts-understanding.html, "Amazon EC2 Dedicated Host auto-placement and host affinity"',
        each_instance(stop=warns("GD-W10", "Dedicated Host")),
    ),
    TargetState(
        "hibernation enabled",
        "HibernationOptions.Configured is true: StopInstances without Hibernate is a usual stop",
        f"{GUIDE}Hibernate.html",
        each_instance(),
    ),
    TargetState(
        "placement group",
        "Placement.GroupName is set: a start needs capacity in the group; every stop warns of that",
        f"{GUIDE}placement-groups.html",
        each_instance(),
    ),
    TargetState(
        "no scaling group",
        "nothing replaces it after a termination",
        DIFFERENCES,
        each_instance(
            terminate=_NOT_REPLACED,
        ),
    ),
    TargetState(
        "EC2 Fleet",
        "a fleet of type maintain launched it, and replaces it",
        f'{GUIDE}ec2-fleet-request-type.html, "EC2 Fleet request types"',
        each_instance(),
    ),
    TargetState(
        "several network interfaces",
        "NetworkInterfaces holds more than the primary one, in the same subnet",
        f"{GUIDE}using-eni.html",
        each_instance(),
    ),
    TargetState(
        "without the opt-in tag",
        "Tags lack the workload's opt-in tag",
        "README.md, opt-in",
        dict.fromkeys(each_instance(), refuses("GD-P11", "does not carry the opt-in tag")),
    ),
)
