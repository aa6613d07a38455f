"""What AWS does by itself: health checks, scaling groups, slow instances, alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from gameday.aws.account import AnyCall
from gameday.twin.control_plane.instances import BOOT, PENDING, SHUTTING_DOWN, STOPPING
from gameday.twin.control_plane.provision import DRAINING
from gameday.twin.control_plane.scaling import LOOK
from gameday.twin.state import NodeState
from gameday.twin.timetable import Timetable
from gameday.twin.twin import START, Twin

from tests.little import REGION, small

ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]
CHECK = 10.0  # seconds between health checks, as the twin file's defaults have it
GROUP = "small-site"


class Site:
    """A small site on three instances in three zones, and what one does with it."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.ec2, self.elb, self.scaling, self.cloudwatch = (
            twin.aws.connection.client(service, REGION) for service in ("ec2", "elbv2", "autoscaling", "cloudwatch")
        )

    def wait(self, seconds: float) -> None:
        self.twin.clock.sleep(seconds)

    @property
    def group(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        return answer

    @property
    def members(self) -> dict[str, str]:
        """Instance → its state in the group."""
        return {raw["InstanceId"]: raw["LifecycleState"] for raw in self.group["Instances"]}

    @property
    def zones(self) -> Counter[str]:
        """Zone → instances in service."""
        in_service = (raw for raw in self.group["Instances"] if raw["LifecycleState"] == "InService")
        return Counter(raw["AvailabilityZone"] for raw in in_service)

    @property
    def arn(self) -> str:
        return str(self.group["TargetGroupARNs"][0])

    @property
    def health(self) -> dict[str, str]:
        """Instance → what the load balancer says of it."""
        answer = self.elb.describe_target_health(TargetGroupArn=self.arn)["TargetHealthDescriptions"]
        return {raw["Target"]["Id"]: raw["TargetHealth"]["State"] for raw in answer}

    def reason(self, instance: str) -> str:
        answer = self.elb.describe_target_health(TargetGroupArn=self.arn, Targets=[{"Id": instance}])
        return str(answer["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"])

    def state(self, instance: str) -> str:
        answer = self.ec2.describe_instances(InstanceIds=[instance])
        return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])

    @property
    def nodes(self) -> dict[str, NodeState]:
        """What traffic knows of the site."""
        return {node.id: node for node in self.twin.state.modules["site"].nodes}

    def suspend(self, *processes: str) -> None:
        self.scaling.suspend_processes(AutoScalingGroupName=GROUP, ScalingProcesses=list(processes))

    def resume(self, *processes: str) -> None:
        self.scaling.resume_processes(AutoScalingGroupName=GROUP, ScalingProcesses=list(processes))

    def subnets(self, *zones: str) -> list[str]:
        answer = self.ec2.describe_subnets(Filters=[{"Name": "tag:app", "Values": ["small"]}])["Subnets"]
        return [raw["SubnetId"] for raw in answer if raw["AvailabilityZone"] in zones]

    def spread_over(self, *zones: str) -> None:
        self.scaling.update_auto_scaling_group(
            AutoScalingGroupName=GROUP, VPCZoneIdentifier=",".join(self.subnets(*zones))
        )

    def silence(self, instance: str) -> None:
        """Nothing reaches it any more."""
        interface = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        made = self.ec2.create_security_group(
            GroupName=f"none-{instance}-{self.twin.now}", Description="lets nothing in", VpcId=interface["VpcId"]
        )
        self.ec2.modify_instance_attribute(InstanceId=instance, Groups=[made["GroupId"]])

    def emitted_again(self, instance: str, like: str) -> None:
        groups = self.ec2.describe_instances(InstanceIds=[like])["Reservations"][0]["Instances"][0]["SecurityGroups"]
        self.ec2.modify_instance_attribute(InstanceId=instance, Groups=[raw["GroupId"] for raw in groups])


@pytest.fixture
def site() -> Iterator[Site]:
    with Twin(*small(zones=ZONES)) as twin, twin.aws.connection.permitting(AnyCall()):
        yield Site(twin)


# --- instances --------------------------------------------------------------------------------------------------------


