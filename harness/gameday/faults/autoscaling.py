"""Settings of EC2 Auto Scaling groups, which faults of other services set too."""

from __future__ import annotations

from gameday.change import Call, NormalForm, Read, Setting, Shape

GROUPS = Call(
    service="autoscaling", operation="describe_auto_scaling_groups", params={"AutoScalingGroupNames": {"$": "ids"}}
)

SUSPENDED = Setting(
    name="group.suspended",
    about="the processes that a scaling group does not run",
    shape=Shape.SET,
    resource="scaling group",
    read=Read(
        call=GROUPS,
        rows="AutoScalingGroups[].{id: AutoScalingGroupName, value: SuspendedProcesses[].ProcessName}",
    ),
    add=Call(
        service="autoscaling",
        operation="suspend_processes",
        params={"AutoScalingGroupName": {"$": "id"}, "ScalingProcesses": {"$": "value"}},
    ),
    remove=Call(
        service="autoscaling",
        operation="resume_processes",
        params={"AutoScalingGroupName": {"$": "id"}, "ScalingProcesses": {"$": "value"}},
    ),
    settle=5.0,
    retry=("ResourceInUse", "ResourceContention"),
)

SUBNETS = Setting(
    name="group.subnets",
    about="the subnets that a scaling group launches into",
    shape=Shape.SCALAR,
    resource="scaling group",
    read=Read(call=GROUPS, rows="AutoScalingGroups[].{id: AutoScalingGroupName, value: VPCZoneIdentifier}"),
    write=Call(
        service="autoscaling",
        operation="update_auto_scaling_group",
        params={"AutoScalingGroupName": {"$": "id"}, "VPCZoneIdentifier": {"$": "value"}},
    ),
    canonical=NormalForm.SORTED,
    settle=5.0,
    retry=("ScalingActivityInProgress", "ResourceContention"),
)
