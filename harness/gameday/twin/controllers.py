"""What AWS does by itself in an account, in virtual time, and how each change of the account affects traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gameday.aws.account import AnyCall
from gameday.aws.client import Aws
from gameday.errors import InvalidInput
from gameday.files.twin_file import Function, TwinFile
from gameday.files.workload import Workload
from gameday.twin.cloudwatch.alarms import AlarmController, put_alarms
from gameday.twin.cloudwatch.api import Monitoring
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.control_plane.instances import BOOT, PENDING, Machines
from gameday.twin.control_plane.moto_patches import patch
from gameday.twin.control_plane.provision import World, build
from gameday.twin.control_plane.rejections import check
from gameday.twin.control_plane.scaling import Groups
from gameday.twin.control_plane.survey import Backends, Survey
from gameday.twin.control_plane.tagging import tagged
from gameday.twin.control_plane.target_health import Targets
from gameday.twin.moto.isolation import Enclosure
from gameday.twin.moto.objects import Moto
from gameday.twin.moto.seal import ReceivedCall
from gameday.twin.state import WorldState
from gameday.twin.timetable import Timetable

MINUTE = 60.0
"""Seconds between two points of the metrics that AWS publishes about hosts."""

GROUP_CALLS = (
    "ModifyNetworkInterfaceAttribute",
    "ModifyInstanceAttribute",
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress",
)
"""Calls of EC2 after which security groups may track other connections than before."""


class Controllers:
    """Run the controllers of an isolated account: instances, scaling groups, load balancers, alarms."""

    def __init__(
        self, enclosure: Enclosure, workload: Workload, twin: TwinFile, region: str, time: Timetable, store: MetricStore
    ) -> None:
        self._enclosure = enclosure
        self._workload = workload
        self._twin = twin
        self._region = region
        self._time = time
        self._store = store
        self.principal = f"arn:aws:iam::{workload.account}:user/twin"
        self.touched = True
        """Whether something may have changed since the last `survey`."""

    def populate(self, aws: Aws) -> World:
        """Build the world through `aws`, in the state of a workload that has been running for a while.

        Raises InvalidInput where AWS has no such region.
        """
        with self._enclosure.inside(), aws.connection.permitting(AnyCall()):
            known = aws.connection.session.get_available_regions("ec2")
            if self._region not in known:
                raise InvalidInput(
                    f"there is no region {self._region}", f"use one of {', '.join(known)}", gd_code="GD-E114"
                )
            self._take_charge()
            self.world = build(self._workload, self._twin, aws, self._region)
            put_alarms(self._twin, aws.connection.client("cloudwatch", self._region))
            self._alarms.look()
            self._survey = Survey(self._workload, self._twin, self.world, self._backends, self._machines, self.targets)
            self._young, self.targets.first = False, "healthy"
            self._groups.look()
            self._groups.look()
            self._young, self.targets.first = True, "initial"
        return self.world

    def _take_charge(self) -> None:
        names = ("ec2", "autoscaling", "elbv2", "lambda", "dynamodb", "apigateway", "cloudwatch")
        self._backends = backends = Backends(*(self._enclosure.backend(name, self._region) for name in names))
        self._machines = Machines(backends.ec2, self._time, self._moved)
        self.targets = Targets(backends.elbv2, self._machines, self._twin.health_check, self._time, self._touch)
        self._groups = Groups(
            backends.autoscaling, self._machines, self.targets, self._time, self._launch_delay, self._touch
        )
        self._alarms = AlarmController(backends.cloudwatch, self._store, self._time)
        self._monitoring = Monitoring(self._alarms, self._store, self._time)
        self._time.every(MINUTE, self._publish)
        patch(backends, self._machines, self.targets, self._groups, self._time, self._touch)

    def survey(self) -> WorldState:
        """Translate the account's state into what traffic needs."""
        self.touched = False
        return self._survey.state()

    # --- the Keeper of the seal ---------------------------------------------------------------------------------------

    def before(self, call: ReceivedCall) -> None:
        """Raise Rejected for a call that AWS would reject."""
        check(call, self._backends, self._machines)
        if call.service == "cloudwatch":
            self._alarms.check(call)

    def answer(self, call: ReceivedCall) -> Mapping[str, Any] | None:
        """Answer a call that moto cannot answer; None leaves it to moto."""
        if (call.service, call.operation) == ("sts", "GetCallerIdentity"):
            return {"UserId": "AIDATWIN", "Account": self._workload.account, "Arn": self.principal}
        if (call.service, call.operation) == ("lambda", "GetAccountSettings"):
            return {"AccountLimit": self._concurrency()}
        if (call.service, call.operation) == ("resourcegroupstaggingapi", "GetResources"):
            return tagged(call.params, self._region, self._backends)
        if (call.service, call.operation) == ("ec2", "GetConsoleOutput") and call.params[
            "InstanceId"
        ] in self._machines:
            return self._machines.console(call.params["InstanceId"])  # moto's time is that of the call
        return self._monitoring.answer(call)

    def after(self, call: ReceivedCall, done: bool) -> None:
        """Take over what a call may have changed; a call that failed half-way may have, too."""
        if done and (call.service, call.operation) == ("ec2", "RebootInstances"):
            self._machines.rebooted(call.params["InstanceIds"])
        if done and call.operation in GROUP_CALLS:
            self._survey.note_connections()
        self._machines.look()
        self.targets.look()
        self._alarms.look()
        self._touch()

    def _concurrency(self) -> dict[str, int]:
        """The account's Lambda limits: functions that reserve nothing share the least number of the twin file."""
        functions = [module.function for module in self._twin.modules.values() if module.function]
        left = min((function.concurrency for function in functions), default=Function().concurrency)
        reserved = sum(int(function.reserved_concurrency or 0) for function in self._backends.lambda_.list_functions())
        return {"ConcurrentExecutions": left + reserved, "UnreservedConcurrentExecutions": left}

    # --- what AWS does by itself -------------------------------------------------------------------------------------

    def _touch(self) -> None:
        self.touched = True

    def _moved(self) -> None:
        """Let the scaling groups react to an instance that entered another state."""
        self._groups.look()

    def _launch_delay(self, group: Moto) -> float:
        if not self._young:
            return 0.0
        module = self._survey.module_of({tag["Key"]: tag["Value"] for tag in group.tags})
        instances = self._twin.modules[module].instances if module else None
        return instances.launch_delay if instances else PENDING + BOOT

    def _publish(self) -> None:
        """Publish metrics about hosts: failed status checks, and the targets that load balancers find unhealthy."""
        for machine in self._machines:
            if machine.state == "running":
                down = 0.0 if self._machines.serving(machine.instance.id) else 1.0
                named = {"InstanceId": machine.instance.id}
                self._store.put("AWS/EC2", "StatusCheckFailed", named, self._time.now - 1, down)
        for dimensions in self.world.dimensions.values():
            if "TargetGroup" in dimensions:
                group = dimensions["TargetGroup"]
                targets = [target for target in self.targets if target.group.arn.endswith(group)]
                unhealthy = float(sum(target.state == "unhealthy" for target in targets))
                self._store.put("AWS/ApplicationELB", "UnHealthyHostCount", dimensions, self._time.now - 1, unhealthy)