def test_instance_stops_and_starts_with_its_delays(site: Site) -> None:
    site.suspend("HealthCheck")
    instance = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[instance])
    assert site.state(instance) == "stopping"
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        site.ec2.start_instances(InstanceIds=[instance])
    site.wait(STOPPING)
    assert site.state(instance) == "stopped"

    site.ec2.start_instances(InstanceIds=[instance])
    assert site.state(instance) == "pending"
    site.wait(PENDING)
    assert site.state(instance) == "running"
    assert not site.nodes[instance].serving
    site.wait(BOOT)
    assert site.nodes[instance].serving


def test_second_stop_does_not_restart_the_delay(site: Site) -> None:
    site.suspend("HealthCheck")
    instance = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[instance])
    site.wait(STOPPING / 2)
    site.ec2.stop_instances(InstanceIds=[instance])
    assert site.state(instance) == "stopping"
    site.wait(STOPPING / 2)
    assert site.state(instance) == "stopped"


def test_instance_terminated_while_stopping_stays_so(site: Site) -> None:
    site.suspend("HealthCheck")
    instance = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[instance])
    site.ec2.terminate_instances(InstanceIds=[instance])
    assert site.state(instance) == "shutting-down"
    site.wait(SHUTTING_DOWN)
    assert site.state(instance) == "terminated"
    site.wait(STOPPING)
    assert site.state(instance) == "terminated"


def test_rebooted_instance_serves_after_its_boot(site: Site) -> None:
    instance = next(iter(site.members))
    site.ec2.reboot_instances(InstanceIds=[instance])
    assert site.state(instance) == "running"
    assert not site.nodes[instance].serving
    site.wait(BOOT)
    assert site.nodes[instance].serving


def test_reboot_posts_new_console_output(site: Site) -> None:
    instance = next(iter(site.members))
    before = site.ec2.get_console_output(InstanceId=instance)["Timestamp"]
    site.wait(BOOT)
    assert site.ec2.get_console_output(InstanceId=instance)["Timestamp"] == before
    site.ec2.reboot_instances(InstanceIds=[instance])
    site.wait(BOOT)
    after = site.ec2.get_console_output(InstanceId=instance)["Timestamp"]
    assert (after - before).total_seconds() > BOOT


def test_registered_launch_enters_rotation(site: Site) -> None:
    template = site.group["LaunchTemplate"]["LaunchTemplateId"]
    tags = [{"Key": "module", "Value": "site"}]
    made = site.ec2.run_instances(
        MinCount=1,
        MaxCount=1,
        LaunchTemplate={"LaunchTemplateId": template},
        SubnetId=site.subnets(ZONES[0])[0],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    instance = made["Instances"][0]["InstanceId"]
    assert site.state(instance) == "pending"
    assert instance not in site.nodes
    site.wait(PENDING)
    site.elb.register_targets(TargetGroupArn=site.arn, Targets=[{"Id": instance}])
    assert site.health[instance] == "initial"
    site.wait(BOOT + 2 * CHECK)
    assert site.health[instance] == "healthy"
    assert site.nodes[instance].in_rotation


# --- targets ----------------------------------------------------------------------------------------------------------


def test_silent_target_leaves_rotation_and_returns(site: Site) -> None:
    site.suspend("ReplaceUnhealthy")
    instance, other, _ = site.members
    site.silence(instance)
    site.wait(CHECK)
    assert site.health[instance] == "healthy"
    site.wait(CHECK)
    assert (site.health[instance], site.reason(instance)) == ("unhealthy", "Target.Timeout")
    assert not site.nodes[instance].in_rotation

    site.emitted_again(instance, like=other)
    site.wait(CHECK)
    assert site.health[instance] == "unhealthy"
    site.wait(CHECK)
    assert site.health[instance] == "healthy"
    assert site.nodes[instance].in_rotation


def test_good_check_resets_failed_checks(site: Site) -> None:
    instance, other, _ = site.members
    site.silence(instance)
    site.wait(CHECK)
    site.emitted_again(instance, like=other)
    site.wait(CHECK)
    site.silence(instance)
    site.wait(CHECK)
    assert site.health[instance] == "healthy"


def test_a_stopped_target_is_unused(site: Site) -> None:
    site.suspend("HealthCheck")
    instance = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[instance])
    site.wait(CHECK)
    assert (site.health[instance], site.reason(instance)) == ("unused", "Target.InvalidState")
    assert not site.nodes[instance].in_rotation


