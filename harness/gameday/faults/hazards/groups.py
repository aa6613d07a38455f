"""States of EC2 Auto Scaling groups and of their members, and what faults do with them.

stop-instance is planned with `hold_replacement: true`, az-blackhole with `launches: blocked`.
"""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, Answer, TargetState, refuses, still_open
from gameday.faults.hazards.instances import each_instance, not_chosen

GUIDE = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/"
LIFECYCLE = f'{GUIDE}ec2-auto-scaling-lifecycle.html, "Amazon EC2 Auto Scaling instance lifecycle"'
STANDBY = f'{GUIDE}as-enter-exit-standby.html, "How the standby state works"'
WARM = f'{GUIDE}warm-pool-instance-lifecycle.html, "Lifecycle state transitions for instances in a warm pool"'
PROCESSES = f'{GUIDE}as-suspend-resume-processes.html, "Types of processes"'
API = "Amazon EC2 Auto Scaling API Reference, "

MEMBERS = (
    TargetState("in service", "LifecycleState is InService", LIFECYCLE, each_instance(), values=("InService",)),
    TargetState(
        "standby",
        "it runs, takes no traffic, and does not count towards the group's capacity",
        STANDBY,
        not_chosen("Standby in scaling group"),
        values=("EnteringStandby", "Standby"),
    ),
    TargetState(
        "being launched",
        "LifecycleState is Pending or waits for a lifecycle hook",
        LIFECYCLE,
        not_chosen("in scaling group"),
        values=("Pending", "Pending:Wait", "Pending:Proceed"),
    ),
    TargetState(
        "being terminated",
        "the group terminates it, a lifecycle hook holds it, or the group keeps it",
        LIFECYCLE,
        not_chosen("in scaling group"),
        values=("Terminating", "Terminating:Wait", "Terminating:Proceed", "Terminating:Retained", "Terminated"),
    ),
    TargetState(
        "detaching",
        "it leaves the group, and goes on running",
        LIFECYCLE,
        not_chosen("in scaling group"),
        values=("Detaching", "Detached"),
    ),
    TargetState(
        "warm pool",
        "it waits in the warm pool and takes no traffic, also while it runs",
        WARM,
        not_chosen("in scaling group"),
        values=(
            "Warmed:Pending",
            "Warmed:Pending:Wait",
            "Warmed:Pending:Proceed",
            "Warmed:Pending:Retained",
            "Warmed:Terminating",
            "Warmed:Terminating:Wait",
            "Warmed:Terminating:Proceed",
            "Warmed:Terminating:Retained",
            "Warmed:Terminated",
            "Warmed:Stopped",
            "Warmed:Running",
            "Warmed:Hibernated",
        ),
    ),
    TargetState(
        "replacing its root volume",
        "an instance refresh replaces its root volume",
        f"{API}Instance, LifecycleState",
        not_chosen("in scaling group"),
        values=(
            "ReplacingRootVolume",
            "ReplacingRootVolume:Wait",
            "ReplacingRootVolume:Proceed",
            "RootVolumeReplaced",
        ),
    ),
    TargetState(
        "quarantined",
        "LifecycleState is Quarantined",
        f"{API}Instance, LifecycleState",
        not_chosen("in scaling group"),
        values=("Quarantined",),
    ),
    TargetState(
        "unhealthy",
        "HealthStatus is Unhealthy: the group is about to replace it",
        f"{GUIDE}ec2-auto-scaling-health-checks.html",
        not_chosen("finds it unhealthy"),
    ),
    TargetState(
        "scale-in protection",
        "ProtectedFromScaleIn is true: it does not protect from TerminateInstances",
        f'{GUIDE}ec2-auto-scaling-instance-protection.html, "Considerations"',
        each_instance(),
    ),
)


def _each(
    terminate: Answer = WORKS, stop: Answer = WORKS, reboot: Answer = WORKS, blackhole: Answer = WORKS
) -> dict[str, Answer]:
    """Return the answers of the faults that meet a scaling group."""
    return {
        "terminate-instance": terminate,
        "stop-instance": stop,
        "reboot-instance": reboot,
        "az-blackhole": blackhole,
    }


_NOT_WHOLE = refuses("GD-P32", "its system is not whole now")
_NOT_REPLACED = refuses("GD-P29", "would not replace")

GROUPS = (
    TargetState("whole", "as many members in service as DesiredCapacity", f"{API}AutoScalingGroup", _each()),
    TargetState(
        "short of capacity",
        "fewer members in service than DesiredCapacity: healing could not be seen",
        f"{API}AutoScalingGroup",
        _each(terminate=_NOT_WHOLE, reboot=_NOT_WHOLE),
    ),
    TargetState(
        "weighted members",
        "WeightedCapacity of members: DesiredCapacity counts weights, not members",
        f"{API}Instance, WeightedCapacity",
        _each(),
    ),
    TargetState(
        "capacity in vCPUs or memory",
        "DesiredCapacityType is vcpu or memory-mib",
        f"{API}AutoScalingGroup, DesiredCapacityType",
        _each(),
        values=("vcpu", "memory-mib"),
    ),
    TargetState(
        "replacing suspended",
        "Launch, HealthCheck or ReplaceUnhealthy is suspended: the group replaces no terminated member",
        PROCESSES,
        _each(terminate=_NOT_REPLACED),
        values=("Launch", "HealthCheck", "ReplaceUnhealthy"),
    ),
    TargetState(
        "other processes suspended",
        "AZRebalance, AlarmNotification or others are suspended: what is suspended stays so after the undo",
        PROCESSES,
        _each(),
        values=("AZRebalance", "AlarmNotification", "ScheduledActions", "AddToLoadBalancer", "InstanceRefresh"),
    ),
    TargetState(
        "no subnets named",
        "VPCZoneIdentifier is empty: it launches into the default subnets of its AvailabilityZones",
        f"{API}UpdateAutoScalingGroup",
        _each(blackhole=refuses("GD-P10", "names no subnet")),
    ),
    TargetState(
        "subnets in the zone alone",
        "every subnet of VPCZoneIdentifier is in the zone: a group needs a subnet",
        f"{API}UpdateAutoScalingGroup",
        _each(blackhole=refuses("GD-P10", "and a group needs a subnet")),
    ),
    TargetState(
        "without the opt-in tag",
        "the group's Tags lack the workload's opt-in tag",
        "README.md, opt-in",
        _each(
            stop=refuses("GD-P11", "web does not carry the opt-in tag"),
            blackhole=refuses("GD-P11", "web does not carry the opt-in tag"),
        ),
    ),
    TargetState(
        "being deleted",
        "Status is set: DeleteAutoScalingGroup runs",
        f"{API}AutoScalingGroup, Status",
        _each(
            terminate=refuses("GD-P29", "is being deleted"),
            stop=refuses("GD-P29", "is being deleted"),
            blackhole=refuses("GD-P29", "is being deleted"),
        ),
    ),
    TargetState(
        "instance refresh in progress",
        "Suspend and ResumeProcesses declare ResourceInUse; documents do not say whether a refresh causes it",
        f"{API}SuspendProcesses, Errors",
        _each(
            stop=still_open(WORKS, "only an account can tell whether a refresh refuses SuspendProcesses"),
            blackhole=still_open(WORKS, "only an account can tell whether a refresh refuses SuspendProcesses"),
        ),
    ),
)
