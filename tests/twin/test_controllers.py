"""What AWS does by itself: health checks, scaling groups, instances that take their time, alarms."""

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
        found: dict[str, Any] = self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        return found

    @property
    def members(self) -> dict[str, str]:
        """Instance → its state in the group."""
        return {one["InstanceId"]: one["LifecycleState"] for one in self.group["Instances"]}

    @property
    def zones(self) -> Counter[str]:
        """Zone → instances in service."""
        in_service = (one for one in self.group["Instances"] if one["LifecycleState"] == "InService")
        return Counter(one["AvailabilityZone"] for one in in_service)

    @property
    def arn(self) -> str:
        return str(self.group["TargetGroupARNs"][0])

    @property
    def health(self) -> dict[str, str]:
        """Instance → what the load balancer says of it."""
        found = self.elb.describe_target_health(TargetGroupArn=self.arn)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}

    def reason(self, instance: str) -> str:
        found = self.elb.describe_target_health(TargetGroupArn=self.arn, Targets=[{"Id": instance}])
        return str(found["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"])

    def state(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])

    @property
    def nodes(self) -> dict[str, NodeState]:
        """What traffic knows of the site."""
        return {node.id: node for node in self.twin.state.modules["site"].nodes}

    def suspend(self, *processes: str) -> None:
        self.scaling.suspend_processes(AutoScalingGroupName=GROUP, ScalingProcesses=list(processes))

    def resume(self, *processes: str) -> None:
        self.scaling.resume_processes(AutoScalingGroupName=GROUP, ScalingProcesses=list(processes))

    def subnets(self, *zones: str) -> list[str]:
        found = self.ec2.describe_subnets(Filters=[{"Name": "tag:app", "Values": ["small"]}])["Subnets"]
        return [one["SubnetId"] for one in found if one["AvailabilityZone"] in zones]

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
        self.ec2.modify_instance_attribute(InstanceId=instance, Groups=[one["GroupId"] for one in groups])


@pytest.fixture
def site() -> Iterator[Site]:
    with Twin(*small(zones=ZONES)) as twin, twin.aws.connection.permitting(AnyCall()):
        yield Site(twin)


# --- instances --------------------------------------------------------------------------------------------------------


def test_an_instance_stops_and_starts_in_its_time(site: Site) -> None:
    site.suspend("HealthCheck")
    one = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[one])
    assert site.state(one) == "stopping"
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        site.ec2.start_instances(InstanceIds=[one])
    site.wait(STOPPING)
    assert site.state(one) == "stopped"

    site.ec2.start_instances(InstanceIds=[one])
    assert site.state(one) == "pending"
    site.wait(PENDING)
    assert site.state(one) == "running"
    assert not site.nodes[one].serving
    site.wait(BOOT)
    assert site.nodes[one].serving


def test_stopping_twice_takes_no_longer(site: Site) -> None:
    site.suspend("HealthCheck")
    one = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[one])
    site.wait(STOPPING / 2)
    site.ec2.stop_instances(InstanceIds=[one])
    assert site.state(one) == "stopping"
    site.wait(STOPPING / 2)
    assert site.state(one) == "stopped"


def test_an_instance_that_is_terminated_while_it_stops_stays_terminated(site: Site) -> None:
    site.suspend("HealthCheck")
    one = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[one])
    site.ec2.terminate_instances(InstanceIds=[one])
    assert site.state(one) == "shutting-down"
    site.wait(SHUTTING_DOWN)
    assert site.state(one) == "terminated"
    site.wait(STOPPING)
    assert site.state(one) == "terminated"


def test_a_rebooted_instance_does_not_serve_until_it_has_booted(site: Site) -> None:
    one = next(iter(site.members))
    site.ec2.reboot_instances(InstanceIds=[one])
    assert site.state(one) == "running"
    assert not site.nodes[one].serving
    site.wait(BOOT)
    assert site.nodes[one].serving