def test_terminated_target_is_deregistered(site: Site) -> None:
    site.suspend("HealthCheck")
    instance = next(iter(site.members))
    site.ec2.terminate_instances(InstanceIds=[instance])
    site.wait(CHECK)
    assert instance not in site.health
    assert site.reason(instance) == "Target.NotRegistered"


def test_deregistered_target_drains_then_disappears(site: Site) -> None:
    instance = next(iter(site.members))
    site.elb.deregister_targets(TargetGroupArn=site.arn, Targets=[{"Id": instance}])
    assert site.health[instance] == "draining"
    assert not site.nodes[instance].in_rotation
    site.wait(DRAINING)
    assert instance not in site.health
    assert instance not in site.nodes


def test_target_registered_again_starts_as_initial(site: Site) -> None:
    instance = next(iter(site.members))
    site.elb.deregister_targets(TargetGroupArn=site.arn, Targets=[{"Id": instance}])
    site.elb.register_targets(TargetGroupArn=site.arn, Targets=[{"Id": instance}])
    assert site.health[instance] == "initial"
    site.wait(max(CHECK, DRAINING))  # what was to end the draining is void
    assert site.health[instance] == "healthy"


def test_an_unknown_target_group_has_no_health(site: Site) -> None:
    unknown = site.arn[:-16] + "0" * 16
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        site.elb.describe_target_health(TargetGroupArn=unknown)


def test_target_in_disabled_zone_is_unused(site: Site) -> None:
    balancer = site.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    site.elb.set_subnets(LoadBalancerArn=balancer, Subnets=site.subnets(*ZONES[1:]))
    site.wait(CHECK)
    unused = [instance for instance, state in site.health.items() if state == "unused"]
    assert [site.nodes[instance].zone for instance in unused] == [ZONES[0]]
    assert site.reason(unused[0]) == "Target.NotInUse"


# --- scaling groups ---------------------------------------------------------------------------------------------------


def test_terminated_instance_is_replaced_in_its_zone(site: Site) -> None:
    instance = next(iter(site.members))
    site.ec2.terminate_instances(InstanceIds=[instance])
    site.wait(LOOK)
    (new,) = set(site.members) - site.health.keys()
    assert (site.members[new], instance in site.members) == ("Pending", False)
    site.wait(PENDING)
    assert site.members[new] == "InService"
    assert site.zones == dict.fromkeys(ZONES, 1)
    assert not site.nodes[new].serving
    site.wait(90 - PENDING)
    assert site.nodes[new].serving
    site.wait(2 * CHECK)
    assert set(site.health.values()) == {"healthy"}


def test_a_stopped_member_is_terminated_and_replaced(site: Site) -> None:
    instance = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[instance])
    site.wait(LOOK)
    assert site.state(instance) == "shutting-down"
    assert len(site.members) == 3


@pytest.mark.parametrize("processes", [["HealthCheck"], ["ReplaceUnhealthy"], ["Terminate"]])
def test_stopped_member_with_suspended_process_stays(site: Site, processes: list[str]) -> None:
    site.suspend(*processes)
    instance = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[instance])
    site.wait(120)
    assert instance in site.members
    assert site.state(instance) == "stopped"


def test_member_unhealthy_in_load_balancer_is_replaced(site: Site) -> None:
    instance = next(iter(site.members))
    site.silence(instance)
    site.wait(2 * CHECK + LOOK)
    assert site.members.get(instance) in ("Terminating", None)
    site.wait(DRAINING)
    assert instance not in site.members
    assert site.state(instance) in ("shutting-down", "terminated")


def test_young_member_has_a_grace_period(site: Site) -> None:
    before = set(site.members)
    site.ec2.terminate_instances(InstanceIds=[next(iter(before))])
    site.wait(LOOK)
    (young,) = set(site.members) - before
    site.silence(young)
    site.wait(PENDING + 110)
    assert (site.members[young], site.health[young]) == ("InService", "unhealthy")
    site.wait(10 + LOOK)
    assert site.members[young] == "Terminating"


def test_group_of_type_ec2_ignores_target_health(site: Site) -> None:
    site.scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, HealthCheckType="EC2")
    instance = next(iter(site.members))
    site.silence(instance)
    site.wait(120)
    assert site.members[instance] == "InService"


def test_member_set_unhealthy_is_replaced(site: Site) -> None:
    instance = next(iter(site.members))
    site.scaling.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy")
    site.wait(LOOK + DRAINING)
    assert instance not in site.members
    assert len(site.members) == 3


