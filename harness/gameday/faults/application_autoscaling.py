"""The setting of scalable targets that `throttle` sets: Application Auto Scaling would fight a lower capacity."""

from __future__ import annotations

from gameday.change import Call, Json, Read, Setting, Shape

_PLACE: dict[str, Json] = {"ServiceNamespace": "dynamodb", "ScalableDimension": {"$": "args.dimension"}}

ALL_SUSPENDED: dict[str, Json] = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": True,
    "ScheduledScalingSuspended": True,
}
"""No activity of any kind. Each is false by default (Application Auto Scaling API Reference, SuspendedState)."""

SCALING = Setting(
    name="scaling.suspended",
    about="which activities of Application Auto Scaling are suspended for a capacity of a table",
    shape=Shape.SCALAR,
    read=Read(
        call=Call(
            service="application-autoscaling",
            operation="describe_scalable_targets",
            params={**_PLACE, "ResourceIds": [{"$": "args.resource"}]},
        ),
        rows="ScalableTargets[].{value: {"
        + ", ".join(f"{key}: SuspendedState.{key} || `false`" for key in ALL_SUSPENDED)
        + "}}",
        plural=False,
    ),
    write=Call(
        service="application-autoscaling",
        operation="register_scalable_target",
        params={**_PLACE, "ResourceId": {"$": "args.resource"}, "SuspendedState": {"$": "value"}},
    ),
    settle=5.0,
    retry=("ConcurrentUpdateException",),
)
"""A write changes nothing else of the target. But it also moves a capacity that is out of the target's bounds into them
(RegisterScalableTarget). So it is set before the capacity is reduced, and written back after that is back."""