def test_a_user_may_launch_an_instance_and_put_it_behind_the_load_balancer(site: Site) -> None:
    template = site.group["LaunchTemplate"]["LaunchTemplateId"]
    tags = [{"Key": "module", "Value": "site"}]
    made = site.ec2.run_instances(
        MinCount=1,
        MaxCount=1,
        LaunchTemplate={"LaunchTemplateId": template},
        SubnetId=site.subnets(ZONES[0])[0],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    one = made["Instances"][0]["InstanceId"]
    assert site.state(one) == "pending"
    assert one not in site.nodes
    site.wait(PENDING)
    site.elb.register_targets(TargetGroupArn=site.arn, Targets=[{"Id": one}])
    assert site.health[one] == "initial"
    site.wait(BOOT + 2 * CHECK)
    assert site.health[one] == "healthy"
    assert site.nodes[one].in_rotation


# --- targets ----------------------------------------------------------------------------------------------------------


def test_a_silent_target_leaves_rotation_after_failed_checks_and_returns_after_good_ones(site: Site) -> None:
    site.suspend("ReplaceUnhealthy")
    one, other, _ = site.members
    site.silence(one)
    site.wait(CHECK)
    assert site.health[one] == "healthy"
    site.wait(CHECK)
    assert (site.health[one], site.reason(one)) == ("unhealthy", "Target.Timeout")
    assert not site.nodes[one].in_rotation

    site.emitted_again(one, like=other)
    site.wait(CHECK)
    assert site.health[one] == "unhealthy"
    site.wait(CHECK)
    assert site.health[one] == "healthy"
    assert site.nodes[one].in_rotation


def test_one_failed_check_is_forgotten_after_a_good_one(site: Site) -> None:
    one, other, _ = site.members
    site.silence(one)
    site.wait(CHECK)
    site.emitted_again(one, like=other)
    site.wait(CHECK)
    site.silence(one)
    site.wait(CHECK)
    assert site.health[one] == "healthy"


def test_a_stopped_target_is_unused(site: Site) -> None:
    site.suspend("HealthCheck")
    one = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[one])
    site.wait(CHECK)
    assert (site.health[one], site.reason(one)) == ("unused", "Target.InvalidState")
    assert not site.nodes[one].in_rotation


def test_a_terminated_target_is_no_target(site: Site) -> None:
    site.suspend("HealthCheck")
    one = next(iter(site.members))
    site.ec2.terminate_instances(InstanceIds=[one])
    site.wait(CHECK)
    assert one not in site.health
    assert site.reason(one) == "Target.NotRegistered"


def test_a_deregistered_target_drains_and_then_is_gone(site: Site) -> None:
    one = next(iter(site.members))
    site.elb.deregister_targets(TargetGroupArn=site.arn, Targets=[{"Id": one}])
    assert site.health[one] == "draining"
    assert not site.nodes[one].in_rotation
    site.wait(DRAINING)
    assert one not in site.health
    assert one not in site.nodes


def test_a_target_that_is_registered_again_begins_anew(site: Site) -> None:
    one = next(iter(site.members))
    site.elb.deregister_targets(TargetGroupArn=site.arn, Targets=[{"Id": one}])
    site.elb.register_targets(TargetGroupArn=site.arn, Targets=[{"Id": one}])
    assert site.health[one] == "initial"
    site.wait(max(CHECK, DRAINING))  # what was to end the draining is void
    assert site.health[one] == "healthy"


def test_an_unknown_target_group_has_no_health(site: Site) -> None:
    unknown = site.arn[:-16] + "0" * 16
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        site.elb.describe_target_health(TargetGroupArn=unknown)


def test_a_target_in_a_zone_without_the_load_balancer_is_not_in_use(site: Site) -> None:
    balancer = site.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    site.elb.set_subnets(LoadBalancerArn=balancer, Subnets=site.subnets(*ZONES[1:]))
    site.wait(CHECK)
    unused = [one for one, state in site.health.items() if state == "unused"]
    assert [site.nodes[one].zone for one in unused] == [ZONES[0]]
    assert site.reason(unused[0]) == "Target.NotInUse"


# --- scaling groups ---------------------------------------------------------------------------------------------------