def test_a_leaving_member_drains_before_it_is_terminated(site: Site) -> None:
    instance = next(iter(site.members))
    site.scaling.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy")
    site.wait(LOOK)
    assert (site.members[instance], site.health[instance], site.state(instance)) == (
        "Terminating",
        "draining",
        "running",
    )
    assert site.nodes[instance].serving
    site.wait(DRAINING)
    assert site.state(instance) == "shutting-down"


def test_nothing_is_launched_while_launching_is_suspended(site: Site) -> None:
    site.suspend("Launch")
    site.ec2.terminate_instances(InstanceIds=[next(iter(site.members))])
    site.wait(200)
    assert len(site.members) == 2
    site.resume("Launch")
    site.wait(LOOK)
    assert len(site.members) == 3


def test_launch_uses_the_groups_subnets(site: Site) -> None:
    site.suspend("AZRebalance")
    site.spread_over(*ZONES[1:])
    lost = next(instance for instance in site.members if site.nodes[instance].zone == ZONES[0])
    site.ec2.terminate_instances(InstanceIds=[lost])
    site.wait(LOOK + PENDING)
    assert ZONES[0] not in site.zones
    assert site.zones.total() == 3


def test_group_with_suspended_rebalance_keeps_members(site: Site) -> None:
    site.suspend("AZRebalance")
    site.spread_over(*ZONES[1:])
    before = site.members
    site.wait(300)
    assert site.members == before


def test_rebalancing_launches_before_it_terminates(site: Site) -> None:
    site.spread_over(*ZONES[1:])
    for _ in range(60):
        site.wait(5)
        assert sum(node.in_rotation for node in site.nodes.values()) >= 3
    assert set(site.zones) == set(ZONES[1:])
    assert site.zones.total() == 3


def test_an_uneven_group_becomes_even_again(site: Site) -> None:
    site.suspend("AZRebalance")
    site.spread_over(ZONES[0])
    for instance in [instance for instance in site.members if site.nodes[instance].zone != ZONES[0]]:
        site.ec2.terminate_instances(InstanceIds=[instance])
    site.wait(120)
    assert site.zones == {ZONES[0]: 3}
    site.spread_over(*ZONES)
    site.resume("AZRebalance")
    site.wait(600)
    assert site.zones == dict.fromkeys(ZONES, 1)


def test_a_group_grows_and_shrinks_evenly(site: Site) -> None:
    site.scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=6)
    site.wait(LOOK + PENDING)
    assert site.zones == dict.fromkeys(ZONES, 2)
    site.wait(120)
    site.scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=3)
    site.wait(LOOK + DRAINING)
    assert site.zones == dict.fromkeys(ZONES, 1)


def test_protected_members_are_not_scaled_in(site: Site) -> None:
    instance, *_ = before = list(site.members)
    site.scaling.set_instance_protection(AutoScalingGroupName=GROUP, InstanceIds=before, ProtectedFromScaleIn=True)
    site.scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=2)
    site.wait(LOOK + DRAINING)
    assert list(site.members) == before
    site.scaling.set_instance_protection(AutoScalingGroupName=GROUP, InstanceIds=[instance], ProtectedFromScaleIn=False)
    site.wait(LOOK + DRAINING)
    assert list(site.members) == before[1:]


def test_detached_member_drains_and_keeps_running(site: Site) -> None:
    instance = next(iter(site.members))
    site.scaling.detach_instances(
        AutoScalingGroupName=GROUP, InstanceIds=[instance], ShouldDecrementDesiredCapacity=False
    )
    site.wait(LOOK)
    assert site.health[instance] == "draining"
    assert site.state(instance) == "running"
    assert len(site.members) == 3


def test_standby_member_drains_and_returns(site: Site) -> None:
    instance = next(iter(site.members))
    site.scaling.enter_standby(AutoScalingGroupName=GROUP, InstanceIds=[instance], ShouldDecrementDesiredCapacity=True)
    site.wait(LOOK)
    assert (site.members[instance], site.health[instance]) == ("Standby", "draining")
    assert len(site.members) == 3
    site.scaling.exit_standby(AutoScalingGroupName=GROUP, InstanceIds=[instance])
    site.wait(LOOK + CHECK)
    assert (site.members[instance], site.health[instance]) == ("InService", "healthy")


def test_terminate_through_the_group_shuts_down(site: Site) -> None:
    instance = next(iter(site.members))
    site.scaling.terminate_instance_in_auto_scaling_group(InstanceId=instance, ShouldDecrementDesiredCapacity=True)
    site.wait(LOOK)
    assert site.state(instance) == "shutting-down"
    assert len(site.members) == 2


def test_target_deregistered_by_user_stays_out(site: Site) -> None:
    instance = next(iter(site.members))
    site.elb.deregister_targets(TargetGroupArn=site.arn, Targets=[{"Id": instance}])
    site.wait(LOOK + DRAINING)
    assert instance not in site.health
    assert site.members[instance] == "InService"


def test_deleted_group_terminates_its_members(site: Site) -> None:
    members = list(site.members)
    site.scaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    assert [site.state(instance) for instance in members] == ["shutting-down"] * 3
    assert site.nodes
    site.wait(CHECK)
    assert not any(node.serving for node in site.nodes.values())


# --- alarms and metrics -----------------------------------------------------------------------------------------------


ALARM = {"visits-few": {"metric": "Small/Tried", "period": "60s", "below": 1000.0, "points": 1, "of": 1}}


@pytest.fixture
def watched() -> Iterator[Site]:
    metrics = {"Small/Tried": {"journey": "visit", "count": "tried"}}
    with Twin(*small(metrics=metrics, alarms=ALARM)) as twin, twin.aws.connection.permitting(AnyCall()):
        yield Site(twin)


def alarm(site: Site) -> str:
    return str(site.cloudwatch.describe_alarms(AlarmNames=["visits-few"])["MetricAlarms"][0]["StateValue"])


def test_alarm_starts_without_data_and_is_evaluated(watched: Site) -> None:
    watched.wait(50)
    assert alarm(watched) == "INSUFFICIENT_DATA"
    watched.wait(10)
    assert alarm(watched) == "ALARM"


def test_set_state_lasts_until_the_next_evaluation(watched: Site) -> None:
    watched.wait(60)
    watched.cloudwatch.set_alarm_state(AlarmName="visits-few", StateValue="OK", StateReason="because")
    watched.wait(50)
    assert alarm(watched) == "OK"
    watched.wait(10)
    assert alarm(watched) == "ALARM"


def test_changed_alarm_is_evaluated_by_its_new_rule(watched: Site) -> None:
    watched.wait(60)
    watched.cloudwatch.put_metric_alarm(
        AlarmName="visits-few",
        Namespace="Small",
        MetricName="Tried",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    watched.wait(10)
    assert alarm(watched) == "OK"


def read(site: Site, namespace: str, metric: str, dimensions: dict[str, str]) -> list[float]:
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    answer = site.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=named,
        StartTime=START,
        EndTime=site.twin.now,
        Period=60,
        Statistics=["Maximum"],
    )
    return [point["Maximum"] for point in answer["Datapoints"]]


def test_hosts_publish_their_state_each_minute(site: Site) -> None:
    instance = next(iter(site.members))
    site.wait(30)
    site.suspend("ReplaceUnhealthy")
    site.wait(5)
    site.ec2.reboot_instances(InstanceIds=[instance])
    site.wait(85)
    assert read(site, "AWS/EC2", "StatusCheckFailed", {"InstanceId": instance}) == [1.0, 0.0]
    balancer = site.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"].rpartition("loadbalancer/")[2]
    dimensions = {"LoadBalancer": balancer, "TargetGroup": site.arn.rpartition(":")[2]}
    assert read(site, "AWS/ApplicationELB", "UnHealthyHostCount", dimensions) == [1.0, 0.0]


# --- the timetable ----------------------------------------------------------------------------------------------------


def test_timetable_orders_by_time_then_by_planning() -> None:
    time, done = Timetable(100.0), list[str]()
    time.after(5, lambda: done.append("later"))
    time.after(1, lambda: done.append("first"))

    def second() -> None:
        done.append("second")
        time.after(0, lambda: done.append("third"))

    time.after(1, second)
    time.every(2, lambda: done.append("again"))
    assert time.next == 101
    time.now = 101
    time.run_due()
    assert done == ["first", "second", "third"]
    for now in (102, 104, 105):
        time.now = now
        time.run_due()
    assert done[3:] == ["again", "again", "later"]