def test_a_terminated_instance_is_replaced_in_its_zone_after_the_launch_delay(site: Site) -> None:
    one = next(iter(site.members))
    site.ec2.terminate_instances(InstanceIds=[one])
    site.wait(LOOK)
    (new,) = set(site.members) - site.health.keys()
    assert (site.members[new], one in site.members) == ("Pending", False)
    site.wait(PENDING)
    assert site.members[new] == "InService"
    assert site.zones == dict.fromkeys(ZONES, 1)
    assert not site.nodes[new].serving
    site.wait(90 - PENDING)
    assert site.nodes[new].serving
    site.wait(2 * CHECK)
    assert set(site.health.values()) == {"healthy"}


def test_a_stopped_member_is_terminated_and_replaced(site: Site) -> None:
    one = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[one])
    site.wait(LOOK)
    assert site.state(one) == "shutting-down"
    assert len(site.members) == 3


@pytest.mark.parametrize("processes", [["HealthCheck"], ["ReplaceUnhealthy"], ["Terminate"]])
def test_a_stopped_member_is_kept_while_its_replacing_is_suspended(site: Site, processes: list[str]) -> None:
    site.suspend(*processes)
    one = next(iter(site.members))
    site.ec2.stop_instances(InstanceIds=[one])
    site.wait(120)
    assert one in site.members
    assert site.state(one) == "stopped"


def test_a_member_that_its_load_balancer_finds_unhealthy_is_replaced(site: Site) -> None:
    one = next(iter(site.members))
    site.silence(one)
    site.wait(2 * CHECK + LOOK)
    assert site.members.get(one) in ("Terminating", None)
    site.wait(DRAINING)
    assert one not in site.members
    assert site.state(one) in ("shutting-down", "terminated")


def test_a_young_member_is_given_grace(site: Site) -> None:
    before = set(site.members)
    site.ec2.terminate_instances(InstanceIds=[next(iter(before))])
    site.wait(LOOK)
    (young,) = set(site.members) - before
    site.silence(young)
    site.wait(PENDING + 110)
    assert (site.members[young], site.health[young]) == ("InService", "unhealthy")
    site.wait(10 + LOOK)
    assert site.members[young] == "Terminating"


def test_the_type_ec2_does_not_ask_the_load_balancer(site: Site) -> None:
    site.scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, HealthCheckType="EC2")
    one = next(iter(site.members))
    site.silence(one)
    site.wait(120)
    assert site.members[one] == "InService"


def test_a_member_that_is_said_to_be_unhealthy_is_replaced(site: Site) -> None:
    one = next(iter(site.members))
    site.scaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    site.wait(LOOK + DRAINING)
    assert one not in site.members
    assert len(site.members) == 3


def test_a_leaving_member_drains_before_it_is_terminated(site: Site) -> None:
    one = next(iter(site.members))
    site.scaling.set_instance_health(InstanceId=one, HealthStatus="Unhealthy")
    site.wait(LOOK)
    assert (site.members[one], site.health[one], site.state(one)) == ("Terminating", "draining", "running")
    assert site.nodes[one].serving
    site.wait(DRAINING)
    assert site.state(one) == "shutting-down"


def test_nothing_is_launched_while_launching_is_suspended(site: Site) -> None:
    site.suspend("Launch")
    site.ec2.terminate_instances(InstanceIds=[next(iter(site.members))])
    site.wait(200)
    assert len(site.members) == 2
    site.resume("Launch")
    site.wait(LOOK)
    assert len(site.members) == 3


def test_launches_go_where_the_groups_subnets_are(site: Site) -> None:
    site.suspend("AZRebalance")
    site.spread_over(*ZONES[1:])
    lost = next(one for one in site.members if site.nodes[one].zone == ZONES[0])
    site.ec2.terminate_instances(InstanceIds=[lost])
    site.wait(LOOK + PENDING)
    assert ZONES[0] not in site.zones
    assert site.zones.total() == 3


def test_a_group_that_may_not_rebalance_leaves_its_members_where_they_are(site: Site) -> None:
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
    for one in [one for one in site.members if site.nodes[one].zone != ZONES[0]]:
        site.ec2.terminate_instances(InstanceIds=[one])
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
    one, *_ = before = list(site.members)
    site.scaling.set_instance_protection(AutoScalingGroupName=GROUP, InstanceIds=before, ProtectedFromScaleIn=True)
    site.scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=2)
    site.wait(LOOK + DRAINING)
    assert list(site.members) == before
    site.scaling.set_instance_protection(AutoScalingGroupName=GROUP, InstanceIds=[one], ProtectedFromScaleIn=False)
    site.wait(LOOK + DRAINING)
    assert list(site.members) == before[1:]


def test_a_detached_member_leaves_the_load_balancer_and_lives_on(site: Site) -> None:
    one = next(iter(site.members))
    site.scaling.detach_instances(AutoScalingGroupName=GROUP, InstanceIds=[one], ShouldDecrementDesiredCapacity=False)
    site.wait(LOOK)
    assert site.health[one] == "draining"
    assert site.state(one) == "running"
    assert len(site.members) == 3


def test_a_member_in_standby_leaves_the_load_balancer_and_comes_back(site: Site) -> None:
    one = next(iter(site.members))
    site.scaling.enter_standby(AutoScalingGroupName=GROUP, InstanceIds=[one], ShouldDecrementDesiredCapacity=True)
    site.wait(LOOK)
    assert (site.members[one], site.health[one]) == ("Standby", "draining")
    assert len(site.members) == 3
    site.scaling.exit_standby(AutoScalingGroupName=GROUP, InstanceIds=[one])
    site.wait(LOOK + CHECK)
    assert (site.members[one], site.health[one]) == ("InService", "healthy")


def test_a_member_may_be_terminated_through_its_group(site: Site) -> None:
    one = next(iter(site.members))
    site.scaling.terminate_instance_in_auto_scaling_group(InstanceId=one, ShouldDecrementDesiredCapacity=True)
    site.wait(LOOK)
    assert site.state(one) == "shutting-down"
    assert len(site.members) == 2


def test_what_a_user_takes_out_of_the_load_balancer_the_group_does_not_put_back(site: Site) -> None:
    one = next(iter(site.members))
    site.elb.deregister_targets(TargetGroupArn=site.arn, Targets=[{"Id": one}])
    site.wait(LOOK + DRAINING)
    assert one not in site.health
    assert site.members[one] == "InService"


def test_a_deleted_group_takes_its_members_along(site: Site) -> None:
    members = list(site.members)
    site.scaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    assert [site.state(one) for one in members] == ["shutting-down"] * 3
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


def test_an_alarm_begins_without_data_and_is_evaluated_each_minute(watched: Site) -> None:
    watched.wait(50)
    assert alarm(watched) == "INSUFFICIENT_DATA"
    watched.wait(10)
    assert alarm(watched) == "ALARM"


def test_a_state_that_was_set_lasts_until_the_next_evaluation(watched: Site) -> None:
    watched.wait(60)
    watched.cloudwatch.set_alarm_state(AlarmName="visits-few", StateValue="OK", StateReason="because")
    watched.wait(50)
    assert alarm(watched) == "OK"
    watched.wait(10)
    assert alarm(watched) == "ALARM"


def test_a_changed_alarm_is_another_alarm(watched: Site) -> None:
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
    found = site.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=named,
        StartTime=START,
        EndTime=site.twin.now,
        Period=60,
        Statistics=["Maximum"],
    )
    return [point["Maximum"] for point in found["Datapoints"]]


def test_hosts_publish_their_state_once_a_minute(site: Site) -> None:
    one = next(iter(site.members))
    site.wait(30)
    site.suspend("ReplaceUnhealthy")
    site.wait(5)
    site.ec2.reboot_instances(InstanceIds=[one])
    site.wait(85)
    assert read(site, "AWS/EC2", "StatusCheckFailed", {"InstanceId": one}) == [1.0, 0.0]
    balancer = site.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"].rpartition("loadbalancer/")[2]
    dimensions = {"LoadBalancer": balancer, "TargetGroup": site.arn.rpartition(":")[2]}
    assert read(site, "AWS/ApplicationELB", "UnHealthyHostCount", dimensions) == [1.0, 0.0]


# --- the timetable ----------------------------------------------------------------------------------------------------


def test_a_timetable_keeps_the_order_of_time_and_then_of_planning() -> None:
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
